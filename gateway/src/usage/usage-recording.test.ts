import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLoneGateway, tellAccessState } from '@souk/dev/lone-gateway';
import { createTestDatabase, type TestDatabase, testRedisUrl } from '@souk/dev/test-database';
import { documentHash } from '@souk/platform/document-hash';
import { createLogger } from '@souk/platform/logger';
import { mysqlRegistry } from '@souk/schema/registry/mysql-registry';
import type { Registry, UsageBatch } from '@souk/schema/registry/registry';
import { subgraphNames } from '@souk/schema/subgraphs';
import { register } from 'prom-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { answerWith, startFakeSubgraph } from '../../../platform/test/fake-subgraph.ts';
import { openTestGateway, type TestGateway } from '../../test/test-gateway.ts';
import { recordUsage, type UsageRecording } from './record-usage.ts';
import { createUsageCounts } from './usage-counts.ts';

const logger = createLogger('test', { level: 'silent' });
let database: TestDatabase;
let registry: Registry;
let redisUrl: string;
const gateways: TestGateway[] = [];
const recordings: UsageRecording[] = [];

beforeAll(async () => {
  database = await createTestDatabase('registry');
  registry = mysqlRegistry(database.url);
  redisUrl = await testRedisUrl();
});
beforeEach(async () => {
  await Promise.all(recordings.splice(0).map((recording) => recording.close()));
  await Promise.all(gateways.splice(0).map((gateway) => gateway.close()));
});
afterAll(async () => {
  await Promise.all(recordings.map((recording) => recording.close()));
  await Promise.all(gateways.map((gateway) => gateway.close()));
  await registry?.close();
  await database?.drop();
});

async function openGateway(more: Partial<Parameters<typeof openTestGateway>[0]> = {}) {
  const recording = recordUsage({ registry, everyMs: 3_600_000, logger });
  recordings.push(recording);
  const gateway = await openTestGateway({ redisUrl, countUsage: recording.counting('storefront'), ...more });
  gateways.push(gateway);
  return { gateway, recording };
}

/** Tells the registry until it knows so much of a client: `coordinate requests`, in order. A request is counted when its answer is on its way. */
function knows(client: string, expected: string[]): Promise<void> {
  return vi.waitFor(async () => {
    await Promise.all(recordings.map((recording) => recording.flush()));
    expect(await recorded(client)).toEqual(expected);
  });
}

async function recorded(client: string): Promise<string[]> {
  const usage = await registry.usageSince('2026-01-01');
  return usage
    .filter((record) => record.client === client)
    .map(({ coordinate, requests }) => `${coordinate} ${requests}`)
    .sort();
}

const valuesOf = async (metric: string) => (await register.getSingleMetric(metric)?.get())?.values ?? [];

const named = (name: string, version = '1') => ({
  'apollographql-client-name': name,
  'apollographql-client-version': version,
});

