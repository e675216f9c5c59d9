import { composeServices } from '@apollo/composition';
import { ApolloGateway, type GraphQLDataSource } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { createLogger } from '@souk/platform/logger';
import { graphql, parse } from 'graphql';
import { createCompiledGateway } from '../src/execution/compiled-gateway.ts';
import type { ExecutionPath } from '../src/execution/engine.ts';
import type { WritingDataSource } from '../src/execution/send.ts';
import { bodyOf } from '../src/execution/subgraph-request.ts';

export interface TinySubgraph {
  sdl: string;
  resolvers?: object;
}

export interface SubgraphCall {
  query: string;
  variables: Record<string, unknown>;
}

/** What a subgraph says instead of its true answer. */
export type Lie = (answer: TinyAnswer, call: SubgraphCall) => unknown;

export interface TinyAnswer {
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it as they like.
  data?: any;
  errors?: unknown[];
}

export interface TinyGraph {
  supergraphSdl: string;
  /** Runs an operation on Apollo Gateway as it is, and on ours. */
  ask(query: string, variables?: Record<string, unknown>, operationName?: string): Promise<Comparison>;
  /** What subgraphs were asked by ours since the last look, by name. */
  asked(): Record<string, SubgraphCall[]>;
  /** Lets a subgraph lie to both. */
  lie(subgraph: string, lie: Lie): void;
  stop(): Promise<void>;
}

export interface Comparison {
  stock: string;
  ours: string;
  path: ExecutionPath | undefined;
  reason: string | undefined;
}

const logger = createLogger('test', { level: 'silent' });
const header = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", "@requires", "@provides", "@external", "@shareable", "@interfaceObject", "@inaccessible", "@override"])\n`;

/** A graph of subgraphs in this process, each a few lines of SDL with its data. */
export async function openTinyGraph(subgraphs: Record<string, TinySubgraph>): Promise<TinyGraph> {
  const supergraphSdl = compose(subgraphs);
  const lies = new Map<string, Lie>();
  let calls: Record<string, SubgraphCall[]> = {};
  const answerOf = answering(subgraphs);

  /** The text a subgraph sends. */
  async function answer(name: string, call: SubgraphCall): Promise<string> {
    const said = await answerOf(name, call);
    const lie = lies.get(name);
    return JSON.stringify(lie ? lie(said, call) : said);
  }

  const plainSource = (name: string): GraphQLDataSource => ({
    process: async ({ request: { query = '', variables = {} } }) =>
      JSON.parse(await answer(name, { query, variables })),
  });
  const writingSource = (name: string): WritingDataSource => ({
    async process({ request: { query = '', variables = {} } }) {
      note(name, { query, variables });
      return plainSource(name).process({ request: { query, variables } } as never);
    },
    async send(request) {
      const call = JSON.parse(bodyOf(request)) as SubgraphCall;
      note(name, call);
      const text = await answer(name, call);
      return { ...(JSON.parse(text) as object), mustEscape: text.includes('\\') };
    },
  });
  function note(name: string, call: SubgraphCall): void {
    calls = { ...calls, [name]: [...(calls[name] ?? []), call] };
  }

  let last: { path?: ExecutionPath; reason?: string | undefined } = {};
  const options = { includeStacktraceInErrorResponses: false, stopOnTerminationSignals: false, logger };
  const stock = new ApolloServer({
    gateway: new ApolloGateway({ supergraphSdl, buildService: ({ name }) => plainSource(name), logger }),
    ...options,
  });
  const ours = new ApolloServer({
    gateway: createCompiledGateway({
      supergraphSdl,
      buildService: ({ name }) => writingSource(name),
      onExecution: (path, reason) => {
        last = { path, reason };
      },
    }),
    ...options,
  });
  await Promise.all([stock.start(), ours.start()]);

  return {
    supergraphSdl,
    async ask(query, variables = {}, operationName) {
      last = {};
      const request = { query, variables, ...(operationName ? { operationName } : {}) };
      const [one, other] = [await textOf(stock, request), await textOf(ours, request)];
      return { stock: one, ours: other, path: last.path, reason: last.reason };
    },
    asked() {
      const asked = calls;
      calls = {};
      return asked;
    },
    lie: (subgraph, lie) => lies.set(subgraph, lie),
    stop: async () => {
      await Promise.all([stock.stop(), ours.stop()]);
    },
  };
}

/** What subgraphs answer, by their names. */
export function answering(
  subgraphs: Record<string, TinySubgraph>,
): (name: string, call: SubgraphCall) => Promise<TinyAnswer> {
  const schemas = new Map(
    Object.entries(subgraphs).map(([name, { sdl, resolvers = {} }]) => [
      name,
      buildSubgraphSchema([{ typeDefs: parse(header + sdl), resolvers: resolvers as never }]),
    ]),
  );
  return async (name, { query, variables }) => {
    const schema = schemas.get(name);
    if (!schema) throw new Error(`no subgraph ${name}`);
    const given = await graphql({ schema, source: query, variableValues: variables });
    return JSON.parse(JSON.stringify(given)) as TinyAnswer;
  };
}

/** A supergraph of subgraphs. */
export function compose(subgraphs: Record<string, TinySubgraph>): string {
  const services = Object.entries(subgraphs).map(([name, { sdl }]) => ({
    name,
    url: `http://${name}`,
    typeDefs: parse(header + sdl),
  }));
  const { supergraphSdl, errors } = composeServices(services);
  if (!supergraphSdl) throw new AggregateError(errors ?? [], (errors ?? []).map(({ message }) => message).join('\n'));
  return supergraphSdl;
}

async function textOf(
  server: ApolloServer,
  request: { query: string; variables: Record<string, unknown> },
): Promise<string> {
  const { body } = await server.executeOperation(request);
  return JSON.stringify(body.kind === 'single' ? body.singleResult : body);
}
