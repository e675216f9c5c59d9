import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { PARTS } from '@souk/dev/answer-parts';
import { testRedisUrl } from '@souk/dev/test-database';
import { noteTagChanges } from '@souk/platform/cache-tag-times';
import { documentHash } from '@souk/platform/document-hash';
import { defaultDoorLimits } from '@souk/platform/door-limits';
import { openRedis, type RedisConnection } from '@souk/platform/redis';
import { register } from 'prom-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTcpProxy } from '../../../platform/test/tcp-proxy.ts';
import { openTestGateway, type TestGateway, type TestGatewayOptions } from '../../test/test-gateway.ts';
import type { RequestScope } from '../request-scope.ts';

const tags = ['product:prod_1'];
const signedIn = { authorization: 'Bearer a.b.c' };
const customer = { userId: 'user_1', sessionId: 'sess_1', roles: ['CUSTOMER'], scopes: new Set<string>() };
const shirt = { data: { product: { title: 'Linen shirt' } } };

let redisUrl: string;
let redis: RedisConnection;
/** Two gateways of one shop. */
let gateway: TestGateway;
let other: TestGateway;
/** What the subgraphs answer. */
let answer: (scope: RequestScope) => object;
/** A question nobody has asked. */
let query: string;

beforeAll(async () => {
  redisUrl = await testRedisUrl();
  redis = openRedis({ url: redisUrl, name: 'test' });
  await redis.ready();
  [gateway, other] = await Promise.all([open(), open()]);
});

afterAll(async () => {
  await Promise.all([gateway.close(), other.close()]);
  await redis.close();
});

beforeEach(async () => {
  await redis.client.flushdb();
  for (const { sent } of [gateway, other]) sent.length = 0;
  answer = () => shirt;
  query = `{ product(slug: "${randomUUID()}") { title } }`;
});

function open(options: Partial<TestGatewayOptions> = {}): Promise<TestGateway> {
  const authenticate = async ({ authorization }: { authorization: string | undefined }) =>
    authorization ? customer : null;
  return openTestGateway({ redisUrl, answer: (scope) => answer(scope), tags, authenticate, ...options });
}

/** A gateway of its own for one test. */
async function withGateway(options: Partial<TestGatewayOptions>, work: (own: TestGateway) => Promise<void>) {
  const own = await open(options);
  try {
    await work(own);
  } finally {
    await own.close();
  }
}

const keptInRedis = () => redis.client.keys('souk:{gateway.response-cache}*');

async function results(): Promise<Record<string, number>> {
  const { values = [] } = (await register.getSingleMetric('souk_response_cache_requests_total')?.get()) ?? {};
  return Object.fromEntries(values.map(({ labels, value }) => [labels['result'], value]));
}

/** How often each kind of result was counted while something was done. */
async function counted(work: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = await results();
  await work();
  const after = await results();
  const grown = Object.entries(after).map(([result, count]) => [result, count - (before[result] ?? 0)] as const);
  return Object.fromEntries(grown.filter(([, count]) => count > 0));
}

describe('an answer for everybody', () => {
  it('is kept when it is whole, and not when it comes in parts', async () => {
    const deferring = query.replace('{ title }', '{ title ... @defer { title } }');
    const accept = `${PARTS},application/json`;
    const inParts = () => gateway.post({ query: deferring }, { accept });
    expect(await counted(inParts)).toEqual({ uncacheable: 1 });
    expect(await keptInRedis()).toEqual([]);
    expect(await counted(() => gateway.post({ query: deferring }))).toEqual({ miss: 1 });
    expect(await counted(() => gateway.post({ query: deferring }))).toEqual({ 'hit-memory': 1 });
    expect(await counted(inParts)).toEqual({ uncacheable: 1 });
    // A client that could take parts shares what has none.
    expect(await counted(() => gateway.post({ query }, { accept }))).toEqual({ miss: 1 });
    expect(await counted(() => gateway.post({ query }))).toEqual({ 'hit-memory': 1 });
  });

  it('is given again without asking a subgraph, to the letter', async () => {
    let [first, second]: string[] = [];
    const grown = await counted(async () => {
      first = (await gateway.post({ query })).text;
      second = (await gateway.post({ query })).text;
    });
    expect(first).toBe('{"data":{"product":{"title":"Linen shirt"}}}\n');
    expect(second).toBe(first);
    expect(gateway.sent).toHaveLength(1);
    expect(grown).toEqual({ miss: 1, 'hit-memory': 1 });
  });

  it('is read once, however many ask at once', async () => {
    const letGo = gateway.hold();
    let answers: { data: unknown }[] = [];
    const grown = await counted(async () => {
      const asking = Promise.all(Array.from({ length: 20 }, () => gateway.post({ query })));
      await expect.poll(() => gateway.sent).toHaveLength(1);
      await delay(50);
      letGo();
      answers = await asking;
    });
    expect(answers.map(({ data }) => data)).toEqual(Array.from({ length: 20 }, () => shirt.data));
    expect(gateway.sent).toHaveLength(1);
    expect(grown).toEqual({ miss: 1, shared: 19 });
  });

  it('is counted like any other: its cost is told, and those who ask too much are refused', async () => {
    const rootFields = [{ name: 'product', points: 10, windowSeconds: 60 }];
    await withGateway({ doorLimits: () => ({ ...defaultDoorLimits, rootFields }) }, async (own) => {
      await own.post({ query });
      const { extensions } = await own.post({ query }, { 'x-souk-cost': '1' });
      expect(extensions).toEqual({ cost: { estimated: 1 } });
      const answers = await Promise.all(Array.from({ length: 12 }, () => own.post({ query })));
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(4);
      expect(own.sent).toHaveLength(1);
    });
  });
});

