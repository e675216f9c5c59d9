import { ApolloGateway } from '@apollo/gateway';
import { expect, describe as group, it } from 'vitest';
import { differenceOf } from './comparison.ts';
import { type OpenGateway, serve } from './gateways.ts';
import { differentRequests } from './requests.ts';
import { runSeries } from './series.ts';
import { openDataSource } from './wire.ts';

/** What is not noticed here would not be noticed of a compiled gateway either. */

interface Result {
  data?: unknown;
  errors?: readonly {
    message: string;
    path?: readonly (string | number)[] | undefined;
    extensions: Record<string, unknown>;
  }[];
  extensions?: Record<string, unknown>;
}

/** The stock gateway with a fault in it. */
const faulty =
  (spoil: (result: Result) => Result): OpenGateway =>
  async ({ supergraphSdl }) => {
    const stock = new ApolloGateway({ supergraphSdl, buildService: ({ name }) => openDataSource(name) });
    return serve({
      onSchemaLoadOrUpdate: (listener) => stock.onSchemaLoadOrUpdate(listener),
      stop: () => stock.stop(),
      async load(config) {
        const { schema, executor } = await stock.load(config);
        return { schema, executor: async (request) => spoil((await executor(request)) as Result) as never };
      },
    });
  };

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Changes every value of an answer that it fits, from the inside to the outside. */
function everywhere(value: unknown, change: (value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return change(value.map((item) => everywhere(item, change)));
  if (!isObject(value)) return change(value);
  return change(Object.fromEntries(Object.entries(value).map(([name, member]) => [name, everywhere(member, change)])));
}

const inData =
  (change: (value: unknown) => unknown) =>
  (result: Result): Result => ({ ...result, data: everywhere(result.data, change) });

const inErrors =
  (change: (error: NonNullable<Result['errors']>[number]) => object) =>
  (result: Result): Result =>
    result.errors ? ({ ...result, errors: result.errors.map(change) } as Result) : result;

const reversed = (value: Record<string, unknown>) => Object.fromEntries(Object.entries(value).reverse());

it.each<[string, (result: Result) => Result]>([
  ['members of objects in another order', inData((value) => (isObject(value) ? reversed(value) : value))],
  ['a list without its last item', inData((value) => (Array.isArray(value) ? value.slice(0, -1) : value))],
  ['a list in another order', inData((value) => (Array.isArray(value) ? value.toReversed() : value))],
  ['numbers as texts', inData((value) => (typeof value === 'number' ? String(value) : value))],
  ['an empty text for null', inData((value) => value ?? '')],
  [
    'members that are null left out',
    inData((value) =>
      isObject(value) ? Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null)) : value,
    ),
  ],
  ['no errors', ({ errors: _, ...result }) => result],
  ['errors without paths', inErrors(({ message, extensions }) => ({ message, extensions }))],
  [
    'errors with another path',
    inErrors((error) => ({ ...error, path: error.path?.map((part) => (part === 1 ? 0 : part)) })),
  ],
  ['errors with another code', inErrors(({ message, path }) => ({ message, path, extensions: { code: 'OTHER' } }))],
  ['errors with another message', inErrors(({ path, extensions }) => ({ message: 'Other.', path, extensions }))],
  ['one of several errors', (result) => (result.errors ? { ...result, errors: result.errors.slice(0, 1) } : result)],
  ['no word of values that were corrected', ({ extensions: _, ...result }) => result],
  ['no data beside errors', (result) => (result.errors ? { ...result, data: null } : result)],
])('notices %s', { timeout: 60_000 }, async (_fault, spoil) => {
  const found = await runSeries({
    graph: 'library',
    seed: 'faulty',
    operations: 150,
    open: faulty(spoil),
    maxDifferences: 1,
    shrinkAttempts: 0,
  });
  expect(found.differences).toHaveLength(1);
});

it('finds none between the stock gateway and itself', { timeout: 60_000 }, async () => {
  const found = await runSeries({ graph: 'library', seed: 'same', operations: 50, open: faulty((result) => result) });
  expect(found.differences).toEqual([]);
});

it('makes a difference small', { timeout: 60_000 }, async () => {
  const noNumbers = faulty(inData((value) => (typeof value === 'number' ? 1 : value)));
  const found = await runSeries({
    graph: 'library',
    seed: 'small',
    operations: 150,
    open: noNumbers,
    maxDifferences: 1,
  });
  expect(found.differences[0]?.run.operation.query.match(/\w+(?=[ ({\n])/g)?.length).toBeLessThan(20);
});

group('bytes', () => {
  const answer = (body: string) => ({ status: 200, body });

  it.each([
    ['{"data":{"a":"é"}}', '{"data":{"a":"\\u00e9"}}'],
    ['{"data":{"a":1}}', '{"data":{"a":1.0}}'],
    ['{"data":{"a":1}}', '{"data":{"a":1}}\n'],
    ['{"data":{"a":1},"extensions":{}}', '{"data":{"a":1}}'],
    ['{"errors":[{"message":"a"}],"data":{"a":1}}', '{"errors":[{"message":"a"}],"data":{"a":1e0}}'],
  ])('tells %s from %s', (one, other) => {
    expect(differenceOf(answer(one), answer(other))).toMatch('differ');
  });

  it('lets errors come in another order', () => {
    const [one, other] = ['{"message":"a"}', '{"message":"b"}'];
    const bodies = [`{"errors":[${one},${other}],"data":null}`, `{"errors":[${other},${one}],"data":null}`] as const;
    expect(differenceOf(answer(bodies[0]), answer(bodies[1]))).toBeUndefined();
  });
});

group('requests', () => {
  const query = { subgraph: 'works', query: 'query Q__works__0{works{id}}', variables: { first: 1 } };
  const entities = (...representations: object[]) => ({ ...query, variables: { representations } });
  const mutation = { subgraph: 'works', query: 'mutation M__works__0{workAdd{id}}', variables: {} };
  const [one, other] = [
    { __typename: 'Work', id: 1 },
    { id: 2, __typename: 'Work' },
  ];

  it('may have other names, be shared, and ask for each entity once', () => {
    const renamed = { ...query, query: 'query Other{works{id}}' };
    expect(differentRequests([query, query], [renamed])).toBeUndefined();
    expect(differentRequests([entities(one, other, one)], [entities(other, one)])).toBeUndefined();
  });

  it.each([
    ['one more', [query], [query, query]],
    ['one less', [query, mutation], [mutation]],
    ['other variables', [query], [{ ...query, variables: { first: 2 } }]],
    ['another entity', [entities(one)], [entities(other)]],
    ['a mutation twice', [mutation], [mutation, mutation]],
    ['a mutation shared', [mutation, mutation], [mutation]],
  ])('may not be %s', (_what, expected, actual) => {
    expect(differentRequests(expected, actual)).toMatch(/^requests/);
  });
});
