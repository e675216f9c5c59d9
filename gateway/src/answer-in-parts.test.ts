import { type AnswerPart, allOf, PARTS, partsOf, together } from '@souk/dev/answer-parts';
import { testRedisUrl } from '@souk/dev/test-database';
import { createLogger } from '@souk/platform/logger';
import { register } from 'prom-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openTestGateway, type TestGateway } from '../test/test-gateway.ts';
import { answering, compose } from '../test/tiny-graph.ts';
import { shop } from '../test/tiny-shop.ts';
import type { RequestScope } from './request-scope.ts';
import type { SubgraphClient } from './subgraph-client.ts';

const answerOf = answering(shop);
const lines: Record<string, unknown>[] = [];
const logger = createLogger('gateway', { destination: { write: (line) => lines.push(JSON.parse(line)) } });
/** What each subgraph was asked. */
const asked: { name: string; query: string }[] = [];
/** Subgraphs that keep their answers back, until they are let. */
const held = new Map<string, PromiseWithResolvers<void>>();
/** Subgraphs that fail, and with what. */
const failing = new Map<string, object>();
const down = { data: null, errors: [{ message: 'Not today.' }] };
let abandoned: string[];
let gateway: TestGateway;
let stock: TestGateway;
let url: string;

beforeAll(async () => {
  gateway = await open({});
  stock = await open({ compiledExecution: false });
  url = await gateway.listen();
});
beforeEach(() => {
  for (const list of [asked, lines]) list.length = 0;
  abandoned = [];
  failing.clear();
  register.resetMetrics();
});
afterEach(() => {
  for (const name of [...held.keys()]) letGo(name);
});
afterAll(() => Promise.all([gateway, stock].map((each) => each?.close())));

async function open(options: { compiledExecution?: boolean; defers?: boolean }): Promise<TestGateway> {
  const supergraphSdl = compose(shop);
  return openTestGateway({
    redisUrl: await testRedisUrl(),
    supergraph: { initialize: async () => ({ supergraphSdl }) },
    subgraphClient,
    logger,
    ...options,
  });
}

function subgraphClient(name: string): SubgraphClient {
  return {
    async process({ request, context }: { request: { query: string; variables?: object }; context: RequestScope }) {
      asked.push({ name, query: request.query });
      context.hungUp.addEventListener('abort', () => abandoned.push(name));
      const { query, variables = {} } = request;
      const answer = await answerOf(name, { query, variables: variables as Record<string, unknown> });
      await held.get(name)?.promise;
      return failing.get(name) ?? answer;
    },
    close: async () => {},
  } as unknown as SubgraphClient;
}

function hold(name: string): void {
  held.set(name, Promise.withResolvers());
}

function letGo(name: string): void {
  held.get(name)?.resolve();
  held.delete(name);
}

const product = `query Page { product(upc: "p1") { title ...Slow @defer(label: "slow") } }
  fragment Slow on Product { price { amount } reviews { body } }`;
const whole = { title: 'Teapot', price: { amount: 201 }, reviews: [{ body: 'Fine' }, { body: 'Good' }] };

function ask(
  query: string,
  { accept = `${PARTS},application/json`, variables = {}, headers = {}, signal }: Asking = {},
) {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept, ...headers },
    body: JSON.stringify({ query, variables }),
    ...(signal ? { signal } : {}),
  });
}

