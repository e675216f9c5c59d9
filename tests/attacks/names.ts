import { expect, inject } from 'vitest';
import type { Attack } from './attack.ts';
import { ask, post } from './request.ts';

/** Documents whose names mean something to JavaScript, to GraphQL itself, or to whoever wants to guess the schema. */

const { gatewayUrl, adminUrl } = inject('shop');
const store = { url: gatewayUrl };
const invalid = { status: 400, code: 'GRAPHQL_VALIDATION_FAILED' };
const badInput = { status: 400, code: 'BAD_USER_INPUT' };
const operationNamed = (operationName: string, query = 'query A { __typename }') =>
  post(gatewayUrl, JSON.stringify({ query, operationName }));

const prototypes: Attack[] = [
  {
    tries: 'aliases that every object inherits, on the gateway’s own fields',
    request: () => ask(store, '{ __proto__: __typename constructor: __typename toString: __typename }'),
    answer: { status: 200, data: { constructor: 'Query', toString: 'Query' } },
  },
  {
    tries: 'aliases that every object inherits, on fields of two subgraphs',
    request: () =>
      ask(
        store,
        '{ constructor: products(first: 1) { nodes { valueOf: id prototype: variants { hasOwnProperty: nodes { constructor: id } } } } }',
      ),
    answer: { status: 200, data: { constructor: { nodes: [{ valueOf: expect.stringMatching(/^prod_/) }] } } },
  },
  {
    tries: 'a fragment called __proto__',
    request: () => ask(store, '{ ...__proto__ } fragment __proto__ on Query { __typename }'),
    answer: { status: 200, data: { __typename: 'Query' } },
  },
  {
    tries: 'a fragment called constructor that is not there',
    request: () => ask(store, '{ ...constructor }'),
    answer: invalid,
  },
  { tries: 'a field called constructor', request: () => ask(store, '{ constructor }'), answer: invalid },
  { tries: 'a field called __proto__', request: () => ask(store, '{ __proto__ }'), answer: invalid },
  {
    tries: 'a variable called __proto__',
    request: () => ask(store, 'query ($__proto__: ID!) { product(id: $__proto__) { id } }'),
    answer: badInput,
  },
  {
    tries: 'an enum value that every object inherits',
    request: () =>
      ask(store, 'query ($key: ProductSortKey) { products(sortKey: $key) { nodes { id } } }', { key: 'constructor' }),
    answer: badInput,
  },
  {
    tries: 'a type that every object inherits, in an id',
    request: () => ask(store, '{ node(id: "constructor_01k6z5w4d0e69t0k28cjr0t2mq") { id } }'),
    answer: { status: 200, data: { node: null } },
  },
  {
    tries: 'a body with __proto__ in it',
    request: () => post(gatewayUrl, '{"query":"{ __typename }","__proto__":{"x":1}}'),
    answer: badInput,
  },
  {
    tries: 'variables with __proto__ in them',
    request: () => post(gatewayUrl, '{"query":"{ __typename }","variables":{"input":{"__proto__":{"isAdmin":true}}}}'),
    answer: badInput,
  },
  {
    tries: 'variables with a prototype in their constructor',
    request: () =>
      post(gatewayUrl, '{"query":"{ __typename }","variables":{"constructor":{"prototype":{"isAdmin":true}}}}'),
    answer: badInput,
  },
];

const operations: Attack[] = [
  { tries: 'the operation __proto__', request: () => operationNamed('__proto__'), answer: badInput },
  { tries: 'the operation constructor', request: () => operationNamed('constructor'), answer: badInput },
  { tries: 'an operation that the document does not have', request: () => operationNamed('B'), answer: badInput },
  {
    tries: 'two operations without saying which',
    request: () => ask(store, 'query A { __typename } query B { __typename }'),
    answer: badInput,
  },
  { tries: 'a subscription', request: () => ask(store, 'subscription { orderChanged { id } }'), answer: invalid },
  { tries: 'a type instead of an operation', request: () => ask(store, 'type Query { a: Int }'), answer: invalid },
  {
    tries: 'an empty selection',
    request: () => ask(store, '{ }'),
    answer: { status: 400, code: 'GRAPHQL_PARSE_FAILED' },
  },
  {
    tries: 'half a surrogate pair',
    request: () => ask(store, '{ productSearch(query: "\\ud800") { nodes { id } } }'),
    answer: { status: 400, code: 'GRAPHQL_PARSE_FAILED' },
  },
];

const guesses: Attack[] = [
  ...[
    ['a field with a mistake in it', '{ productz { id } }'],
    ['an argument with a mistake in it', '{ products(fist: 1) { nodes { id } } }'],
    ['an enum value with a mistake in it', '{ products(sortKey: BEST_SELLIN) { nodes { id } } }'],
    ['a type with a mistake in it', 'query ($key: ProductSortKe) { products(sortKey: $key) { nodes { id } } }'],
    ['a field of the staff', '{ orders { nodes { id } } }'],
    [
      'a field of the staff within a type of customers',
      '{ products { nodes { variants { nodes { stock { onHand } } } } } }',
    ],
    ['a directive of the schema', '{ products @cost(weight: "1") { nodes { id } } }'],
  ].map(([tries, query]) => ({ tries: `${tries}`, request: () => ask(store, `${query}`), answer: invalid })),
  {
    tries: 'an input field with a mistake in it',
    request: () =>
      ask(store, 'mutation ($input: CartCreateInput!) { cartCreate(input: $input) { cart { id } } }', {
        input: { currencyCod: 'EUR' },
      }),
    answer: badInput,
  },
  {
    tries: 'an enum value with a mistake in it, in a variable',
    request: () =>
      ask(store, 'query ($key: ProductSortKey) { products(sortKey: $key) { nodes { id } } }', { key: 'BEST_SELLIN' }),
    answer: badInput,
  },
  ...['accessSnapshot', 'stockReserve', 'cartForOrder', 'orderForPayment', 'addressForOrder'].map((field) => ({
    tries: `the internal field ${field}`,
    request: () => ask({ url: adminUrl }, `${field === 'stockReserve' ? 'mutation' : ''} { ${field} }`),
    answer: invalid,
  })),
];

export const names = [...prototypes, ...operations, ...guesses];