describe('what clients ask for is recorded', () => {
  it('with arguments, written values, and what may have come in variables', async () => {
    const { gateway } = await openGateway();
    const query = `query List($filter: ProductFilterInput) {
      products(first: 1, sortKey: CREATED_AT, filter: $filter) { nodes { ...Shown } }
    } fragment Shown on Product { id named: title }`;
    await gateway.post({ query }, named('lister'));
    await gateway.post({ query, variables: { filter: { brandId: 'brnd_1' } } }, named('lister'));
    const written = '{ products(filter: { brandId: "brnd_1" }) { nodes { id } } }';
    await gateway.post({ query: written }, named('lister'));
    await knows('lister', [
      'PriceRangeInput.* 2',
      'Product.id 3',
      'Product.title 2',
      'ProductConnection.nodes 3',
      'ProductFilterInput.* 2',
      'ProductFilterInput.brandId 1',
      'ProductSortKey.CREATED_AT 2',
      'Query.products 3',
      'Query.products(filter:) 3',
      'Query.products(first:) 2',
      'Query.products(sortKey:) 2',
    ]);
  });

  it('on an interface for each of its types', async () => {
    const { gateway } = await openGateway();
    await gateway.post({ query: '{ node(id: "prod_1") { id } }' }, named('noder'));
    await vi.waitFor(async () => {
      await recordings[0]?.flush();
      expect(await recorded('noder')).toEqual(expect.arrayContaining(['Node.id 1', 'Product.id 1', 'Query.node 1']));
    });
  });

  it('for the operation that was run, of several', async () => {
    const { gateway } = await openGateway();
    const query = 'query A { viewer { ...Named } } query B { brands { id } } fragment Named on User { id }';
    await gateway.post({ query, operationName: 'B' }, named('chooser'));
    await knows('chooser', ['Brand.id 1', 'Query.brands 1']);
  });

  it('whichever way it is answered', async () => {
    const answer = { data: { product: { title: 'Linen shirt' }, orderUpdated: { id: 'ordr_1' } } };
    const ann = { userId: 'user_ann', sessionId: 'sess_1', roles: ['CUSTOMER'], scopes: new Set<string>() };
    const authenticate = async ({ authorization }: { authorization: string | undefined }) =>
      authorization ? ann : null;
    const { gateway } = await openGateway({ answer, tags: ['product:prod_1'], authenticate });
    const query = '{ product(slug: "linen-shirt") { title } }';
    const extensions = { persistedQuery: { version: 1, sha256Hash: documentHash(query) } };
    await gateway.post({ query }, named('everyway'));
    await gateway.post({ query }, named('everyway'));
    await gateway.post({ query, extensions }, named('everyway'));
    await gateway.post({ extensions }, named('everyway'));
    const get = { 'apollo-require-preflight': '1', ...named('everyway') };
    await gateway.get({ extensions: JSON.stringify(extensions) }, get);
    await knows('everyway', ['Product.title 5', 'Query.product 5', 'Query.product(slug:) 5']);
    const kept = await valuesOf('souk_response_cache_requests_total');
    expect(kept).toContainEqual(expect.objectContaining({ labels: expect.objectContaining({ result: 'hit-memory' }) }));
    expect(await valuesOf('souk_short_way_answers_total')).not.toEqual([]);

    const stream = await fetch(await gateway.listen(), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        authorization: 'Bearer a.b.c',
        ...named('follower'),
      },
      body: JSON.stringify({
        query: 'subscription { orderUpdated(orderId: "ordr_01m7z23be3fk5aggz7ga87z1ze") { id } }',
      }),
    });
    const reader = stream.body?.getReader();
    await reader?.read();
    await knows('follower', ['Order.id 1', 'Subscription.orderUpdated 1', 'Subscription.orderUpdated(orderId:) 1']);
    await reader?.cancel();
  });

  it.each([
    ['what is not valid', { query: '{ brands { id nothing } }' }],
    ['what is no GraphQL', { query: '{ brands' }],
    ['another operation than there is', { query: 'query A { brands { id } }', operationName: 'B' }],
    ['a subscription that cannot be followed', { query: 'subscription { orderUpdated(orderId: "1") { id } }' }],
    ['what no argument fits', { query: '{ order(id: $id) { id } }', variables: { id: 1 } }],
  ])('but not %s', async (_, body) => {
    const { gateway } = await openGateway();
    const marker = randomUUID();
    await gateway.post(body, named('mistaken'));
    await gateway.post({ query: '{ viewer { id } }' }, named(marker));
    await knows(marker, ['Query.viewer 1', 'User.id 1']);
    expect(await recorded('mistaken')).toEqual([]);
  });
});

const operationOf = (recording: UsageRecording, ...coordinates: string[]) =>
  recording.counting('admin')(() => coordinates);
const open = (options: Partial<Parameters<typeof recordUsage>[0]> = {}) => {
  const recording = recordUsage({ registry, everyMs: 3_600_000, logger, ...options });
  recordings.push(recording);
  return recording;
};

describe('clients', () => {
  it('that say nothing, or something strange, have no name', async () => {
    const { gateway } = await openGateway();
    await gateway.post({ query: '{ categories { id } }' });
    await gateway.post({ query: '{ categories { id } }' }, named('a={"token"}'));
    await knows('unnamed', ['Category.id 2', 'Query.categories 2']);
  });

  it('that are too many are told together, and all of them the next day', async () => {
    const clock = { now: new Date('2026-11-20T23:59:00Z') };
    const recording = open({ counts: createUsageCounts({ maxClients: 2 }), now: () => clock.now });
    const operation = operationOf(recording, 'Query.viewer');
    const day = () => {
      for (const name of ['one', 'two', 'three', 'four', 'one'])
        operation.count({ name: `many-${name}`, version: '1' });
    };
    day();
    await recording.flush();
    day();
    clock.now = new Date('2026-11-21T00:00:00Z');
    await recording.flush();
    operation.count({ name: 'many-four', version: '1' });
    await recording.flush();
    expect(await recorded('many-one')).toEqual(['Query.viewer 4']);
    expect(await recorded('many-three')).toEqual([]);
    expect(await recorded('many-four')).toEqual(['Query.viewer 1']);
    expect(await recorded('other')).toEqual(['Query.viewer 4']);
    const days = (await registry.usageSince('2026-01-01')).filter(({ client }) => client.startsWith('many-'));
    expect(days.map(({ client, lastSeenAt }) => `${client} ${lastSeenAt.slice(0, 10)}`).sort()).toEqual([
      'many-four 2026-11-21',
      'many-one 2026-11-20',
      'many-two 2026-11-20',
    ]);
  });
});

