import { readFileSync } from 'node:fs';
import type { SupergraphManager } from '@apollo/gateway';
import { testRedisUrl } from '@souk/dev/test-database';
import { getIntrospectionQuery } from 'graphql';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openTestGateway, type TestGateway } from '../test/test-gateway.ts';
import { defaultDocumentLimits } from './document-guard.ts';

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await openTestGateway({ redisUrl: await testRedisUrl() });
});
beforeEach(() => {
  gateway.sent.length = 0;
});
afterAll(() => gateway.close());

const times = (count: number, part: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => part(i)).join(' ');
const parents = (count: number) => `${'parent{'.repeat(count)}id${'}'.repeat(count)}`;

/** Fragments that each spread the next one twice: 700 bytes that expand to thousands of fields. */
const bomb = `{ viewer { ...F0 } } ${times(12, (i) => `fragment F${i} on User { ${i < 11 ? `...F${i + 1} ...F${i + 1}` : 'id'} }`)}`;

describe('a document just within a limit is run, and one just above is refused before anything is', () => {
  it.each<[string, (size: number) => string, number]>([
    ['tokens', (size) => `{ nodes(ids: [${times(size - 12, () => '"a"')}]) { id } }`, 1_000],
    [
      'selections',
      (size) =>
        `{ viewer { ...F ...F ...F ${times(size - 904, () => 'id')} } } fragment F on User { ${times(300, () => 'id')} }`,
      1_000,
    ],
    [
      'levels',
      (size) =>
        `{ viewer { orders(first: 1) { nodes { lines(first: 1) { nodes { variant { product { category { ${parents(size - 9)} } } } } } } } } }`,
      12,
    ],
    ['aliases', (size) => `{ viewer { ${times(size, (i) => `a${i}: id`)} } }`, 15],
    ['root fields', (size) => `{ ${times(size, (i) => `a${i}: viewer { id }`)} }`, 10],
    ['directives', (size) => `{ viewer { ${times(size, () => 'id @include(if: true)')} } }`, 20],
    [
      'sensitive root fields',
      (size) => `mutation { ${times(size, (i) => `a${i}: emailVerify(token: "x") { userErrors { code } }`)} }`,
      1,
    ],
    ['characters in an alias', (size) => `{ viewer { ${'a'.repeat(size)}: id } }`, 100],
  ])('%s', async (_, document, most) => {
    const within = await gateway.post({ query: document(most) });
    expect(within).toMatchObject({ status: 200, codes: [] });
    expect(gateway.sent.length).toBeGreaterThan(0);

    gateway.sent.length = 0;
    const above = await gateway.post({ query: document(most + 1) });
    expect(above).toMatchObject({ status: 400, data: undefined, codes: ['OPERATION_LIMIT_EXCEEDED'] });
    expect(above.messages[0]).not.toMatch(/\d/);
    expect(gateway.sent).toEqual([]);
  });

  it('cost', async () => {
    const pages = (size: number) => `{ products(first: 100) { nodes { variants(first: ${size}) { nodes { id } } } } }`;
    expect(await gateway.post({ query: pages(47) })).toMatchObject({ status: 200, codes: [] });
    expect(gateway.sent).toHaveLength(1);
    expect(await gateway.post({ query: pages(48) })).toMatchObject({ status: 400, codes: ['COST_LIMIT_EXCEEDED'] });
    const query = 'query ($n: Int) { products(first: 100) { nodes { variants(first: $n) { nodes { id } } } } }';
    expect(await gateway.post({ query, variables: { n: 47 } })).toMatchObject({ status: 200, codes: [] });
    expect(await gateway.post({ query, variables: { n: 48 } })).toMatchObject({
      status: 400,
      codes: ['COST_LIMIT_EXCEEDED'],
    });
    expect(gateway.sent).toHaveLength(2);
  });
});

