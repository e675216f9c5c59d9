import { createHash } from 'node:crypto';
import type { SupergraphManager } from '@apollo/gateway';
import { parse } from 'graphql';
import { afterEach, describe, expect, it } from 'vitest';
import { compose } from '../../test/tiny-graph.ts';
import { createCompiledGateway, type Gateway } from './compiled-gateway.ts';
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
  let update: ((sdl: string) => unknown) | undefined;
  const supergraph: SupergraphManager = {
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
    logger: quiet,
    onLookup: (isKnown, count) => lookups.push({ isKnown, count }),
    buildService: () => ({
      process: async () => {
        await isAsked();
        return { data: answers };
      },
    }),
  });
  gateways.push(gateway);
  const { schema, executor } = await gateway.load({ apollo: {} } as Parameters<Gateway['load']>[0]);
  const ask = async (source: string) => {
    const document = parse(source);
    const context = {
      request: { query: source },
      source,
      document,
      schema,
      queryHash: createHash('sha256').update(source).digest('hex'),
      operationName: null,
      context: {},
      metrics: {},
      logger: quiet,
    };
    return executor(context as unknown as Parameters<Executor>[0]);
  };
  return { ask, lookups, swap: async (sdl: string) => update?.(sdl) };
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

  it('that is none is refused with its reason, and the one before goes on', async () => {
    const { ask, swap } = await open();
    await expect(swap('type Query { tea: String }')).rejects.toThrow();
    expect(await ask('{ tea }')).toEqual({ data: { tea: 'green' } });
  });
});