interface Asking {
  accept?: string;
  variables?: object;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

async function partsFor(query: string, options?: Asking): Promise<AnswerPart[]> {
  return allOf(partsOf(await ask(query, options)));
}

describe('an answer in parts', () => {
  it('begins while the rest is still waited for', async () => {
    hold('reviews');
    const parts = partsOf(await ask(product));
    expect((await parts.next()).value).toEqual({ data: { product: { title: 'Teapot' } }, hasNext: true });
    await vi.waitFor(() => expect(asked.map(({ name }) => name)).toContain('reviews'));
    letGo('reviews');
    const { title: _, ...rest } = whole;
    expect((await parts.next()).value).toEqual({
      hasNext: false,
      incremental: [{ data: rest, path: ['product'], label: 'slow' }],
    });
    expect((await parts.next()).done).toBe(true);
  });

  it('has the bytes that clients know from Apollo', async () => {
    const response = await ask('{ me { id ... @defer { name } } }');
    expect(await response.text()).toBe(
      [
        '',
        '---',
        'content-type: application/json; charset=utf-8',
        '',
        '{"data":{"me":{"id":"u1"}},"hasNext":true}',
        '---',
        'content-type: application/json; charset=utf-8',
        '',
        '{"hasNext":false,"incremental":[{"data":{"name":"Ada"},"path":["me"]}]}',
        '-----',
        '',
      ].join('\r\n'),
    );
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'multipart/mixed; boundary="-"; deferSpec=20220824',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
      'transfer-encoding': 'chunked',
    });
  });

  it('comes fragment by fragment, and in lists for each item', async () => {
    hold('reviews');
    const query = `{ products(first: 2) { upc ... @defer(label: "price") { price { amount } }
      ... @defer(label: "reviews") { reviews { id author { id ... @defer(label: "author") { name } } } } } }`;
    const parts = partsOf(await ask(query));
    expect((await parts.next()).value).toEqual({ data: { products: [{ upc: 'p1' }, { upc: 'p2' }] }, hasNext: true });
    expect((await parts.next()).value).toEqual({
      hasNext: true,
      incremental: [
        { data: { price: { amount: 201 } }, path: ['products', 0], label: 'price' },
        { data: { price: { amount: 202 } }, path: ['products', 1], label: 'price' },
      ],
    });
    letGo('reviews');
    const [reviews, authors] = await allOf(parts);
    expect(reviews?.incremental?.map(({ path, label }) => [...path, label])).toEqual([
      ['products', 0, 'reviews'],
      ['products', 1, 'reviews'],
    ]);
    expect(authors).toEqual({
      hasNext: false,
      incremental: [
        { data: { name: 'Ada' }, path: ['products', 0, 'reviews', 0, 'author'], label: 'author' },
        { data: { name: 'Bo' }, path: ['products', 0, 'reviews', 1, 'author'], label: 'author' },
      ],
    });
  });

  it('may have nothing at first', async () => {
    const parts = await partsFor('{ ... @defer { me { name } } }');
    expect(parts[0]).toEqual({ data: {}, hasNext: true });
    expect(together(parts)).toEqual({ me: { name: 'Ada' } });
  });

  it('defers what a fragment that is spread twice defers, in both places', async () => {
    const query = `{ me { ...Name } other: me { ...Name } } fragment Name on User { id ... @defer(label: "name") { name } }`;
    const parts = await partsFor(query);
    expect(parts[0]?.data).toEqual({ me: { id: 'u1' }, other: { id: 'u1' } });
    expect(together(parts)).toEqual({ me: { id: 'u1', name: 'Ada' }, other: { id: 'u1', name: 'Ada' } });
  });

  it('depends on variables', async () => {
    const query = 'query Page($slow: Boolean!) { me { id ... @defer(if: $slow) { name } } }';
    expect(await partsFor(query, { variables: { slow: true } })).toHaveLength(2);
    const all = await ask(query, { variables: { slow: false } });
    expect(await all.json()).toEqual({ data: { me: { id: 'u1', name: 'Ada' } } });
  });

  it('is whole where what is deferred is not there', async () => {
    expect(await (await ask('{ nobody { id ... @defer { name } } }')).json()).toEqual({ data: { nobody: null } });
    const left = 'query Page($no: Boolean!) { me { id ... @include(if: $no) @defer { name } } }';
    expect(await (await ask(left, { variables: { no: false } })).json()).toEqual({ data: { me: { id: 'u1' } } });
    expect(asked.filter(({ query }) => query.includes('_entities'))).toEqual([]);
  });
});

