import { context, propagation } from '@opentelemetry/api';
import Fastify from 'fastify';
import { buildSchema, graphql } from 'graphql';
import { Redis } from 'ioredis';
import { createPool } from 'mysql2/promise';
import { Pool } from 'undici';
import { flushTelemetry } from '../src/flush-telemetry.ts';

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
  await mysql.query('INSERT INTO secrets VALUES (?)', ['hunter2']).catch(() => {});
  return 'done';
});

// Looks for work all the time, as relays and sweeps do.
await mysql.query('CREATE TABLE IF NOT EXISTS secrets (secret VARCHAR(20) PRIMARY KEY)');
await mysql.query("INSERT IGNORE INTO secrets VALUES ('hunter2')");
const polling = setInterval(() => void mysql.query('SELECT 1').catch(() => {}), 50);

const address = await app.listen({ port: 0, host: '127.0.0.1' });
const inner = new Pool(address);
async function askInner(): Promise<string> {
  const headers: Record<string, string> = {};
  propagation.inject(context.active(), headers);
  const { body } = await inner.request({ path: '/inner', method: 'GET', headers });
  return body.text();
}
process.once('SIGTERM', async () => {
  clearInterval(polling);
  await app.close();
  await Promise.all([mysql.end(), redis.quit(), inner.close()]);
  await flushTelemetry();
  process.exit();
});
process.stdout.write(`${address}\n`);
