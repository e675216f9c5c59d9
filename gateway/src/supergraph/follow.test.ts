import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type LoneGateway, startLoneGateway, tellAccessState } from '@souk/dev/lone-gateway';
import { createTestDatabase, type TestDatabase, testRedisUrl } from '@souk/dev/test-database';
import { graph, registered } from '@souk/schema/check/test-graph';
import { announceOnRedis } from '@souk/schema/registry/announce';
import { mysqlRegistry } from '@souk/schema/registry/mysql-registry';
import { type PublishOptions, publish, rollback } from '@souk/schema/registry/publishing';
import type { Publication, Registry } from '@souk/schema/registry/registry';
import { registryServer } from '@souk/schema/registry/server';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { answerWith, type FakeSubgraph, startFakeSubgraph } from '../../../platform/test/fake-subgraph.ts';
import { startTcpProxy, type TcpProxy } from '../../../platform/test/tcp-proxy.ts';
import { hashOf } from './followed-supergraph.ts';

/**
 * Two gateways in processes of their own follow one registry, one of them its database and the other its HTTP API, while a client asks both without a pause. What
 * either follows with can be cut off.
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
let gateways: Gateway[] = [];

interface Gateway extends LoneGateway {
  settings: Record<string, string>;
}

beforeAll(async () => {
  database = await createTestDatabase('registry');
  registry = mysqlRegistry(database.url);
  redisUrl = await testRedisUrl();
  [mysql, redis] = await Promise.all([proxyBefore(database.url, 3306), proxyBefore(redisUrl, 6379)]);
  subgraph = await startFakeSubgraph(
    answerWith({ data: { order: { __typename: 'Order', id: '1', note: 'Leave it.', place: 'the door' } } }),
  );
  server = await openServer(0);
  await tellAccessState(redisUrl);
  expect((await publish('production', before, options('The first one.'))).outcome).toBe('published');
  gateways = await Promise.all([
    open('mysql', { SOUK_REGISTRY: through(mysql, database.url) }),
    open('http', { SOUK_REGISTRY: `http://127.0.0.1:${portOf(server)}`, SOUK_REGISTRY_TOKEN: token }),
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
    const client = askSteadily();
    await publish('production', withPlace, options('Nothing was described.'));
    await untilServed(2);
    await untilAnswered('{ order(id: "1") { place } }');
    await rollback('production', 1, { ...options(), reason: 'Places are wrong.' });
    await untilServed(3);
    for (const gateway of gateways) {
      expect(await codesFor(gateway, '{ order(id: "1") { place } }')).toEqual(['GRAPHQL_VALIDATION_FAILED']);
      expect(await metricsOf(gateway)).toContain('souk_supergraph_swaps_total{endpoint="/graphql",outcome="served"} 3');
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
    const client = askSteadily();
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
    const broken = (supergraph: string, hash = hashOf(supergraph)) => ({ supergraph, api: '', hash });
    const { admin, storefront } = latest.contracts;
    const client = askSteadily();
    await registry.append({
      ...latest,
      number: 6,
      contracts: { admin: broken(admin.supergraph, 'f'.repeat(64)), storefront: broken('type Query { tea: String }') },
    });
    for (const gateway of gateways) {
      await vi.waitFor(async () => {
        expect(await servedBy(gateway)).toMatchObject({ number: 5, refusal: expect.stringContaining('supergraph') });
        expect(await servedBy(gateway, '/admin/graphql')).toMatchObject({ refusal: expect.stringContaining('hash') });
      }, patience);
      expect(await metricsOf(gateway)).toContain('souk_supergraph_refused{endpoint="/graphql"} 1');
    }
    await registry.append({ ...latest, number: 7, contracts: { admin, storefront } });
    for (const gateway of gateways) {
      await vi.waitFor(
        async () => expect(await servedBy(gateway)).toMatchObject({ number: 7, refusal: null }),
        patience,
      );
    }
    expect(await client.stop()).toEqual([]);
  });

  it('start with what they knew last while the registry is away, or with a file when they knew nothing', async () => {
    const [gateway] = gateways as [Gateway];
    await mysql.cut();
    await gateway.child.stop();
    const [again, stranger] = await Promise.all([open('mysql', gateway.settings), open('stranger', gateway.settings)]);
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

async function open(name: string, settings: Record<string, string>): Promise<Gateway> {
  const gateway = await startLoneGateway(name, {
    folder,
    redisUrl: through(redis, redisUrl),
    settings: {
      SUBGRAPH_URLS: JSON.stringify(
        Object.fromEntries(
          ['user', 'catalog', 'cart', 'order', 'payment'].map((subgraphName) => [subgraphName, subgraph.url]),
        ),
      ),
      SCHEMA_LOOK_EVERY: '300ms',
      LAST_KNOWN_SCHEMA_FOLDER: join(folder, name, 'last-known'),
      ...settings,
    },
  });
  await gateway.ready();
  return { ...gateway, settings };
}

async function openServer(port: number): Promise<FastifyInstance> {
  const opened = registryServer({
    registry,
    tokens: [{ name: 'gateways', sha256: hashOf(token), may: 'read' }],
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

function proxyBefore(url: string, defaultPort: number): Promise<TcpProxy> {
  const { hostname, port } = new URL(url);
  return startTcpProxy({ host: hostname, port: Number(port) || defaultPort });
}

function through({ port }: TcpProxy, url: string): string {
  const changed = new URL(url);
  changed.host = `127.0.0.1:${port}`;
  return changed.href;
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

async function servedBy({ internalUrl }: Gateway, endpoint = '/graphql'): Promise<Record<string, unknown>> {
  const { supergraphs } = (await (await fetch(`${internalUrl}/readyz`)).json()) as {
    supergraphs: Record<string, Record<string, unknown>>;
  };
  return supergraphs[endpoint] ?? {};
}

async function untilServed(number: number): Promise<void> {
  for (const gateway of gateways) {
    await vi.waitFor(async () => expect(await servedBy(gateway)).toMatchObject({ number }), patience);
  }
}

async function untilAnswered(query: string): Promise<void> {
  for (const gateway of gateways) expect(await codesFor(gateway, query)).toEqual([]);
}

async function metricsOf({ internalUrl }: Gateway): Promise<string> {
  return (await fetch(`${internalUrl}/metrics`)).text();
}

async function ask({ url }: Gateway, query: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return { status: answer.status, text: await answer.text() };
}

async function codesFor(gateway: Gateway, query: string): Promise<string[]> {
  const { errors = [] } = JSON.parse((await ask(gateway, query)).text) as {
    errors?: { extensions: { code: string } }[];
  };
  return errors.map(({ extensions }) => extensions.code);
}

/** A client of each gateway with four requests under way at any moment. Stopping tells what it got that was no answer. */
function askSteadily(): { stop(): Promise<string[]> } {
  const failures: string[] = [];
  let isOver = false;
  const keepAsking = async (gateway: Gateway) => {
    while (!isOver) {
      const { status, text } = await ask(gateway, '{ order(id: "1") { id note } }').catch((error: Error) => ({
        status: 0,
        text: error.message,
      }));
      if (text !== '{"data":{"order":{"id":"1","note":"Leave it."}}}\n') failures.push(`${status} ${text}`);
      await delay(10);
    }
  };
  const clients = gateways.flatMap((gateway) => Array.from({ length: 4 }, () => keepAsking(gateway)));
  return {
    async stop() {
      isOver = true;
      await Promise.all(clients);
      return failures;
    },
  };
}
