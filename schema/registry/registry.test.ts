import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase, type TestDatabase } from '@souk/dev/test-database';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { graph, registered, today } from '../check/test-graph.ts';
import { tellNobody } from './announce.ts';
import { directoryRegistry } from './directory-registry.ts';
import { mysqlRegistry } from './mysql-registry.ts';
import { type PublishOptions, promote, publish, rollback } from './publishing.ts';
import { type Publication, type Registry, StalePublicationError, type UsageCount } from './registry.ts';

const folder = mkdtempSync(join(tmpdir(), 'souk-registry-'));
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase('registry');
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await database.drop();
});

const now = new Date(`${today}T12:00:00Z`);
const kinds: [string, () => Registry][] = [
  ['in a folder', () => directoryRegistry(join(folder, 'registry'), () => now)],
  ['in MySQL', () => mysqlRegistry(database.url, () => now)],
];

describe.each(kinds)('a registry %s', (_kind, open) => {
  let registry: Registry;
  beforeAll(() => {
    registry = open();
  });
  afterAll(() => registry.close());

  const options = (more: Partial<PublishOptions> = {}): PublishOptions => ({
    registry,
    author: 'noor',
    reason: null,
    approvals: [],
    cacheFolder: join(folder, 'cache'),
    announce: tellNobody,
    now,
    ...more,
  });
  const shop = graph('the shop', {});
  const withPlace = graph('with a place', {
    order: [['note: String\n      total', 'note: String "Where it is." place: String\n      total']],
  });
  const withoutNote = graph('without a note', { order: [['note: String\n      total', 'total']] });

  it('has nothing at first', async () => {
    expect(await registry.latest('production')).toBeNull();
    expect(await registry.publication('production', 1)).toBeNull();
    expect(await registry.history('production', 10)).toEqual([]);
    expect(await registry.supergraph('storefront@production', null)).toBeNull();
    expect(await registry.operations()).toEqual([]);
  });

  it('refuses what the check refuses, and adds nothing', async () => {
    // The shop of the tests keeps few rules of lint; as the first publication, it is checked for all of them.
    expect(await publish('production', shop, options())).toMatchObject({ outcome: 'refused' });
    expect(await registry.history('production', 10)).toEqual([]);
  });

  it('publishes it for who says why, and tells gateways', async () => {
    const told: Publication[] = [];
    const announce = async (publication: Publication) => void told.push(publication);
    const result = await publish('production', shop, options({ reason: 'The first one.', announce }));
    expect(result.outcome).toBe('published');
    expect(told.map(({ stage, number }) => `${stage} ${number}`)).toEqual(['production 1']);
    const published = await registry.latest('production');
    expect(published).toMatchObject({
      stage: 'production',
      number: 1,
      kind: 'publish',
      author: 'noor',
      reason: 'The first one.',
      publishedAt: `${today}T12:00:00.000Z`,
      subgraphs: shop.subgraphs,
    });
    expect(published?.check.passed).toBe(false);
    expect(await registry.publication('production', 1)).toEqual(published);
  });

  it('does not publish the same twice', async () => {
    const result = await publish('production', shop, options());
    expect(result).toMatchObject({ outcome: 'unchanged', publication: { number: 1 } });
    expect(await registry.history('production', 10)).toHaveLength(1);
  });

  it('publishes what adds, and hands out what is newer than known', async () => {
    const first = await registry.supergraph('storefront@production', null);
    expect(await publish('production', withPlace, options())).toMatchObject({ outcome: 'published' });
    const second = await registry.supergraph('storefront@production', first?.hash ?? null);
    expect(second).toMatchObject({ number: 2, supergraph: expect.stringContaining('place: String') });
    expect(second?.hash).toBe(
      createHash('sha256')
        .update(second?.supergraph ?? '')
        .digest('hex'),
    );
    expect(await registry.supergraph('storefront@production', second?.hash ?? null)).toBeNull();
  });

  it('lets one of two win who publish at once', async () => {
    const published = await registry.latest('production');
    if (!published) throw new Error('Expected a publication.');
    const next = { ...published, number: 3, author: 'first' };
    const attempts = await Promise.allSettled([
      registry.append(next),
      registry.append({ ...next, author: 'second' }),
      registry.append({ ...next, number: 5 }),
    ]);
    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const attempt of attempts) {
      if (attempt.status === 'rejected') expect(attempt.reason).toBeInstanceOf(StalePublicationError);
    }
    expect((await registry.history('production', 10)).map(({ number }) => number)).toEqual([3, 2, 1]);
  });

  it('holds back what a registered client needs, until its version is retired', async () => {
    const { contract, client, version, name, body } = registered('query ReadOrder { order(id: "1") { note } }');
    const manifest = {
      contract,
      client,
      version,
      registeredAt: '2026-05-02T00:00:00.000Z',
      operations: [{ name, body }],
    };
    await registry.registerManifest(manifest);
    await registry.registerManifest({ ...manifest, registeredAt: '2026-06-01T00:00:00.000Z' });
    expect(await registry.operations()).toEqual([
      { contract, client, version, name, body, since: '2026-05-02T00:00:00.000Z' },
    ]);

    const refused = await publish('production', withoutNote, options());
    expect(refused).toMatchObject({
      outcome: 'refused',
      report: {
        changes: expect.arrayContaining([expect.objectContaining({ verdict: 'breaking', coordinate: 'Order.note' })]),
      },
    });
    expect(await registry.retireManifest({ contract, client, version })).toBe(true);
    expect(await registry.retireManifest({ contract, client, version })).toBe(false);
    expect(await publish('production', withoutNote, options())).toMatchObject({ outcome: 'published' });
  });

  it('counts what clients asked for within a month, and forgets what they asked for before', async () => {
    const usage = {
      contract: 'storefront',
      client: 'old-app',
      version: '0.9',
      coordinate: 'Order.status',
      requests: 3,
    } as const;
    const record = (day: string, ...counts: UsageCount[]) =>
      registry.recordUsage({ source: randomUUID(), sequence: 1, day, usage: counts });
    await record('2026-10-01', usage);
    const withoutStatus = graph('without a status', {
      order: [
        ['note: String\n      total', 'total'],
        ['status: OrderStatus!\n', '\n'],
        ['enum OrderStatus { OPEN PAID }', ''],
      ],
    });
    expect((await publish('staging', withoutNote, options({ reason: 'A start.' }))).outcome).toBe('published');
    expect(await registry.usageSince('2026-10-22')).toEqual([]);

    await record('2026-11-19', usage);
    await record('2026-11-20', usage, { ...usage, coordinate: 'Order.total' });
    await record('2026-11-20', usage);
    expect((await registry.usageSince('2026-10-22')).find(({ coordinate }) => coordinate === 'Order.status')).toEqual({
      ...usage,
      requests: 9,
      firstSeenAt: '2026-11-19T00:00:00.000Z',
      lastSeenAt: '2026-11-20T00:00:00.000Z',
    });
    expect(await publish('staging', withoutStatus, options())).toMatchObject({ outcome: 'refused' });
  });

  it('counts what several processes tell at once, and nothing twice', async () => {
    const counted = (requests: number): UsageCount[] =>
      ['Query.viewer', 'User.name', 'User.id'].map((coordinate) => {
        return { contract: 'storefront', client: 'web', version: '1', coordinate, requests };
      });
    const sources = Array.from({ length: 4 }, () => randomUUID());
    const tell = async (source: string) => {
      for (const sequence of [1, 2, 5]) {
        const batch = { source, sequence, day: '2026-11-21', usage: counted(sequence) };
        await registry.recordUsage(batch);
        // Nobody knew whether it had arrived.
        await Promise.all([registry.recordUsage(batch), registry.recordUsage(batch)]);
      }
    };
    await Promise.all(sources.map(tell));
    const told = await registry.usageSince('2026-11-21');
    expect(told.map(({ coordinate, requests }) => `${coordinate} ${requests}`).sort()).toEqual([
      'Query.viewer 32',
      'User.id 32',
      'User.name 32',
    ]);
  });

  it('knows on which days anybody counted, and forgets after three months', async () => {
    const record = (day: string) => registry.recordUsage({ source: randomUUID(), sequence: 1, day, usage: [] });
    const old = { contract: 'admin', client: 'web', version: '1', coordinate: 'Query.viewer', requests: 1 } as const;
    await registry.recordUsage({ source: randomUUID(), sequence: 1, day: '2026-08-22', usage: [old] });
    await record('2026-08-24');
    await record('2026-11-10');
    now.setUTCDate(now.getUTCDate() + 1);
    await record('2026-11-22');
    now.setUTCDate(now.getUTCDate() - 1);
    const days = await registry.daysRecorded('2026-01-01');
    expect(days).toEqual(expect.arrayContaining(['2026-08-24', '2026-11-10', '2026-11-22']));
    expect(days).not.toContain('2026-08-22');
    expect(await registry.daysRecorded('2026-11-22')).toEqual(['2026-11-22']);
    expect((await registry.usageSince('2026-01-01')).filter(({ contract }) => contract === 'admin')).toEqual([]);
  });

  it('promotes from one stage to another, and rolls back by a new publication', async () => {
    // The note has no description, which lint finds when it comes back.
    const reason = 'Descriptions follow.';
    await publish('staging', withPlace, options({ reason }));
    expect(await promote('staging', 'production', options())).toMatchObject({ outcome: 'refused' });
    const promoted = await promote('staging', 'production', options({ reason }));
    expect(promoted).toMatchObject({
      outcome: 'published',
      publication: { kind: 'promote', takenFrom: 'staging 2', number: 5 },
    });
    const back = await rollback('production', 2, { ...options(), reason: 'It was too slow.' });
    // Publication 2 is just what was promoted.
    expect(back.outcome).toBe('unchanged');
    const further = await rollback('production', 4, { ...options(), reason: 'It was too slow.' });
    expect(further).toMatchObject({
      outcome: 'published',
      publication: { kind: 'rollback', takenFrom: 'production 4', number: 6 },
    });
    await expect(rollback('production', 99, { ...options(), reason: 'x' })).rejects.toThrow('no publication 99');
  });

  it('keeps clients apart whose names look like paths', async () => {
    const manifest = {
      contract: 'admin',
      client: '../../evil',
      version: '../1',
      registeredAt: '2026-05-02T00:00:00.000Z',
      operations: [{ name: 'A', body: 'query A { viewer { name } }' }],
    } as const;
    await registry.registerManifest(manifest);
    expect(await registry.operations()).toEqual([expect.objectContaining({ client: '../../evil', version: '../1' })]);
    expect(await registry.retireManifest(manifest)).toBe(true);
  });
});

describe('the account of the registry', () => {
  it('can add publications, and neither change nor remove one', async () => {
    const connection = await createConnection(database.url);
    try {
      await expect(connection.query("UPDATE publications SET author = 'somebody else'")).rejects.toThrow(/denied/);
      await expect(connection.query('DELETE FROM publications')).rejects.toThrow(/denied/);
    } finally {
      await connection.end();
    }
  });
});
