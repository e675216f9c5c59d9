import { together } from '@souk/dev/answer-parts';
import { documentHash } from '@souk/platform/document-hash';
import { parse } from 'graphql';
import { beforeAll, describe, expect, it } from 'vitest';
import { answering, compose, type TinySubgraph } from '../../../test/tiny-graph.ts';
import { library } from '../../../test/tiny-library.ts';
import { createCompiledGateway } from '../compiled-gateway.ts';
import type { ExecutionPath } from '../engine.ts';
import type { DeliverRest, FirstPart, LaterPart } from './run-deferred.ts';

type Ask = (query: string) => Promise<{ data: unknown; path: ExecutionPath | undefined }>;

let ask: Ask;

beforeAll(async () => {
  ask = await open(library);
});

/** A gateway whose answers in parts are put together. */
async function open(subgraphs: Record<string, TinySubgraph>): Promise<Ask> {
  const answerOf = answering(subgraphs);
  let rest: DeliverRest | undefined;
  let path: ExecutionPath | undefined;
  const gateway = createCompiledGateway({
    supergraphSdl: compose(subgraphs),
    buildService: ({ name }) => ({
      process: async ({ request: { query = '', variables = {} } }) =>
        (await answerOf(name, { query, variables })) as never,
    }),
    takesParts: () => (given) => {
      rest = given;
    },
    onExecution: (taken) => {
      path = taken;
    },
  });
  const { schema, executor } = await gateway.load({} as never);
  return async (query) => {
    rest = undefined;
    const first = await executor({
      schema,
      document: parse(query),
      source: query,
      queryHash: documentHash(query),
      operationName: null,
      request: { query },
      context: {},
    } as never);
    const later: LaterPart[] = [];
    await (rest as DeliverRest | undefined)?.((part) => later.push(part));
    const parts = [{ ...(first as FirstPart), hasNext: later.length > 0 }, ...later];
    return { data: together(JSON.parse(JSON.stringify(parts))), path };
  };
}

describe('what is known of an object in a part', () => {
  it('is its type, whatever a subgraph calls it that has an interface as an object', async () => {
    const query = '{ best { __typename ... on Song { stars ... @defer { length ... @defer { raters { name } } } } } }';
    expect(await ask(query)).toEqual({
      data: { best: { __typename: 'Song', stars: 1e-7, length: 'three minutes', raters: [{ name: '"w2"\n\u2028' }] } },
      path: 'deferred',
    });
  });

  it('is its type where the schema tells it, within fragments of interfaces', async () => {
    const query = '{ shelves { row ... @defer { room { ... on Thing { ... on Room { floor } } } } } }';
    const { data, path } = await ask(query);
    expect(data).toMatchObject({ shelves: [{ row: 'a', room: { floor: 1 } }, { room: { floor: 2 } }, {}] });
    expect(path).toBe('deferred');
  });
});
