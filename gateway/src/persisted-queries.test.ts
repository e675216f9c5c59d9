import { testRedisUrl } from '@souk/dev/test-database';
import { documentHash } from '@souk/platform/document-hash';
import { openRedis } from '@souk/platform/redis';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startTcpProxy, type TcpProxy } from '../../platform/test/tcp-proxy.ts';
import { openTestGateway, type TestGateway } from '../test/test-gateway.ts';

const query = '{ viewer { id } }';
const extensionsOf = (sha256Hash: string) => ({ persistedQuery: { version: 1, sha256Hash } });
const extensions = extensionsOf(documentHash(query));
const notFound = { data: undefined, codes: ['PERSISTED_QUERY_NOT_FOUND'], messages: ['PersistedQueryNotFound'] };
const isRun = { status: 200, codes: [], data: { viewer: null } };

let redisUrl: string;
let proxy: TcpProxy;
let open: () => Promise<TestGateway>;
let gateway: TestGateway;
const others: TestGateway[] = [];

beforeEach(async () => {
  const direct = new URL(await testRedisUrl());
  redisUrl = direct.href;
  proxy = await startTcpProxy({ host: direct.hostname, port: Number(direct.port || 6379) });
  direct.host = `127.0.0.1:${proxy.port}`;
  open = () => openTestGateway({ redisUrl: direct.href, answer: { data: { viewer: null } } });
  gateway = await open();
});

afterEach(async () => {
  await Promise.all([gateway, ...others.splice(0)].map((opened) => opened.close()));
  await proxy.close();
});

async function another(): Promise<TestGateway> {
  const opened = await open();
  others.push(opened);
  return opened;
}

describe('a document and its hash', () => {
  it('have to be sent together once, and then the hash is enough', async () => {
    expect(await gateway.post({ extensions })).toMatchObject({ ...notFound, status: 200 });
    expect(await gateway.post({ query, extensions })).toMatchObject(isRun);
    expect(await gateway.post({ extensions })).toMatchObject(isRun);
    expect(await gateway.get({ extensions: JSON.stringify(extensions) })).toMatchObject(isRun);
    expect(gateway.sent).toHaveLength(3);
  });

  it('are known to other gateways, and after a restart', async () => {
    await gateway.post({ query, extensions });
    const other = await another();
    await vi.waitFor(async () => expect(await other.post({ extensions })).toMatchObject(isRun));
  });

  it('work in each gateway by itself while Redis is away', async () => {
    await proxy.cut();
    expect(await gateway.post({ extensions })).toMatchObject(notFound);
    expect(await gateway.post({ query, extensions })).toMatchObject(isRun);
    expect(await gateway.post({ extensions })).toMatchObject(isRun);
  });

  it.each([
    ['another hash', { query, extensions: extensionsOf(documentHash('{ viewer { email } }')) }],
    ['a hash in capitals', { query, extensions: extensionsOf(documentHash(query).toUpperCase()) }],
    ['another version', { query, extensions: { persistedQuery: { version: 2, sha256Hash: documentHash(query) } } }],
    ['what is no hash', { query, extensions: { persistedQuery: { version: 1, sha256Hash: 5 } } }],
    ['nothing', { extensions: { persistedQuery: null } }],
  ])('are refused when the hash is %s', async (_, body) => {
    expect(await gateway.post(body)).toMatchObject({ status: 400, codes: ['BAD_USER_INPUT'] });
    expect(gateway.sent).toEqual([]);
  });

  it.each([
    ['that asks for too much', `{ viewer { ${'a: id '.repeat(16)} } }`],
    ['that is no GraphQL', '{'],
  ])('are not kept when the document is one %s', async (_, refused) => {
    await gateway.post({ query: refused, extensions: extensionsOf(documentHash(refused)) });
    expect(await gateway.post({ extensions: extensionsOf(documentHash(refused)) })).toMatchObject(notFound);
  });

  it('are told to clients of the newer media type by the status too, and never kept by a cache', async () => {
    const headers = { accept: 'application/graphql-response+json', 'apollo-require-preflight': '1' };
    const answer = await gateway.get({ extensions: JSON.stringify(extensions) }, headers);
    expect(answer).toMatchObject({ ...notFound, status: 400 });
    expect(answer.headers['cache-control']).toBe('no-store');
  });
});

describe('what strangers can fill in Redis', () => {
  it('is a fixed number of places, in which a newer document follows an older one', async () => {
    const redis = openRedis({ url: redisUrl, name: 'test' });
    await redis.ready();
    await gateway.post({ query, extensions });
    const [key = '', ...more] = await vi.waitFor(async () => {
      const keys = await redis.client.keys('*persisted*');
      expect(keys).toHaveLength(1);
      return keys;
    });
    expect(more).toEqual([]);
    expect(Number(key.split(':').at(-1))).toBeLessThan(4_096);
    expect(await redis.client.ttl(key)).toBeGreaterThan(0);

    await redis.client.set(key, '{ viewer { email } }');
    const other = await another();
    expect(await other.post({ extensions })).toMatchObject(notFound);
    expect(other.sent).toEqual([]);
    await redis.close();
  });

  it('has no long documents in it', async () => {
    const long = `{ viewer { id } } ${'#'.repeat(16 * 1024)}`;
    expect(await gateway.post({ query: long, extensions: extensionsOf(documentHash(long)) })).toMatchObject(isRun);
    expect(await gateway.post({ extensions: extensionsOf(documentHash(long)) })).toMatchObject(notFound);
  });
});

describe('a mutation', () => {
  it('is never run by GET', async () => {
    const mutation = 'mutation { cartClear(cartId: "a") { userErrors { code } } }';
    const known = extensionsOf(documentHash(mutation));
    await gateway.post({ query: mutation, extensions: known });
    gateway.sent.length = 0;
    expect(await gateway.get({ extensions: JSON.stringify(known) })).toMatchObject({ status: 405 });
    expect(gateway.sent).toEqual([]);
  });
});
