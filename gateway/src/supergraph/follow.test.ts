import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { tellAccessState } from '@souk/dev/lone-gateway';
import { createTestDatabase, type TestDatabase, testRedisUrl } from '@souk/dev/test-database';
import { graph, registered } from '@souk/schema/check/test-graph';
import { announceOnRedis } from '@souk/schema/registry/announce';
import { mysqlRegistry } from '@souk/schema/registry/mysql-registry';
import { type PublishOptions, publish, rollback } from '@souk/schema/registry/publishing';
import type { Publication, Registry } from '@souk/schema/registry/registry';
import { registryServer } from '@souk/schema/registry/server';
import { supergraphHash } from '@souk/schema/supergraph-hash';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { answerWith, type FakeSubgraph, startFakeSubgraph } from '../../../platform/test/fake-subgraph.ts';
import { startProxyBefore, type TcpProxy, through } from '../../../platform/test/tcp-proxy.ts';
import {
  askSteadily,
  codesFor,
  type Follower,
  metricsOf,
  processesOf,
  servedBy,
  startFollower,
} from '../../test/followers.ts';

/**
 * Two gateways in processes of their own follow one registry, one of them its database and the other, of two processes, its HTTP API, while a client asks both
 * without a pause. What either follows with can be cut off.
 */
const folder = mkdtempSync(join(tmpdir(), 'souk-follow-'));
const patience = { timeout: 30_000, interval: 20 };
const token = 'read-token';
const before = graph('the shop', {});
const withPlace = graph('with a place', {
  order: [['note: String\n      total', 'note: String "Where it is." place: String\n      total']],
});
const withoutNote = graph('without a note', { order: [['note: String\n      total', 'total']] });

let database: TestDatabase;
let registry: Registry;
let server: FastifyInstance;
let subgraph: FakeSubgraph;
let redis: TcpProxy;
let mysql: TcpProxy;
let redisUrl: string;
let gateways: Follower[] = [];

beforeAll(async () => {
  database = await createTestDatabase('registry');
  registry = mysqlRegistry(database.url);
  redisUrl = await testRedisUrl();
  [mysql, redis] = await Promise.all([startProxyBefore(database.url, 3306), startProxyBefore(redisUrl, 6379)]);
  subgraph = await startFakeSubgraph(
    answerWith({ data: { order: { __typename: 'Order', id: '1', note: 'Leave it.', place: 'the door' } } }),
  );
  server = await openServer(0);
  await tellAccessState(redisUrl);
  expect((await publish('production', before, options('The first one.'))).outcome).toBe('published');
  gateways = await Promise.all([
    open('mysql', { SOUK_REGISTRY: through(mysql, database.url) }),
    open('http', {
      SOUK_REGISTRY: `http://127.0.0.1:${portOf(server)}`,
      SOUK_REGISTRY_TOKEN: token,
      GATEWAY_PROCESSES: '2',
    }),
  ]);
}, 90_000);