describe('a failure in a deferred part', () => {
  it('is told there, and takes along no more than the fragment', async () => {
    failing.set('pricing', down);
    const query =
      '{ products(first: 2) { upc ... @defer { title } ... @defer(label: "price") { weight price { amount } } } }';
    const [first, ...others] = await partsFor(query);
    expect(first).toEqual({ data: { products: [{ upc: 'p1' }, { upc: 'p2' }] }, hasNext: true });
    const parts = others.flatMap(({ incremental = [] }) => incremental);
    expect(parts.filter(({ label }) => !label).map(({ data }) => data)).toEqual([
      { title: 'Teapot' },
      { title: 'Cup "small"' },
    ]);
    const [price, ...rest] = parts.filter(({ label }) => label === 'price');
    expect(price).toEqual({
      data: null,
      path: ['products', 0],
      label: 'price',
      errors: [
        {
          message: 'Not today.',
          extensions: { code: 'SUBGRAPH_UNAVAILABLE', retryable: true, requestId: expect.any(String) },
        },
      ],
    });
    expect(rest).toEqual([{ data: null, path: ['products', 1], label: 'price' }]);
  });

  it('has the path of the field, from the root', async () => {
    const errors = [{ message: 'Not her.', path: ['_entities', 1, 'name'], extensions: { code: 'FORBIDDEN' } }];
    failing.set('users', { data: { _entities: [{ name: 'Ada' }, null] }, errors });
    const [, part] = await partsFor('{ products { upc ... @defer { reviews { author { name } } } } }');
    const ada = { author: { name: 'Ada' } };
    expect(part?.incremental).toMatchObject([
      { data: { reviews: [ada, { author: null }] }, path: ['products', 0] },
      { data: { reviews: [] }, path: ['products', 1] },
      { data: { reviews: [ada] }, path: ['products', 2] },
    ]);
    expect(
      part?.incremental?.map(({ errors: told = [] }) => told.map(({ path, extensions }) => [path, extensions.code])),
    ).toEqual([[[['products', 0, 'reviews', 1, 'author', 'name'], 'FORBIDDEN']], [], []]);
  });

  it('of the first part ends the answer there', async () => {
    failing.set('catalog', down);
    const response = await ask(product);
    expect(response.headers.get('content-type')).toMatch('application/json');
    expect(await response.json()).toMatchObject({ data: { product: null }, errors: [{ message: 'Not today.' }] });
  });
});

describe('a whole answer', () => {
  it.each([
    'application/json',
    '*/*',
    'multipart/mixed, application/json',
    'multipart/mixed;deferSpec=20220824;q=0, */*',
  ])('is for who accepts %s', async (accept) => {
    const response = await ask(product, { accept });
    expect(response.headers.get('content-type')).toMatch('application/json');
    expect(await response.json()).toEqual({ data: { product: whole } });
    expect(asked.map(({ query }) => query).filter((query) => query.includes('defer'))).toEqual([]);
  });

  it('is the same in parts, which are accepted in any spelling', async () => {
    for (const accept of ['multipart/mixed; deferSpec=20220824', 'Multipart/Mixed;DeferSpec="20220824", */*;q=0.1']) {
      expect(together(await partsFor(product, { accept }))).toEqual({ product: whole });
    }
  });

  it('is all that a mutation gets', async () => {
    const mutation = 'mutation { productRename(upc: "p2", title: "Mug") { title ... @defer { price { amount } } } }';
    const answer = await (await ask(mutation)).json();
    expect(answer).toEqual({ data: { productRename: { title: 'Mug', price: { amount: 202 } } } });
    expect(asked.filter(({ query }) => query.startsWith('mutation'))).toHaveLength(1);
  });

  it('is put together by the stock executor, too, where a subgraph fails', async () => {
    failing.set('pricing', down);
    // Within a fragment it is what the stock executor refuses.
    const mutation = `mutation { ...Page } fragment Page on Mutation { ...Rename @defer(label: "rename") }
      fragment Rename on Mutation { productRename(upc: "p2", title: "Mug") { title price { amount } } }`;
    expect(await (await ask(mutation)).json()).toMatchObject({
      data: { productRename: null },
      errors: [{ extensions: { code: 'SUBGRAPH_UNAVAILABLE' } }],
    });
    expect(asked.filter(({ query }) => query.startsWith('mutation'))).toHaveLength(1);
  });

  it('is what who asks for the schema gets, and what Apollo Gateway gives', async () => {
    expect(await (await ask('{ __schema { directives { name } } ... @defer { me { name } } }')).json()).toMatchObject({
      data: { __schema: { directives: expect.arrayContaining([{ name: 'defer' }]) }, me: { name: 'Ada' } },
    });
    const { data } = await stock.post({ query: product }, { accept: PARTS });
    expect(data).toEqual({ product: whole });
  });
});