describe('a hostile document', () => {
  it.each([
    ['that expands to thousands of fields', bomb, 'OPERATION_LIMIT_EXCEEDED'],
    [
      'whose fragments never end',
      '{ viewer { ...A } } fragment A on User { ...B } fragment B on User { id ...A }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['that is nested without end', '{viewer'.repeat(30_000), 'OPERATION_LIMIT_EXCEEDED'],
    ['of nothing but brackets', '['.repeat(200_000), 'OPERATION_LIMIT_EXCEEDED'],
    ['whose one name is too long', `{ ${'a'.repeat(200_000)} }`, 'OPERATION_LIMIT_EXCEEDED'],
    ['whose one string is too long', `{ a(b: "${'a'.repeat(200_000)}) }`, 'GRAPHQL_PARSE_FAILED'],
  ])('%s is refused in few words', async (_, query, code) => {
    const answer = await gateway.post({ query });
    expect(answer).toMatchObject({ status: 400, codes: [code] });
    expect(answer.text.length).toBeLessThan(1_000);
    expect(gateway.sent).toEqual([]);
  });

  it.each([
    ['with many mistakes', `{ ${times(9, (i) => `nothing${i}`)} viewer { ${times(100, (i) => `nothing${i}`)} } }`],
    [
      'with long mistakes',
      `{ ${times(9, (i) => `${'x'.repeat(98)}${i}`)} viewer { ${times(10, () => `id(${'y'.repeat(20_000)}: 1)`)} } }`,
    ],
  ])('%s is told a few of them, briefly and without hints', async (_, query) => {
    const { status, text, messages } = await gateway.post({ query });
    expect(status).toBe(400);
    expect(messages.length).toBeGreaterThan(0);
    expect(messages.length).toBeLessThanOrEqual(5);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(16 * 1024);
    expect(text).not.toContain('Did you mean');
  });

  it('is refused each time it comes, and a good one is run each time', async () => {
    for (const round of [1, 2, 3]) {
      expect(await gateway.post({ query: bomb })).toMatchObject({ status: 400 });
      expect(await gateway.post({ query: '{ viewer { id } }' })).toMatchObject({ status: 200, codes: [] });
      expect(gateway.sent).toHaveLength(round);
    }
  });
});

describe('what explorers send', () => {
  const explorer = getIntrospectionQuery({
    inputValueDeprecation: true,
    specifiedByUrl: true,
    directiveIsRepeatable: true,
  });

  it('is answered with the schema', async () => {
    const { status, codes, data } = await gateway.post({ query: explorer });
    expect({ status, codes }).toEqual({ status: 200, codes: [] });
    expect(data).toHaveProperty('__schema.queryType.name', 'Query');
  });

  it('is refused where the schema is not for strangers, who are told nothing of it', async () => {
    const closed = await openTestGateway({ redisUrl: await testRedisUrl(), introspection: false });
    expect(await closed.post({ query: explorer })).toMatchObject({ status: 401, codes: ['UNAUTHENTICATED'] });
    const { text } = await closed.post({ query: '{ viwer { id } products(frst: 1) { nodes { id } } }' });
    expect(text).not.toMatch(/Did you mean|"viewer|"first/);
    await closed.close();
  });
});

describe('cost', () => {
  const query = 'query ($n: Int) { products(first: $n) { nodes { id } } }';

  it('is told to those who ask', async () => {
    const { extensions } = await gateway.post({ query, variables: { n: 30 } }, { 'x-souk-cost': '1' });
    expect(extensions).toEqual({ cost: { estimated: 31 } });
    expect((await gateway.post({ query, variables: { n: 30 } })).extensions).toBe(undefined);
  });

  it('is told with a refusal too, and the budget is not', async () => {
    const { status, extensions, text } = await gateway.post(
      { query, variables: { n: 1_000_000 } },
      { 'x-souk-cost': '1' },
    );
    expect(status).toBe(400);
    expect(extensions).toEqual({ cost: { estimated: 1_000_001 } });
    expect(text).not.toContain('5000');
  });
});

describe('settings', () => {
  it('move a limit', async () => {
    const strict = await openTestGateway({
      redisUrl: await testRedisUrl(),
      documentLimits: { ...defaultDocumentLimits, depth: 1 },
      costBudget: 1,
    });
    expect(await strict.post({ query: '{ viewer { id } }' })).toMatchObject({ codes: ['OPERATION_LIMIT_EXCEEDED'] });
    expect(await strict.post({ query: '{ productSuggestions(query: "a") }' })).toMatchObject({
      codes: ['COST_LIMIT_EXCEEDED'],
    });
    expect(strict.sent).toEqual([]);
    await strict.close();
  });
});

describe('fields that were lost', () => {
  it('are named one by one, as many as there is room for', async () => {
    const lost = Array.from({ length: 200 }, (_, index) => ({
      message: 'This part of the shop is not available right now. Try again.',
      path: ['viewer', index],
      extensions: { code: 'SUBGRAPH_UNAVAILABLE' },
    }));
    const broken = await openTestGateway({
      redisUrl: await testRedisUrl(),
      answer: { data: { viewer: null }, errors: lost },
    });
    const { status, codes, text } = await broken.post({ query: '{ viewer { id } }' });
    expect(status).toBe(200);
    expect(codes.length).toBeGreaterThan(20);
    expect(text.length).toBeLessThanOrEqual(16 * 1024);
    await broken.close();
  });
});

describe('a document that was run before the supergraph was swapped', () => {
  const storefront = readFileSync(new URL('../../schema/gateway/storefront.graphql', import.meta.url), 'utf8');
  const query = '{ productSearch(query: "shoe") { didYouMean } }';
  let swap: (supergraphSdl: string) => void;
  let swapped: TestGateway;

  beforeEach(async () => {
    const supergraph: SupergraphManager = {
      async initialize({ update }) {
        swap = update;
        return { supergraphSdl: storefront };
      },
    };
    swapped = await openTestGateway({ redisUrl: await testRedisUrl(), supergraph });
    expect(await swapped.post({ query })).toMatchObject({ status: 200, codes: [] });
  });
  afterEach(() => swapped.close());

  /** The next supergraph is put to use when the registered operations have been prepared for it. */
  const refused = (query: string, code: string) =>
    vi.waitFor(async () => expect(await swapped.post({ query })).toMatchObject({ status: 400, codes: [code] }), 10_000);

  it('is validated again', async () => {
    swap(storefront.replaceAll('didYouMean', 'perhaps'));
    await refused(query, 'GRAPHQL_VALIDATION_FAILED');
  });

  it('is priced again', async () => {
    swap(storefront.replace('@cost(weight: 10) @listSize', '@cost(weight: 6000) @listSize'));
    await refused(query, 'COST_LIMIT_EXCEEDED');
  });

  it('is guarded again', async () => {
    const marked = storefront.replace('@cost(weight: 10) @listSize', '@sensitive @cost(weight: 10) @listSize');
    const twice = '{ a: productSearch(query: "a") { didYouMean } b: productSearch(query: "b") { didYouMean } }';
    expect(await swapped.post({ query: twice })).toMatchObject({ status: 200, codes: [] });
    swap(marked);
    await refused(twice, 'OPERATION_LIMIT_EXCEEDED');
  });
});