afterAll(async () => {
  await Promise.all(gateways.map(({ child }) => child.stop()));
  await Promise.all([server?.close(), subgraph?.close(), redis?.close(), mysql?.close(), registry?.close()]);
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

describe('two gateways that follow one registry', { timeout: 120_000 }, () => {
  it('serve what was published before they started, and tell it where strangers do not ask', async () => {
    const first = await registry.latest('production');
    await untilServed(1);
    for (const gateway of gateways) {
      expect(await servedBy(gateway)).toMatchObject({
        variant: 'storefront@production',
        source: 'registry',
        number: 1,
        hash: first?.contracts.storefront.hash,
        refusal: null,
      });
      const open = await (await fetch(new URL('/readyz', gateway.url))).json();
      expect(open).toEqual({ status: 'ready', checks: { access: 'ok' } });
      expect(await codesFor(gateway, '{ order(id: "1") { place } }')).toEqual(['GRAPHQL_VALIDATION_FAILED']);
    }
  });

  it('swap on a safe publication and on a rollback, and nobody who asks notices', async () => {
    const client = askSteadily(gateways);
    await publish('production', withPlace, options('Nothing was described.'));
    await untilServed(2);
    await untilAnswered('{ order(id: "1") { place } }');
    await rollback('production', 1, { ...options(), reason: 'Places are wrong.' });
    await untilServed(3);
    for (const gateway of gateways) {
      expect(await codesFor(gateway, '{ order(id: "1") { place } }')).toEqual(['GRAPHQL_VALIDATION_FAILED']);
      expect(await metricsOf(gateway)).toContain(
        `souk_supergraph_swaps_total{endpoint="/graphql",outcome="served"} ${3 * processesOf(gateway)}`,
      );
    }
    expect(await client.stop()).toEqual([]);
  });

  it('do not hear of a publication that is refused, because a client would feel it', async () => {
    const { contract, client, version, name, body } = registered('query ReadNote { order(id: "1") { note } }');
    const operations = [{ name, body }];
    await registry.registerManifest({ contract, client, version, registeredAt: new Date().toISOString(), operations });
    const refused = await publish('production', withoutNote, options());
    expect(refused.outcome).toBe('refused');
    expect(refused.report.changes.find(({ coordinate }) => coordinate === 'Order.note')).toMatchObject({
      verdict: 'breaking',
      feltBy: [expect.objectContaining({ client, version, operation: 'ReadNote' })],
    });
    expect(await registry.history('production', 10)).toHaveLength(3);
    await delay(700);
    for (const gateway of gateways) expect(await servedBy(gateway)).toMatchObject({ number: 3 });
  });

  it('go on while Redis, the database and the HTTP API are away, and follow again afterwards', async () => {
    const client = askSteadily(gateways);
    await redis.cut();
    await publish('production', withPlace, options('Nothing was described.'));
    // Nothing is announced, so they find out by themselves.
    await untilServed(4);
    await mysql.cut();
    const port = portOf(server);
    await server.close();
    await rollback('production', 1, { ...options(), reason: 'Places are wrong.' });
    await delay(1_000);
    for (const gateway of gateways) expect(await servedBy(gateway)).toMatchObject({ number: 4, refusal: null });
    server = await openServer(port);
    await Promise.all([redis.heal(), mysql.heal()]);
    await untilServed(5);
    expect(await client.stop()).toEqual([]);
  });

  it('refuse what cannot be used with its reason, and the last good one stays', async () => {
    const latest = (await registry.latest('production')) as Publication;
    const broken = (supergraph: string, hash = supergraphHash(supergraph)) => ({ supergraph, api: '', hash });
    const { admin, storefront } = latest.contracts;
    const client = askSteadily(gateways);
    await registry.append({
      ...latest,
      number: 6,
      contracts: { admin: broken(admin.supergraph, 'f'.repeat(64)), storefront: broken('type Query { tea: String }') },
    });
    for (const gateway of gateways) {
      await vi.waitFor(async () => {
        const metrics = await metricsOf(gateway);
        for (const endpoint of ['/graphql', '/admin/graphql'])
          expect(metrics).toContain(`souk_supergraph_refused{endpoint="${endpoint}"} ${processesOf(gateway)}`);
      }, patience);
      expect(await servedBy(gateway)).toMatchObject({ number: 5, refusal: expect.stringContaining('supergraph') });
      expect(await servedBy(gateway, '/admin/graphql')).toMatchObject({ refusal: expect.stringContaining('hash') });
    }
    await registry.append({ ...latest, number: 7, contracts: { admin, storefront } });
    await untilServed(7);
    for (const gateway of gateways) expect(await servedBy(gateway)).toMatchObject({ refusal: null });
    expect(await client.stop()).toEqual([]);
  });

  it('start with what they knew last while the registry is away, or with a file when they knew nothing', async () => {
    // The one that knows nothing leaves all to Apollo Gateway.
    const [gateway] = gateways as [Follower];
    await mysql.cut();
    await gateway.child.stop();
    const [again, stranger] = await Promise.all([
      open('mysql', gateway.settings),
      open('stranger', { ...gateway.settings, COMPILED_EXECUTION: 'false' }),
    ]);
    gateways[0] = again;
    expect(await servedBy(again)).toMatchObject({ source: 'last-known', number: 7, answeredAt: null });
    expect(await codesFor(again, '{ order(id: "1") { note } }')).toEqual([]);

    expect(await servedBy(stranger)).toMatchObject({ source: 'file', number: null });
    expect(readFileSync(stranger.logFile, 'utf8')).toContain('no supergraph is known from before');
    await mysql.heal();
    for (const each of [again, stranger]) {
      await vi.waitFor(
        async () => expect(await servedBy(each)).toMatchObject({ source: 'registry', number: 7 }),
        patience,
      );
    }
    await stranger.child.stop();
  });
});

function open(name: string, settings: Record<string, string>): Promise<Follower> {
  return startFollower(name, { folder, redisUrl: through(redis, redisUrl), subgraphUrl: subgraph.url, settings });
}

async function openServer(port: number): Promise<FastifyInstance> {
  const opened = registryServer({
    registry,
    tokens: [{ name: 'gateways', sha256: createHash('sha256').update(token).digest('hex'), may: 'read' }],
    announce: async () => {},
    cacheFolder: null,
    onFailure: () => {},
  });
  await opened.listen({ port, host: '127.0.0.1' });
  return opened;
}

function portOf(opened: FastifyInstance): number {
  return (opened.server.address() as AddressInfo).port;
}

function options(reason: string | null = null): PublishOptions {
  return {
    registry,
    author: 'noor',
    reason,
    approvals: [],
    cacheFolder: join(folder, 'cache'),
    announce: announceOnRedis(redisUrl, (sentence) => expect.fail(sentence)),
    now: new Date(),
  };
}

/** By every process of every gateway. */
async function untilServed(number: number): Promise<void> {
  for (const gateway of gateways) {
    const line = new RegExp(
      `^souk_supergraph_info{endpoint="/graphql",.*number="${number}".*} ${processesOf(gateway)}$`,
      'm',
    );
    await vi.waitFor(async () => expect(await metricsOf(gateway)).toMatch(line), patience);
  }
}

async function untilAnswered(query: string): Promise<void> {
  for (const gateway of gateways) expect(await codesFor(gateway, query)).toEqual([]);
}