describe('counts', () => {
  it('of several processes add up, however many operations they are made of', async () => {
    const several = [1, 2, 3].map(() => open({ counts: createUsageCounts({ maxOperations: 3 }) }));
    for (const recording of several) {
      const operations = Array.from({ length: 10 }, (_, at) =>
        operationOf(recording, 'Query.viewer', `User.f${at % 2}`),
      );
      for (let round = 0; round < 7; round++) {
        for (const operation of operations) operation.count({ name: 'adder', version: '1' });
        if (round % 3 === 0) void recording.flush();
      }
    }
    await Promise.all(several.map((recording) => recording.flush()));
    expect(await recorded('adder')).toEqual(['Query.viewer 210', 'User.f0 105', 'User.f1 105']);
  });

  it('are kept while the registry is away, and not doubled when nobody knew what became of them', async () => {
    const reports: UsageBatch[] = [];
    let trouble: 'before' | 'after' | undefined = 'before';
    const recordUsageThen = async (batch: UsageBatch) => {
      reports.push(batch);
      if (trouble === 'before') throw new Error('not there');
      await registry.recordUsage(batch);
      if (trouble === 'after') throw new Error('the answer was lost');
    };
    const recording = open({ registry: { recordUsage: recordUsageThen } });
    const operation = operationOf(recording, 'Query.viewer');
    for (const next of ['before', 'before', 'after', 'after', undefined] as const) {
      trouble = next;
      operation.count({ name: 'patient', version: '1' });
      await recording.flush();
    }
    expect(new Set(reports.map(({ sequence }) => sequence))).toEqual(new Set([1]));
    expect(await recorded('patient')).toEqual(['Query.viewer 1']);
    await recording.flush();
    expect(await recorded('patient')).toEqual(['Query.viewer 5']);
  });

  it('are told when the process leaves, and that it counted at all even if there was nothing', async () => {
    const clock = { now: new Date('2026-10-01T10:00:00Z') };
    const idle = open({ now: () => clock.now });
    await idle.flush();
    expect(await registry.daysRecorded('2026-09-01')).toContain('2026-10-01');
    const recording = open();
    operationOf(recording, 'Query.viewer').count({ name: 'leaver', version: '1' });
    await recording.close();
    expect(await recorded('leaver')).toEqual(['Query.viewer 1']);
  });
});

it('a gateway tells the registry that its environment names, last when it leaves', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'souk-usage-'));
  const subgraph = await startFakeSubgraph(answerWith({ data: { brands: [{ id: 'brnd_1' }] } }));
  const ownRedisUrl = await testRedisUrl();
  await tellAccessState(ownRedisUrl);
  const settings = {
    SUBGRAPH_URLS: JSON.stringify(Object.fromEntries(subgraphNames.map((name) => [name, subgraph.url]))),
    SOUK_REGISTRY: database.url,
    LAST_KNOWN_SCHEMA_FOLDER: folder,
    USAGE_PERIOD: '1h',
    LEAVE_NOTICE: '1ms',
  };
  const gateway = await startLoneGateway('usage', { folder, redisUrl: ownRedisUrl, settings });
  try {
    await gateway.ready();
    const headers = { 'content-type': 'application/json', ...named('traveller') };
    const body = JSON.stringify({ query: '{ brands { id } }' });
    for (let asked = 0; asked < 3; asked++) await (await fetch(gateway.url, { method: 'POST', headers, body })).text();
    expect(await recorded('traveller')).toEqual([]);
    await gateway.child.stop();
    expect(await recorded('traveller')).toEqual(['Brand.id 3', 'Query.brands 3']);
  } finally {
    await gateway.child.stop();
    await subgraph.close();
    rmSync(folder, { recursive: true });
  }
}, 60_000);
