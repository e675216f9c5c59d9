import { getIntrospectionQuery } from 'graphql';
import { expect, inject } from 'vitest';
import type { Attack } from './attack.ts';
import { ask } from './request.ts';
import type { Scene } from './scene.ts';

/** How much an operation may ask for: pages, lists of ids, and what all of it is estimated to cost. */

const { gatewayUrl, adminUrl } = inject('shop');
const store = { url: gatewayUrl };
const refusedByField = { status: 200, code: 'BAD_USER_INPUT' };

const page = (first: number) => `{ products(first: ${first}) { nodes { id } } }`;
const nodes = (count: number) =>
  ask(store, 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', {
    ids: Array(count).fill('prod_01k6z5w4d0e69t0k28cjr0t2mq'),
  });
const told = { 'x-souk-cost': '1' };
/** Each product is 1 point, each page of variants and each variant another. */
const priced = (products: number, variants: number) =>
  `{ products(first: ${products}) { nodes { id variants(first: ${variants}) { nodes { id } } } } }`;

const pages: Attack[] = [
  { tries: 'a page of a hundred', request: () => ask(store, page(100)), answer: { status: 200 } },
  { tries: 'a page of a hundred and one', request: () => ask(store, page(101)), answer: refusedByField },
  { tries: 'a page of none', request: () => ask(store, page(0)), answer: refusedByField },
  { tries: 'a page of less than none', request: () => ask(store, page(-1)), answer: refusedByField },
  {
    tries: 'a page of more than an Int holds',
    request: () => ask(store, page(2 ** 31)),
    answer: { status: 400, code: 'GRAPHQL_VALIDATION_FAILED' },
  },
  {
    tries: 'a page from both ends',
    request: () => ask(store, '{ products(first: 1, last: 1) { nodes { id } } }'),
    answer: refusedByField,
  },
  {
    tries: 'a cursor that was made up',
    request: () => ask(store, '{ products(after: "WyJ4Il0") { nodes { id } } }'),
    answer: refusedByField,
  },
  {
    tries: 'a cursor of another list',
    async request() {
      const { data } = await ask(store, '{ products(first: 1) { pageInfo { endCursor } } }');
      const { endCursor } = (data as { products: { pageInfo: { endCursor: string } } }).products.pageInfo;
      return ask(store, 'query ($after: String) { products(after: $after, sortKey: PRICE) { nodes { id } } }', {
        after: endCursor,
      });
    },
    answer: refusedByField,
  },
  { tries: 'fifty objects by their ids', request: () => nodes(50), answer: { status: 200 } },
  { tries: 'fifty-one objects by their ids', request: () => nodes(51), answer: refusedByField },
  {
    tries: 'words of 200 characters',
    request: () => ask(store, `{ productSearch(query: "${'x'.repeat(200)}") { nodes { id } } }`),
    answer: { status: 200 },
  },
  {
    tries: 'words of 201 characters',
    request: () => ask(store, `{ productSearch(query: "${'x'.repeat(201)}") { nodes { id } } }`),
    answer: refusedByField,
  },
  {
    tries: 'suggestions for 101 characters',
    request: () => ask(store, `{ productSuggestions(query: "${'x'.repeat(101)}") }`),
    answer: refusedByField,
  },
  {
    tries: 'twenty-one suggestions',
    request: () => ask(store, '{ productSuggestions(query: "x", limit: 21) }'),
    answer: refusedByField,
  },
];

