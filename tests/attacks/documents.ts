import { expect, inject } from 'vitest';
import { counter } from '../counters.ts';
import type { Attack } from './attack.ts';
import { ask, post } from './request.ts';

const { gatewayUrl, metricsUrls } = inject('shop');
const store = { url: gatewayUrl };
const refused = (code: string) => ({ status: 400, code });
const tooMuch = refused('OPERATION_LIMIT_EXCEEDED');
const invalid = refused('GRAPHQL_VALIDATION_FAILED');
const works = { status: 200 };

const repeat = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => make(index));

/** A limit, with a document that is just within it and one that is just beyond it. */
function limit(of: string, documentOf: (count: number) => string, most: number): Attack[] {
  return [
    { tries: `${most} ${of}`, request: () => ask(store, documentOf(most)), answer: works },
    { tries: `${most + 1} ${of}`, request: () => ask(store, documentOf(most + 1)), answer: tooMuch },
  ];
}

const signInAs = (alias: string) =>
  `${alias}: signIn(input: { email: "a@b.example", password: "x" }) { userErrors { code } }`;
/** A category within a category, and so on. */
const nested = (levels: number): string => (levels === 0 ? 'id' : `parent { ${nested(levels - 1)} }`);
const nestedTypes = (levels: number): string => (levels === 0 ? 'name' : `ofType { ${nestedTypes(levels - 1)} }`);
/** Tokens: twelve around the ids. */
const idsOf = (tokens: number) => `{ nodes(ids: [${'"x" '.repeat(tokens - 12)}]) { id } }`;
const brackets = (depth: number) => `{ nodes(ids: ${'['.repeat(depth - 2)}${']'.repeat(depth - 2)}) { id } }`;

const limits: Attack[] = [
  {
    tries: '1000 tokens, too many of which are ids for the field that takes them',
    request: () => ask(store, idsOf(1_000)),
    answer: { status: 200, code: 'BAD_USER_INPUT' },
  },
  { tries: '1001 tokens', request: () => ask(store, idsOf(1_001)), answer: tooMuch },
  ...limit(
    'selections through fragments',
    (count) => {
      // 1 field and 9 spreads of 100 fields each are 910; the rest stands by itself.
      const own = count - 1 - 9 * 101 - 1;
      return `{ products { nodes { ${'...F '.repeat(9)}${'id '.repeat(own)}} } } fragment F on Product { ${'id '.repeat(100)}}`;
    },
    1_000,
  ),
  ...limit('levels', (count) => `{ category(slug: "x") { ${nested(count - 2)} } }`, 12),
  ...limit('levels of introspection', (count) => `{ __schema { types { ${nestedTypes(count - 3)} } } }`, 20),
  ...limit(
    'aliases',
    (count) => `{ products { nodes { ${repeat(count, (index) => `a${index}: id`).join(' ')} } } }`,
    15,
  ),
  ...limit(
    'aliases through fragments',
    (count) => {
      const own = repeat(count - 14, (index) => `b${index}: id`).join(' ');
      return `{ products { nodes { ...F ...F ${own} } } } fragment F on Product { ${repeat(7, (index) => `a${index}: id`).join(' ')} }`;
    },
    15,
  ),
  ...limit('root fields', (count) => `{ ${repeat(count, (index) => `a${index}: __typename`).join(' ')} }`, 10),
  ...limit(
    'root fields through fragments',
    (count) => `{ ...F ${'__typename '.repeat(count - 6)} } fragment F on Query { ${'__typename '.repeat(6)} }`,
    10,
  ),
  ...limit('directives', (count) => `{ products { ${'nodes @include(if: true) { id } '.repeat(count)} } }`, 20),
  ...limit('characters in a name', (count) => `{ ${'a'.repeat(count)}: __typename }`, 100),
  {
    tries: 'two passwords in one document',
    request: () => ask(store, `mutation { ${signInAs('a')} ${signInAs('b')} }`),
    answer: tooMuch,
  },
  {
    tries: 'two passwords, one of them in a fragment',
    request: () => ask(store, `mutation { ${signInAs('a')} ...F } fragment F on Mutation { ${signInAs('b')} }`),
    answer: tooMuch,
  },
  {
    tries: 'two passwords in two operations of one document',
    request: () =>
      post(
        gatewayUrl,
        JSON.stringify({
          query: `mutation A { ${signInAs('a')} } mutation B { ${signInAs('b')} }`,
          operationName: 'A',
        }),
      ),
    answer: tooMuch,
  },
  {
    tries: 'brackets in brackets, 201 deep',
    request: () => ask(store, brackets(201)),
    answer: tooMuch,
  },
  {
    tries: 'brackets in brackets, 90,000 deep',
    request: () => ask(store, `{ nodes(ids: ${'['.repeat(90_000)}`),
    answer: tooMuch,
  },
  {
    tries: 'a comment of 200,000 characters',
    request: () => ask(store, `{ __typename } # ${'x'.repeat(200_000)}`),
    answer: works,
  },
];

