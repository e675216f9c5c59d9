import { documentHash } from '@souk/platform/document-hash';
import { type GraphQLSchema, parse } from 'graphql';
import { afterEach, describe, expect, it } from 'vitest';
import { compose } from '../../test/tiny-graph.ts';
import { createCompiledGateway, type Gateway, type SupergraphSource } from './compiled-gateway.ts';
import type { Executor } from './engine.ts';

const before = { shop: { sdl: 'type Query { tea: String! }' } };
const after = { shop: { sdl: 'type Query { tea: String! coffee: String! }' } };
const MAX_OPERATIONS = 20;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const gateways: Gateway[] = [];

afterEach(async () => {
  await Promise.all(gateways.splice(0).map((gateway) => gateway.stop()));
});

/** A gateway over the first supergraph, which can be given another one. */
async function open(registered: string[] = [], isAsked: () => void | Promise<void> = () => {}) {
  let update: Parameters<SupergraphSource['initialize']>[0]['update'] | undefined;
  const supergraph: SupergraphSource = {
    async initialize(options) {
      update = options.update;
      return { supergraphSdl: compose(before) };
    },
  };
  const lookups: { isKnown: boolean; count: number }[] = [];
  const answers = { tea: 'green', coffee: 'black' };
  const gateway = createCompiledGateway({
    supergraphSdl: supergraph,
    maxOperations: MAX_OPERATIONS,
    registered: () => new Set(registered),
    onLookup: (isKnown, count) => lookups.push({ isKnown, count }),
    buildService({ name }) {
      if (name !== 'shop') throw new Error(`nobody knows where ${name} is`);
      return {
        process: async () => {
          await isAsked();
          return { data: answers };
        },
      };
    },
  });
  gateways.push(gateway);
  let schema: GraphQLSchema | undefined;
  gateway.onSchemaLoadOrUpdate(({ apiSchema }) => {
    schema = apiSchema;
  });
  const { executor } = await gateway.load({ apollo: {} } as Parameters<Gateway['load']>[0]);
  const current = () => schema;
  const ask = async (source: string, validatedFor = current()) => {
    const document = parse(source);
    const context = {
      request: { query: source },
      source,
      document,
      schema: validatedFor,
      queryHash: documentHash(source),
      operationName: null,
      context: {},
      metrics: {},
      logger: quiet,
    };
    return executor(context as unknown as Parameters<Executor>[0]);
  };
  return { ask, lookups, current, swap: async (sdl: string) => update?.(sdl) };
}

describe('a planned operation', () => {
  it('is known when it comes again', async () => {
    const { ask, lookups } = await open();
    await ask('{ tea }');
    await ask('{ tea }');
    expect(lookups).toEqual([
      { isKnown: false, count: 1 },
      { isKnown: true, count: 1 },
    ]);
  });

  it('is known the first time it comes when it is registered', async () => {
    const { ask, lookups } = await open(['{ tea }', 'not GraphQL', '{ gone }']);
    await ask('{ tea }');
    expect(lookups).toEqual([{ isKnown: true, count: 1 }]);
  });

  it('that is registered keeps its place when many others come', async () => {
    const { ask, lookups } = await open(['{ tea }']);
    for (let number = 0; number < 30; number++) await ask(`{ tea a${number}: tea }`);
    await ask('{ tea }');
    expect(lookups.at(-1)).toEqual({ isKnown: true, count: MAX_OPERATIONS + 1 });
    await ask('{ tea a0: tea }');
    expect(lookups.at(-1)).toMatchObject({ isKnown: false });
  });
});

describe('another supergraph', () => {
  it('is served with nothing known but what is registered', async () => {
    const { ask, lookups, swap } = await open(['{ coffee }']);
    await ask('{ tea }');
    await swap(compose(after));
    expect(await ask('{ coffee }')).toEqual({ data: { coffee: 'black' } });
    await ask('{ tea }');
    expect(lookups.map(({ isKnown }) => isKnown)).toEqual([false, true, false]);
  });

  it('does not disturb what is under way', async () => {
    const asked = Promise.withResolvers<void>();
    const { ask, swap } = await open([], () => asked.promise);
    const answer = ask('{ tea }');
    await swap(compose(after));
    asked.resolve();
    expect(await answer).toEqual({ data: { tea: 'green' } });
  });

  it('is not asked for what was validated for the one before', async () => {
    const { ask, swap, current } = await open();
    const validatedBefore = current();
    await swap(compose({ shop: { sdl: 'type Query { coffee: String! }' } }));
    expect(await ask('{ tea }', validatedBefore)).toEqual({ data: { tea: 'green' } });
    expect(await ask('{ coffee }')).toEqual({ data: { coffee: 'black' } });
  });

  it('is refused when nobody knows where a subgraph of it is, and the one before goes on', async () => {
    const { ask, swap } = await open();
    await expect(swap(compose({ ...after, bakery: { sdl: 'type Query { cake: String }' } }))).rejects.toThrow('bakery');
    expect(await ask('{ tea }')).toEqual({ data: { tea: 'green' } });
  });

  it('that is none is refused with its reason, and the one before goes on', async () => {
    const { ask, swap } = await open();
    await expect(swap('type Query { tea: String }')).rejects.toThrow();
    expect(await ask('{ tea }')).toEqual({ data: { tea: 'green' } });
  });
});
