import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { textOf } from '../check/subgraph-sdl.ts';
import { graph } from '../check/test-graph.ts';
import { directoryRegistry } from './directory-registry.ts';
import type { Publication } from './registry.ts';
import { callRegistry, remoteRegistry } from './remote-registry.ts';
import { registryServer } from './server.ts';

const folder = mkdtempSync(join(tmpdir(), 'souk-registry-server-'));
const registry = directoryRegistry(join(folder, 'registry'));
const announced: Publication[] = [];
const failures: unknown[] = [];
const hash = (token: string) => createHash('sha256').update(token).digest('hex');
const server = registryServer({
  registry,
  tokens: [
    { name: 'reader', sha256: hash('read-token'), may: 'read' },
    { name: 'gateways', sha256: hash('record-token'), may: 'record' },
    { name: 'order-pipeline', sha256: hash('order-token'), may: 'publish', subgraphs: ['order'] },
    { name: 'release', sha256: hash('all-token'), may: 'publish', subgraphs: ['*'] },
  ],
  announce: async (publication) => void announced.push(publication),
  cacheFolder: join(folder, 'cache'),
  onFailure: (error) => failures.push(error),
});
let address: string;
beforeAll(async () => {
  address = await server.listen({ port: 0, host: '127.0.0.1' });
  await post('all-token', 'publications/production', {
    subgraphs: graph('the shop', {}).subgraphs,
    reason: 'The first one.',
  });
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  announced.length = 0;
  failures.length = 0;
});

const post = (token: string, path: string, body: unknown) =>
  callRegistry({ address, token, path, method: 'POST', body });
const sdlOf = (edits: Parameters<typeof graph>[1]) => {
  const order = graph('', edits).subgraphs.find(({ name }) => name === 'order');
  return order ? textOf(order) : '';
};
const withPlace = () =>
  sdlOf({ order: [['note: String\n      total', 'note: String "Where it is." place: String\n      total']] });