describe('one question', () => {
  beforeEach(() => {
    answer = () => ({ data: { productSearch: { didYouMean: null } } });
    query = `query Search_${randomUUID().slice(0, 8)}($query: String!, $first: Int = 20, $sortKey: ProductSortKey) {
      productSearch(query: $query, first: $first, sortKey: $sortKey) { didYouMean }
    }`;
  });

  it.each([
    ['the order of variables', { query: 'a', first: 5 }, { first: 5, query: 'a' }],
    ['a default that is spelled out', { query: 'a' }, { query: 'a', first: 20 }],
    ['variables that nobody declared', { query: 'a' }, { query: 'a', secret: 'x', QUERY: 'b' }],
  ])('is the same whatever %s', async (_what, one, another) => {
    await gateway.post({ query, variables: one });
    await gateway.post({ query, variables: another });
    expect(gateway.sent).toHaveLength(1);
  });

  it.each([
    ['values', { query: 'a' }, { query: 'b' }],
    ['normal forms of Unicode', { query: 'caf\u00e9' }, { query: 'cafe\u0301' }],
    ['halves of characters', { query: '\ud800' }, { query: '\ud801' }],
    ['null and nothing', { query: 'a', sortKey: null }, { query: 'a' }],
  ])('is another with other %s', async (_what, one, another) => {
    await gateway.post({ query, variables: one });
    await gateway.post({ query, variables: another });
    expect(gateway.sent).toHaveLength(2);
  });

  it('is another by the name of the operation, and by the text', async () => {
    answer = () => shirt;
    const text = `query A { product(slug: "a") { title } } query B { product(slug: "b") { title } } # ${randomUUID()}`;
    await gateway.post({ query: text, operationName: 'A' });
    await gateway.post({ query: text, operationName: 'B' });
    await gateway.post({ query: `${text} `, operationName: 'A' });
    expect(gateway.sent).toHaveLength(3);
    await gateway.post({ query: text, operationName: 'A' });
    expect(gateway.sent).toHaveLength(3);
  });

  it('is refused as ever when its variables are wrong, whatever is kept', async () => {
    await gateway.post({ query, variables: { query: 'a' } });
    const { status, codes } = await gateway.post({ query, variables: { query: 1 } });
    expect({ status, codes }).toEqual({ status: 400, codes: ['BAD_USER_INPUT'] });
    expect(gateway.sent).toHaveLength(1);
  });
});

describe('what one client sends beside its question', () => {
  it.each([
    { 'x-forwarded-host': 'evil.example' },
    { 'accept-language': 'de' },
    { 'x-http-method-override': 'DELETE' },
    { accept: 'application/graphql-response+json' },
    { cookie: 'souk-refresh-token=stolen' },
    { origin: 'https://evil.example' },
  ])('changes nothing for the next: %o', async (headers) => {
    const poisoned = await gateway.post({ query }, headers as Record<string, string>);
    const { text, headers: sent } = await gateway.post({ query });
    expect(text).toBe(poisoned.text);
    expect(sent['content-type']).toBe('application/json; charset=utf-8');
    expect(sent['access-control-allow-origin']).toBeUndefined();
    expect(gateway.sent).toHaveLength(1);
  });
});

