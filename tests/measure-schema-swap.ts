import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Child, removeFolderAfterwards, startChild, stopAllChildren } from '@souk/dev/child';
import { prepareDatabase } from '@souk/dev/databases';
import { freePort } from '@souk/dev/free-port';
import { type LoneGateway, startLoneGateway, tellAccessState } from '@souk/dev/lone-gateway';
import { mysqlStore } from '@souk/dev/mysql-store';
import { quantile } from '@souk/dev/quantile';
import { redisStore } from '@souk/dev/redis-store';
import { root } from '@souk/dev/workspaces';
import { mysqlRegistry } from '@souk/schema/registry/mysql-registry';
import { subgraphNames } from '@souk/schema/subgraphs';
import { Pool } from 'undici';
import { answerWith, startFakeSubgraph } from '../platform/test/fake-subgraph.ts';

/**
 * `node tests/measure-schema-swap.ts [rounds] [requests per second]`: how soon two gateways serve what is published, and what that costs those who ask them
 * meanwhile. The graph is the shop's own; one gateway follows the registry's database, the other its HTTP API. Then Redis, the database and the API are killed,
 * one after the other, and come back.
 */
const [rounds = 5, perSecond = 200] = process.argv.slice(2).map(Number);
const schemaFolder = join(root, 'schema');
const AWAY_MS = 4_000;
const TOKEN = 'gateways-token';
const USUAL = '{ brand(slug: "souk") { slug name } }';
const NEW = '{ brand(slug: "souk") { origin } }';

const folder = mkdtempSync(join(tmpdir(), 'souk-swap-'));
removeFolderAfterwards(folder);
const storeOptions = { folder, durability: 'disposable', configured: {} } as const;
let [mysql, redis] = await Promise.all([
  mysqlStore.startPrivately(storeOptions),
  redisStore.startPrivately(storeOptions),
]);
const registryUrl = await prepareDatabase(mysql.url, { subgraph: 'registry', name: 'souk_registry', password: 'swap' });
const store = mysqlRegistry(registryUrl);
const changedFolder = join(folder, 'changed');
cpSync(schemaFolder, changedFolder, { recursive: true, filter: (file) => !file.includes('node_modules') });
const catalog = join(changedFolder, 'catalog.graphql');
const [name, origin] = ['  "Name of the brand."\n', '  "Where it is from."\n  origin: String\n'];
writeFileSync(catalog, readFileSync(catalog, 'utf8').replace(name, origin + name));
const publishChanged = () => registryCommand('publish', '--folder', changedFolder);
const rollBack = () => registryCommand('rollback', '--to', '1', '--reason', 'It is measured.');
await registryCommand('publish', '--folder', schemaFolder);

const subgraph = await startFakeSubgraph(
  answerWith({ data: { brand: { __typename: 'Brand', slug: 'souk', name: 'Souk', origin: 'here' } } }),
);
await tellAccessState(redis.url);
const apiPort = await freePort();
writeFileSync(
  join(folder, 'tokens.json'),
  JSON.stringify([{ name: 'gateways', sha256: createHash('sha256').update(TOKEN).digest('hex'), may: 'record' }]),
);
let api = startApi();
const gateways = await Promise.all([
  openGateway('mysql', { SOUK_REGISTRY: registryUrl }),
  openGateway('http', { SOUK_REGISTRY: `http://127.0.0.1:${apiPort}`, SOUK_REGISTRY_TOKEN: TOKEN }),
]);
const pools = gateways.map(({ url }) => new Pool(new URL(url).origin, { connections: 64 }));

try {
  for (const pool of pools) for (let asked = 0; asked < 200; asked++) await ask(pool, USUAL);
  const publishing: number[] = [];
  const rollingBack: number[] = [];
  await whileAsked('publishing and rolling back', async () => {
    for (let round = 0; round < rounds; round++) {
      publishing.push(...(await untilServed(() => publishChanged(), true)));
      await delay(1_000);
      rollingBack.push(...(await untilServed(() => rollBack(), false)));
      await delay(1_000);
    }
  });
  say(`publication served, from its commit   ${summary(publishing)}`);
  say(`rollback served, from its commit      ${summary(rollingBack)}`);

  await whileAsked('Redis killed, published meanwhile, back', async () => {
    process.kill(redis.pid ?? 0, 'SIGKILL');
    say(`  unannounced, served               ${summary(await untilServed(() => publishChanged(), true))}`);
    await delay(AWAY_MS);
    redis = await redisStore.startPrivately(storeOptions);
  });
  await whileAsked('MySQL killed, back', async () => {
    process.kill(mysql.pid ?? 0, 'SIGKILL');
    await delay(AWAY_MS);
    mysql = await mysqlStore.startPrivately(storeOptions);
    await delay(2_000);
    say(`  rollback served                   ${summary(await untilServed(() => rollBack(), false))}`);
  });
  await whileAsked("the registry's API killed, back", async () => {
    api.kill();
    await publishChanged();
    await delay(AWAY_MS);
    api = startApi();
    const backAt = performance.now();
    const served = await Promise.all(pools.map((pool) => untilAnswered(pool, true)));
    say(`  served after its return           ${summary(served.map((at) => at - backAt))}`);
  });
} finally {
  await Promise.all([...pools.map((pool) => pool.destroy()), store.close(), subgraph.close()]);
  await stopAllChildren();
}

