import Fastify from 'fastify';
import { buildSchema, graphql } from 'graphql';
import { Redis } from 'ioredis';
import { createPool } from 'mysql2/promise';
import { Pool } from 'undici';

/** A service that does, for one request, what ours do: GraphQL → another request → SQL and Redis. Its arguments: MySQL's and Redis' URLs. */
const [mysqlUrl = '', redisUrl = ''] = process.argv.slice(2);
const mysql = createPool({ uri: mysqlUrl });
const redis = new Redis(redisUrl);
const schema = buildSchema('type Query { secretOf(name: String!): String }');
const app = Fastify();

app.get('/livez', () => 'alive');
app.get('/outer', async () => {
  const source = '{ secretOf(name: "hunter2") }';
  return graphql({ schema, source, rootValue: { secretOf: () => askInner() } });
});
app.get('/inner', async () => {
  await redis.set('hunter2', 'hunter2');
  await mysql.query('SELECT ? AS answer', ['hunter2']);
  return 'done';
});

const address = await app.listen({ port: 0, host: '127.0.0.1' });
const inner = new Pool(address);
async function askInner(): Promise<string> {
  const { body } = await inner.request({ path: '/inner', method: 'GET' });
  return body.text();
}
process.once('SIGTERM', async () => {
  await app.close();
  await Promise.all([mysql.end(), redis.quit(), inner.close()]);
});
process.stdout.write(`${address}\n`);