describe('nobody gets', () => {
  it('what is kept when signed in, and what the signed-in get is not kept', async () => {
    answer = ({ viewer }) => ({ data: { product: { title: viewer?.userId ?? 'guest' } } });
    expect((await gateway.post({ query }, signedIn)).data).toEqual({ product: { title: 'user_1' } });
    expect((await gateway.post({ query })).data).toEqual({ product: { title: 'guest' } });
    expect((await gateway.post({ query }, signedIn)).data).toEqual({ product: { title: 'user_1' } });
    expect(gateway.sent).toHaveLength(3);
  });

  it('what is kept where the gateway keeps a refresh token', async () => {
    const browser = { 'x-souk-refresh-token': 'cookie', origin: 'http://localhost:3000' };
    await gateway.post({ query });
    await gateway.post({ query }, browser);
    await gateway.post({ query }, browser);
    expect(gateway.sent).toHaveLength(3);
  });

  it.each([
    ['the viewer', '{ viewer { id } }', { viewer: null }],
    ['something of the viewer beside what is for everybody', '{ product(slug: "a") { title } viewer { id } }', {}],
    ['an owned field of what is for everybody', '{ productVariant(sku: "a") { id quantityInViewerCart } }', {}],
    ['a cart', '{ cart(id: "cart_1") { id } }', { cart: null }],
    ['any node', '{ node(id: "prod_01jq") { __typename } }', {}],
    ['what has no age in the schema', '{ paymentMethods(currencyCode: "EUR") { __typename } }', {}],
    ['the schema', '{ product(slug: "a") { title } __schema { types { name } } }', shirt.data],
  ])('%s from what is kept', async (_what, text, data) => {
    answer = () => ({ data });
    const grown = await counted(async () => {
      await gateway.post({ query: text });
      await gateway.post({ query: text });
    });
    expect(grown).toEqual({ uncacheable: 2 });
    expect(await keptInRedis()).toEqual([]);
  });

  it('an answer with an error twice', async () => {
    answer = () => ({ data: { product: null }, errors: [{ message: 'no' }] });
    await gateway.post({ query });
    await gateway.post({ query });
    expect(gateway.sent).toHaveLength(2);
    expect(await keptInRedis()).toEqual([]);
  });

  it('an answer twice whose sources a subgraph does not tell', async () => {
    await withGateway({ tags: [] }, async (own) => {
      await own.post({ query });
      await own.post({ query });
      expect(own.sent).toHaveLength(2);
      expect(await keptInRedis()).toEqual([]);
    });
  });

  it('the request id of another in an error they share', async () => {
    answer = () => ({ data: { product: null }, errors: [{ message: 'no' }] });
    const letGo = gateway.hold();
    const asking = Promise.all([1, 2].map((id) => gateway.post({ query }, { 'x-request-id': `request-${id}` })));
    await expect.poll(() => gateway.sent).toHaveLength(1);
    await delay(50);
    letGo();
    const ids = (await asking).map(({ text }) => /"requestId":"([^"]+)"/.exec(text)?.[1]);
    expect(ids).toEqual(['request-1', 'request-2']);
    expect(gateway.sent).toHaveLength(1);
  });
});

describe('another gateway', () => {
  it('has the answer from Redis', async () => {
    await gateway.post({ query });
    const grown = await counted(async () => {
      expect((await other.post({ query })).data).toEqual(shirt.data);
    });
    expect(other.sent).toHaveLength(0);
    expect(grown).toEqual({ 'hit-redis': 1 });
  });

  it('reads anew within two seconds what was changed, and then it is kept again', async () => {
    let title = 'Linen shirt';
    answer = () => ({ data: { product: { title } } });
    await gateway.post({ query });
    await other.post({ query });
    title = 'Silk shirt';
    await noteTagChanges(redis, tags);
    const titleAt = async (asked: TestGateway) =>
      ((await asked.post({ query })).data as { product: { title: string } }).product.title;
    await expect.poll(() => titleAt(other), { timeout: 2_000 }).toBe('Silk shirt');
    await expect.poll(() => titleAt(gateway), { timeout: 2_000 }).toBe('Silk shirt');
    await delay(1_100);
    await titleAt(gateway);
    await delay(1_100);
    const sent = gateway.sent.length;
    expect(await titleAt(gateway)).toBe('Silk shirt');
    expect(gateway.sent).toHaveLength(sent);
  });

  it('does not mind what else has changed', async () => {
    await gateway.post({ query });
    await noteTagChanges(redis, ['product:prod_2', 'product', 'stock:vari_1']);
    await other.post({ query });
    expect(other.sent).toHaveLength(0);
  });

  it('does not get from Redis what was being read while it changed', async () => {
    const letGo = gateway.hold();
    const reading = gateway.post({ query });
    await expect.poll(() => gateway.sent).toHaveLength(1);
    await noteTagChanges(redis, tags);
    letGo();
    await reading;
    await other.post({ query });
    expect(other.sent).toHaveLength(1);
  });
});