const costs: Attack[] = [
  {
    tries: 'what costs just as much as one may spend',
    request: () => ask(store, priced(100, 47), {}, told),
    answer: { status: 200 },
    effect: async (_scene, _given, { text }) => expect(estimateIn(text)).toBeLessThanOrEqual(5_000),
  },
  {
    tries: 'what costs a little more',
    request: () => ask(store, priced(100, 48), {}, told),
    answer: { status: 400, code: 'COST_LIMIT_EXCEEDED' },
    effect: async (_scene, _given, { text }) => expect(estimateIn(text)).toBeGreaterThan(5_000),
  },
  {
    tries: 'the same in fragments and aliases',
    request: () =>
      ask(
        store,
        `{ a: products(first: 100) { ...P } b: products(first: 100) { ...P } } fragment P on ProductConnection { nodes { id variants(first: 30) { nodes { id } } } }`,
      ),
    answer: { status: 400, code: 'COST_LIMIT_EXCEEDED' },
  },
  {
    tries: 'the same in variables, whose defaults are cheap',
    request: () =>
      ask(store, 'query ($n: Int = 1) { products(first: $n) { nodes { id variants(first: $n) { nodes { id } } } } }', {
        n: 100,
      }),
    answer: { status: 400, code: 'COST_LIMIT_EXCEEDED' },
  },
  {
    tries: 'the same in defaults of variables that are not sent',
    request: () =>
      ask(store, 'query ($n: Int = 100) { products(first: $n) { nodes { id variants(first: $n) { nodes { id } } } } }'),
    answer: { status: 400, code: 'COST_LIMIT_EXCEEDED' },
  },
  {
    tries: 'the same behind a condition that a variable turns on',
    request: () =>
      ask(
        store,
        `query ($on: Boolean!) { products(first: 100) @include(if: $on) { nodes { id variants(first: 60) { nodes { id } } } } }`,
        { on: true },
      ),
    answer: { status: 400, code: 'COST_LIMIT_EXCEEDED' },
  },
  {
    tries: 'a negative page, to pay for a dear one with it',
    request: () =>
      ask(
        store,
        `{ a: products(first: -1000) { nodes { id } } b: products(first: 100) { nodes { id variants(first: 60) { nodes { id } } } } }`,
      ),
    answer: { status: 400, code: 'COST_LIMIT_EXCEEDED' },
  },
  {
    tries: 'as staff what costs more than staff may spend',
    request: ({ admin }: Scene) =>
      ask(
        { ...admin, url: adminUrl },
        '{ orders(first: 100) { nodes { id customer { orders(first: 100) { nodes { id lines { nodes { id } } } } } } } }',
      ),
    answer: { status: 400, code: 'COST_LIMIT_EXCEEDED' },
  },
];

const endpoints = [
  ['the storefront', ({ stranger }: Scene) => ({ ...stranger, url: gatewayUrl })],
  ['the admin endpoint', ({ admin }: Scene) => admin],
] as const;
const explorer = getIntrospectionQuery({ inputValueDeprecation: true, specifiedByUrl: true, schemaDescription: true });
const again = '__schema { types { name } }';
const types = (count: number) =>
  Array.from({ length: count }, (_, index) => `t${index}: __type(name: "Product") { fields { name } }`).join(' ');
const asksTooMuch = { status: 400, code: 'OPERATION_LIMIT_EXCEEDED' };

const introspection: Attack[] = endpoints.flatMap(([where, client]) =>
  [
    { tries: 'the schema, as explorers ask', document: explorer, answer: { status: 200 } },
    {
      tries: 'the schema twice, by an alias',
      document: explorer.replace('__schema {', `again: ${again} __schema {`),
      answer: asksTooMuch,
    },
    {
      tries: 'the schema twice, by a fragment',
      document: `{ ...F ...F } fragment F on Query { ${again} }`,
      answer: asksTooMuch,
    },
    {
      tries: 'the schema twice, in two operations',
      document: `query A { ${again} } query B { ${again} }`,
      answer: asksTooMuch,
    },
    { tries: 'seven types by their names', document: `{ ${types(7)} }`, answer: { status: 200 } },
    { tries: 'eight types by their names', document: `{ ${types(8)} }`, answer: asksTooMuch },
    {
      tries: 'eight types by their names, through a fragment',
      document: `{ ...F ...F } fragment F on Query { ${types(4)} }`,
      answer: asksTooMuch,
    },
  ].map(({ tries, document, answer }) => ({
    tries: `${where} for ${tries}`,
    request: (scene: Scene) => ask(client(scene), document),
    answer,
  })),
);

function estimateIn(text: string): number {
  return (JSON.parse(text) as { extensions: { cost: { estimated: number } } }).extensions.cost.estimated;
}

export const limits = [...pages, ...costs, ...introspection];