describe('the registry over HTTP', () => {
  it.each([
    [undefined, 'publications/production'],
    ['stolen-token', 'publications/production/latest'],
    ['', 'nowhere'],
  ])('lets nobody in with the token %j', async (token, path) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(`${address}/${path}`, { headers });
    expect([response.status, await response.json()]).toEqual([
      401,
      { code: 'UNAUTHENTICATED', message: expect.any(String) },
    ]);
  });

  it('checks one subgraph for whoever may read, and publishes nothing', async () => {
    const report = await post('read-token', 'checks/production', {
      subgraph: 'order',
      sdl: sdlOf({ order: [['total: Money!', 'total: Money']] }),
    });
    expect(report).toMatchObject({
      passed: true,
      changes: [{ kind: 'FIELD_TYPE_CHANGED', coordinate: 'Order.total' }],
    });
    expect((await registry.latest('production'))?.number).toBe(1);
  });

  it('lets a pipeline publish its own subgraph, and no other', async () => {
    const body = { subgraph: 'catalog', sdl: 'type Query { a: Int }' };
    await expect(post('order-token', 'publications/production', body)).rejects.toThrow(
      'may publish the subgraph catalog',
    );
    await expect(post('read-token', 'publications/production', body)).rejects.toThrow('403');
    expect(announced).toEqual([]);

    const answer = await post('order-token', 'publications/production', { subgraph: 'order', sdl: withPlace() });
    expect(answer).toMatchObject({ outcome: 'published', number: 2 });
    expect(announced).toEqual([expect.objectContaining({ number: 2, author: 'order-pipeline' })]);
    expect((await registry.latest('production'))?.subgraphs.map(({ name }) => name)).toEqual([
      'user',
      'catalog',
      'order',
    ]);
  });

  it('publishes nothing that does not compose, whatever the reason', async () => {
    const answer = await post('order-token', 'publications/production', {
      subgraph: 'order',
      sdl: 'type Query { a: Nothing }',
      reason: 'I want to.',
    });
    expect(answer).toMatchObject({
      outcome: 'refused',
      report: { passed: false, composition: [{ code: 'INVALID_GRAPHQL' }] },
    });
    expect((await registry.latest('production'))?.number).toBe(2);
  });

  it('promotes and rolls back for whoever may publish everything', async () => {
    await expect(post('order-token', 'rollbacks/production', { number: 1, reason: 'x' })).rejects.toThrow('403');
    await expect(post('all-token', 'rollbacks/production', { number: 99, reason: 'x' })).rejects.toThrow(
      'no publication 99',
    );
    expect(await post('all-token', 'rollbacks/production', { number: 1, reason: 'Places are wrong.' })).toMatchObject({
      outcome: 'published',
      number: 3,
    });
    expect(await post('all-token', 'rollbacks/production', { number: 2, reason: 'They were not.' })).toMatchObject({
      outcome: 'published',
      number: 4,
    });
    await expect(post('all-token', 'promotions', { from: 'staging', to: 'production' })).rejects.toThrow(
      'Nothing is published for staging',
    );
    expect(announced.map(({ kind, number }) => `${kind} ${number}`)).toEqual(['rollback 3', 'rollback 4']);
  });

  it('can be read like a registry that is here', async () => {
    const remote = remoteRegistry(address, 'all-token');
    expect(await remote.latest('production')).toEqual(await registry.latest('production'));
    expect(await remote.publication('production', 1)).toEqual(await registry.publication('production', 1));
    expect(await remote.publication('production', 99)).toBeNull();
    expect(await remote.latest('staging')).toBeNull();
    const newest = await remote.supergraph('storefront@production', null);
    expect(newest).toEqual(await registry.supergraph('storefront@production', null));
    expect(await remote.supergraph('storefront@production', newest?.hash ?? '')).toBeNull();
    expect(await remote.history('production', 1)).toEqual(await registry.history('production', 1));

    const manifest = {
      contract: 'storefront',
      client: 'shop/app',
      version: '1.0',
      registeredAt: '',
      operations: [{ name: 'A', body: 'query A { viewer { name } }' }],
    } as const;
    await remote.registerManifest(manifest);
    expect(await remote.operations()).toEqual([
      expect.objectContaining({ client: 'shop/app', name: 'A', since: expect.stringMatching(/Z$/) }),
    ]);
    expect(await remote.retireManifest(manifest)).toBe(true);

    const usage = [
      { contract: 'storefront', client: 'a', version: '1', coordinate: 'Order.note', requests: 2 },
    ] as const;
    const batch = { source: randomUUID(), sequence: 1, day: '2026-11-20', usage };
    await remoteRegistry(address, 'record-token').recordUsage(batch);
    await remote.recordUsage(batch);
    await expect(remoteRegistry(address, 'read-token').recordUsage({ ...batch, sequence: 2 })).rejects.toThrow('403');
    await expect(post('record-token', 'rollbacks/production', { number: 1, reason: 'x' })).rejects.toThrow('403');
    await expect(remoteRegistry(address, 'record-token').registerManifest(manifest)).rejects.toThrow('403');
    expect(await remote.daysRecorded('2026-11-01')).toEqual(['2026-11-20']);
    expect(await remote.usageSince('2026-11-01')).toEqual([
      expect.objectContaining({ coordinate: 'Order.note', requests: 2 }),
    ]);
  });

  it('gives a gateway the newest supergraph, and nothing while it has that', async () => {
    const get = (path: string) => callRegistry({ address, token: 'read-token', path, method: 'GET' });
    const newest = (await get('supergraphs/storefront@production')) as { number: number; hash: string };
    expect(newest).toMatchObject({ number: 4, supergraph: expect.stringContaining('place: String') });
    expect(await get(`supergraphs/storefront@production?known=${newest.hash}`)).toBeNull();
  });

  it.each([
    ['POST', 'checks/production', { subgraph: '../order', sdl: 'x' }, 400],
    ['POST', 'checks/production', null, 400],
    ['POST', 'checks/yesterday', { subgraph: 'order', sdl: 'x' }, 400],
    ['GET', 'publications/production/0', undefined, 400],
    ['GET', 'supergraphs/storefront', undefined, 400],
    ['PUT', `usage/2026-99-99/${randomUUID()}/1`, [], 400],
    ['PUT', 'usage/2026-11-20/..%2F..%2Fevil/1', [], 400],
    ['GET', 'nowhere', undefined, 404],
  ])('answers %s %s with %j by saying what was expected', async (method, path, body, status) => {
    const response = await fetch(`${address}/${path}`, {
      method,
      headers: {
        authorization: 'Bearer all-token',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const { code, message } = (await response.json()) as { code: string; message: string };
    expect([response.status, code]).toEqual([status, status === 404 ? 'NOT_FOUND' : 'BAD_INPUT']);
    expect(message.length).toBeGreaterThan(5);
    expect(failures).toEqual([]);
  });
});