describe('Redis', () => {
  it('may be wiped: nothing made before counts any more, also in memory', async () => {
    await gateway.post({ query });
    await redis.client.flushdb();
    await delay(1_050);
    await gateway.post({ query });
    expect(gateway.sent).toHaveLength(2);
    await delay(1_050);
    await gateway.post({ query });
    expect(gateway.sent).toHaveLength(2);
  });

  it('may be away: an answer is kept in memory for its second, and nothing fails', async () => {
    const direct = new URL(redisUrl);
    const proxy = await startTcpProxy({ host: direct.hostname, port: Number(direct.port || 6379) });
    direct.host = `127.0.0.1:${proxy.port}`;
    await withGateway({ redisUrl: direct.href }, async (own) => {
      await proxy.close();
      const answers = [];
      for (let count = 0; count < 3; count++) answers.push(await own.post({ query }));
      expect(answers.map(({ data }) => data)).toEqual([shirt.data, shirt.data, shirt.data]);
      expect(own.sent).toHaveLength(1);
      await delay(1_050);
      await own.post({ query });
      expect(own.sent).toHaveLength(2);
    });
  });

  it('keeps no large answer, and memory no huge one', async () => {
    let title = 'x'.repeat(80_000);
    answer = () => ({ data: { product: { title } } });
    await gateway.post({ query });
    await gateway.post({ query });
    expect(gateway.sent).toHaveLength(1);
    expect(await keptInRedis()).toEqual([]);
    title = 'x'.repeat(300_000);
    const huge = `${query} # huge`;
    await gateway.post({ query: huge });
    await gateway.post({ query: huge });
    expect(gateway.sent).toHaveLength(3);
  });
});

describe('by GET, browsers and proxies', () => {
  const persisted = () => ({
    extensions: JSON.stringify({ persistedQuery: { version: 1, sha256Hash: documentHash(query) } }),
  });
  const preflight = { 'apollo-require-preflight': '1' };

  beforeEach(async () => {
    await gateway.post({ query, extensions: JSON.parse(persisted().extensions) });
  });

  it('may keep what is for everybody, and spare themselves the body next time', async () => {
    const { status, headers, text } = await gateway.get(persisted());
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'cache-control': expect.stringMatching(/^public, max-age=(59|60)$/),
      etag: expect.stringMatching(/^"[\w-]{43}"$/),
    });
    const vary = String(headers['vary']).split(', ').sort();
    expect(vary).toEqual(['Accept', 'Authorization', 'Origin', 'X-Souk-Cost']);
    const etag = String(headers['etag']);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await gateway.get(persisted(), { ...preflight, 'if-none-match': known });
      expect(again).toMatchObject({ status: 304, text: '', headers: { etag } });
      expect(again.headers['cache-control']).toMatch(/^public, max-age=/);
    }
    const changed = await gateway.get(persisted(), { ...preflight, 'if-none-match': '"other"' });
    expect(changed).toMatchObject({ status: 200, text });
  });

  it('have another tag for another media type', async () => {
    const json = await gateway.get(persisted());
    const graphql = await gateway.get(persisted(), { ...preflight, accept: 'application/graphql-response+json' });
    expect(graphql.text).toBe(json.text);
    expect(graphql.headers['etag']).not.toBe(json.headers['etag']);
  });

  it.each([
    ['the signed-in', { ...preflight, ...signedIn }],
    ['requests that are refused', {}],
  ])('may keep nothing for %s', async (_whom, headers) => {
    const { headers: sent } = await gateway.get(persisted(), headers);
    expect(sent['cache-control']).toBe('no-store');
    expect(sent['etag']).toBeUndefined();
  });

  it('may keep no error, nothing private, and nothing by POST', async () => {
    answer = () => ({ data: { product: null }, errors: [{ message: 'no' }] });
    query = `{ product(slug: "${randomUUID()}") { title } }`;
    const posted = await gateway.post({ query, extensions: JSON.parse(persisted().extensions) });
    const failed = await gateway.get(persisted());
    answer = () => ({ data: { viewer: null } });
    query = '{ viewer { id } }';
    await gateway.post({ query, extensions: JSON.parse(persisted().extensions) });
    const own = await gateway.get(persisted());
    for (const { headers } of [posted, failed, own]) {
      expect(headers['cache-control']).toBe('no-store');
      expect(headers['etag']).toBeUndefined();
    }
  });
});

it('switched off, every request is answered anew, and nobody may keep anything', async () => {
  await withGateway({ responseCacheIn: undefined }, async (own) => {
    const extensions = { persistedQuery: { version: 1, sha256Hash: documentHash(query) } };
    const grown = await counted(async () => {
      await own.post({ query, extensions });
      const { headers } = await own.get({ extensions: JSON.stringify(extensions) });
      expect(headers['cache-control']).toBe('no-store');
    });
    expect(grown).toEqual({});
    expect(own.sent).toHaveLength(2);
  });
});