async function openGateway(name: string, settings: Record<string, string>): Promise<LoneGateway> {
  const gateway = await startLoneGateway(name, {
    folder,
    redisUrl: redis.url,
    settings: {
      NODE_ENV: 'production',
      SUBGRAPH_URLS: JSON.stringify(Object.fromEntries(subgraphNames.map((each) => [each, subgraph.url]))),
      RESPONSE_CACHE: 'off',
      SCHEMA_LOOK_EVERY: '5s',
      LAST_KNOWN_SCHEMA_FOLDER: join(folder, name, 'last-known'),
      ...settings,
    },
  });
  await gateway.ready();
  return gateway;
}

function startApi(): Child {
  return startChild({
    name: 'registry',
    command: process.execPath,
    args: [join(root, 'schema/main.ts'), 'serve', '--tokens', join(folder, 'tokens.json'), '--port', String(apiPort)],
    env: { PATH: '', SOUK_REGISTRY: registryUrl, REDIS_URL: redis.url },
    logFile: join(folder, 'registry.log'),
  });
}

async function ask(pool: Pool, query: string): Promise<string> {
  const { statusCode, body } = await pool.request({
    path: '/graphql',
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return `${statusCode} ${await body.text()}`;
}

/** Has something published, in a process of its own as always. @returns for each gateway how many milliseconds after the commit it serves the new field, or no more */
async function untilServed(change: () => Promise<unknown>, isThere: boolean): Promise<number[]> {
  const committed = untilCommitted();
  const served = pools.map((pool) => untilAnswered(pool, isThere));
  await change();
  const committedAt = await committed;
  return (await Promise.all(served)).map((at) => at - committedAt);
}

async function untilCommitted(): Promise<number> {
  const numberOf = async () => (await store.history('production', 1))[0]?.number;
  const before = await numberOf();
  while ((await numberOf()) === before) await delay(5);
  return performance.now();
}

async function untilAnswered(pool: Pool, isThere: boolean): Promise<number> {
  while ((await ask(pool, NEW)).includes('"origin":"here"') !== isThere) await delay(10);
  return performance.now();
}

async function registryCommand(...given: string[]): Promise<void> {
  await promisify(execFile)(process.execPath, [join(schemaFolder, 'main.ts'), ...given], {
    cwd: root,
    env: { PATH: '', SOUK_REGISTRY: registryUrl, REDIS_URL: redis.url, SOUK_AUTHOR: 'measurement' },
  });
}

/** Asks all the while, at a steady rate whatever becomes of it, and tells what came back. */
async function whileAsked(what: string, work: () => Promise<void>): Promise<void> {
  const durations: number[] = [];
  const failures: string[] = [];
  const underWay = new Set<Promise<void>>();
  const startedAt = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    while (sent < ((performance.now() - startedAt) / 1_000) * perSecond) {
      const asked = askOnce(pools[sent++ % pools.length] as Pool).finally(() => underWay.delete(asked));
      underWay.add(asked);
    }
  }, 1);
  async function askOnce(pool: Pool): Promise<void> {
    const from = performance.now();
    const answer = await ask(pool, USUAL).catch(String);
    durations.push(performance.now() - from);
    if (!answer.startsWith('200 {"data":{"brand":{"slug":"souk","name":"Souk"}}}')) failures.push(answer);
  }
  await work();
  const rate = sent / ((performance.now() - startedAt) / 1_000);
  clearInterval(timer);
  await Promise.all(underWay);
  say(`${what}: ${sent} requests, ${rate.toFixed(0)}/s, ${failures.length} failed, in ms ${summary(durations)}`);
  for (const failure of failures.slice(0, 3)) say(`  ${failure}`);
}

function summary(values: readonly number[]): string {
  const at = (share: number) => quantile(values, share).toFixed(0);
  return `p50 ${at(0.5)}, p99 ${at(0.99)}, longest ${at(1)} (${values.length})`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