describe('the door', () => {
  it('does not know @defer where answers are whole', async () => {
    const admin = await open({ defers: false });
    const answer = await admin.post({ query: product }, { accept: `${PARTS},application/json` });
    await admin.close();
    expect(answer).toMatchObject({ status: 400, codes: ['GRAPHQL_VALIDATION_FAILED'] });
    expect(answer.messages).toEqual(['Unknown directive "@defer".']);
  });

  it('counts what is deferred, wherever it is spread', async () => {
    const spread = Array.from({ length: 6 }, (_, index) => `a${index}: me { ...Name }`);
    const query = `{ ${spread.join(' ')} } fragment Name on User { ... @defer { name ... @defer { id } } }`;
    const refused = await gateway.post({ query });
    expect(refused).toMatchObject({ status: 400, codes: ['OPERATION_LIMIT_EXCEEDED'] });
    expect(refused.messages[0]).toMatch('defers too many fragments');
    expect(asked).toEqual([]);
  });

  it('prices what is deferred', async () => {
    const priced = async (query: string) =>
      (await gateway.post({ query }, { accept: 'application/json', 'x-souk-cost': '1' })).extensions;
    const deferred = '{ products(first: 5) { upc ... @defer { price { amount } } } }';
    expect(await priced(deferred)).toEqual(await priced(deferred.replace('@defer', '')));
    const [first] = await partsFor(deferred, { headers: { 'x-souk-cost': '1' } });
    expect(first).toMatchObject({ extensions: await priced(deferred) });
  });
});

describe('an answer in parts, seen from the gateway', () => {
  const told = () => lines.filter(({ msg }) => msg === 'request');

  it('is one request in the log and in metrics', async () => {
    failing.set('reviews', down);
    const response = await ask(product);
    const bytes = (await response.arrayBuffer()).byteLength;
    await vi.waitFor(() => expect(told()).toHaveLength(1));
    expect(told()[0]).toMatchObject({
      status: 200,
      outcome: 'errors',
      errorCodes: ['SUBGRAPH_UNAVAILABLE'],
      responseBytes: bytes,
    });
    const { values = [] } = (await register.getSingleMetric('souk_operations_executed_total')?.get()) ?? {};
    expect(values).toMatchObject([{ labels: { path: 'deferred' }, value: 1 }]);
  });

  it('ends when its client hangs up', async () => {
    hold('reviews');
    const client = new AbortController();
    const parts = partsOf(await ask(product, { signal: client.signal }));
    await parts.next();
    await vi.waitFor(() => expect(asked.map(({ name }) => name)).toContain('reviews'));
    client.abort();
    await vi.waitFor(() => expect(abandoned).toContain('reviews'));
    await vi.waitFor(() => expect(told()).toMatchObject([{ outcome: 'hung-up' }]));
  });

  it('keeps its place among the requests in flight until all of it is made', async () => {
    const inFlight = async () =>
      (await register.getSingleMetric('souk_requests_in_flight')?.get())?.values.map(({ value }) => value);
    hold('reviews');
    const parts = partsOf(await ask(product));
    await parts.next();
    expect(await inFlight()).toContain(1);
    letGo('reviews');
    await allOf(parts);
    await vi.waitFor(async () => expect(await inFlight()).not.toContain(1));
  });
});