/** Short texts that expand to more than any machine could read. */
const doubled = (levels: number, inside: string, on: string) =>
  repeat(
    levels,
    (index) => `fragment F${index} on ${on} { ${index < levels - 1 ? `...F${index + 1} ...F${index + 1}` : inside} }`,
  ).join(' ');
const bomb = `{ products { nodes { ...F0 } } } ${doubled(20, 'id title slug', 'Product')}`;

const MAX_SERVER_MS = 5;

/** How long the gateway itself took for a document, at best: what the machine does besides is not the gateway's. */
async function serverMs(status: 200 | 400, document: (index: number) => string): Promise<number> {
  const metrics = metricsUrls.gateway;
  const seconds = () =>
    counter(metrics, 'souk_http_request_duration_seconds_sum', `route="/graphql",status="${status}"`);
  const times: number[] = [];
  for (let index = 0; index < 15; index++) {
    const before = await seconds();
    await ask(store, document(index));
    times.push(1_000 * ((await seconds()) - before));
  }
  return Math.min(...times);
}

const bombs: Attack[] = [
  {
    tries: `a bomb of ${bomb.length} characters, doubled in twenty fragments`,
    request: () => ask(store, bomb),
    answer: tooMuch,
    async effect() {
      const bombMs = await serverMs(400, (index) => `${bomb} # ${index}`);
      const innocentMs = await serverMs(200, (index) => `{ __typename } # ${index}`);
      const measured = `A fragment bomb of ${bomb.length} characters took ${bombMs.toFixed(2)} ms, { __typename } ${innocentMs.toFixed(2)} ms.`;
      process.stderr.write(`${measured}\n`);
      expect(bombMs, measured).toBeLessThan(Math.max(MAX_SERVER_MS, 4 * innocentMs));
    },
  },
  {
    tries: 'a bomb of inline fragments within list fields',
    request: () => ask(store, `{ categories { ...F0 } } ${doubled(12, 'children { id }', 'Category')}`),
    answer: tooMuch,
  },
  {
    tries: 'a fragment in itself',
    request: () => ask(store, '{ ...F } fragment F on Query { ...F }'),
    answer: invalid,
  },
  {
    tries: 'two fragments in each other',
    request: () => ask(store, '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }'),
    answer: invalid,
  },
  {
    tries: 'a fragment in itself that nobody uses',
    request: () =>
      ask(store, '{ __typename } fragment F on Query { products { nodes { ...G } } } fragment G on Product { ...G }'),
    answer: invalid,
  },
  {
    tries: 'a thousand fields that have to be compared with each other in pairs',
    request: () => ask(store, `{ products { nodes { ${'id '.repeat(990)}} } }`),
    answer: invalid,
  },
  {
    tries: 'some hundred fields that have to be compared with each other in pairs',
    request: () =>
      ask(store, `{ ${repeat(9, () => `products { nodes { ${'id title slug '.repeat(30)}} }`).join(' ')} }`),
    answer: works,
  },
  {
    tries: 'three hundred mistakes',
    request: () => ask(store, `{ products { nodes { ${repeat(300, (index) => `x${index}`).join(' ')} } } }`),
    answer: invalid,
    effect: async (_scene, _given, { errors }) => expect(errors).toHaveLength(5),
  },
  {
    tries: 'a mistake with a value of 90,000 characters',
    request: () => ask(store, `{ products(sortKey: ${'A'.repeat(90_000)}) { nodes { id } } }`),
    answer: invalid,
    effect: async (_scene, _given, { text }) => expect(text.length).toBeLessThan(2_000),
  },
  {
    tries: 'a variable with 20,000 mistakes in it',
    request: () => ask(store, 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids: Array(20_000).fill({}) }),
    answer: refused('BAD_USER_INPUT'),
    effect: async (_scene, _given, { errors }) => expect(errors.length).toBeLessThanOrEqual(5),
  },
  {
    tries: 'ten fields that all fail while being run, and repeat what they were sent',
    request: () =>
      ask(
        store,
        `{ ${repeat(10, (index) => `a${index}: product(id: "${'x'.repeat(3_000)}${index}") { id }`).join(' ')} }`,
      ),
    answer: { status: 200, code: 'BAD_USER_INPUT' },
  },
];

export const documents = [...limits, ...bombs];
