import { ApolloGateway, type GatewayConfig, type GraphQLDataSource } from '@apollo/gateway';
import { ApolloServer, type ApolloServerOptionsWithGateway, HeaderMap } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { createCompiledGateway } from '../../gateway/src/execution/compiled-gateway.ts';
import type { ExecutionPath } from '../../gateway/src/execution/engine.ts';
import { stringifyResult, WrittenData } from '../../gateway/src/execution/written-data.ts';
import type { Graph } from './graphs.ts';
import type { Operation } from './operation.ts';
import { type Circumstances, openDataSource, type RunContext } from './wire.ts';

/** A gateway that operations can be run through. */
export interface TestedGateway {
  /** @param circumstances those of subgraphs without a network; others have none */
  run(operation: Operation, circumstances?: Circumstances): Promise<GatewayAnswer>;
  close(): Promise<void>;
}

export interface GatewayAnswer {
  status: number;
  body: string;
  /** How it was executed; undefined for a gateway that has one way only. */
  path?: ExecutionPath | undefined;
  /** Why it was not compiled, or left its compiled form. */
  reason?: string | undefined;
}

export type OpenGateway = (graph: Pick<Graph, 'supergraphSdl'>, reach?: ReachSubgraph) => Promise<TestedGateway>;
export type ReachSubgraph = (subgraph: { name: string; url?: string }) => GraphQLDataSource;
export type GatewayImplementation = ApolloServerOptionsWithGateway<RunContext>['gateway'];

/** Apollo Gateway as it is: it is right by definition. */
export const openStockGateway: OpenGateway = ({ supergraphSdl }, reach = withoutNetwork) =>
  serve(new ApolloGateway({ supergraphSdl, buildService: reach as BuildService, logger: silent }));

export const openCompiledGateway: OpenGateway = async ({ supergraphSdl }, reach = withoutNetwork) => {
  let ways: Pick<GatewayAnswer, 'path' | 'reason'>[] = [];
  const gateway = createCompiledGateway({
    supergraphSdl,
    buildService: reach,
    givesText: true,
    onExecution(path, reason) {
      ways.push({ path, reason });
    },
  });
  const { run, close } = await serve(gateway, { stringifyResult: asSent });
  return {
    async run(operation, circumstances) {
      ways = [];
      const answer = await run(operation, circumstances);
      return { ...answer, ...ways.at(-1) };
    },
    close,
  };
};

/** Puts Apollo Server before a gateway, which so answers in the bytes that clients get. */
export async function serve(
  gateway: GatewayImplementation,
  written: Pick<ApolloServerOptionsWithGateway<RunContext>, 'stringifyResult'> = {},
): Promise<TestedGateway> {
  const server = new ApolloServer<RunContext>({
    gateway,
    introspection: true,
    csrfPrevention: false,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    ...written,
    logger: silent,
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
    ],
  });
  await server.start();
  const headers = new HeaderMap([['content-type', 'application/json']]);
  return {
    async run(operation, circumstances) {
      const { status, body } = await server.executeHTTPGraphQLRequest({
        httpGraphQLRequest: { method: 'POST', headers, search: '', body: operation },
        context: async () => (circumstances ? { circumstances } : {}),
      });
      if (body.kind !== 'complete') throw new Error('Expected a complete answer.');
      return { status: status ?? 200, body: body.string };
    },
    close: () => server.stop(),
  };
}

/** What a client reads of the bytes that are sent, with the shortest way for what is all well. */
const asSent: typeof stringifyResult = (result) => {
  const { data, ...beside } = result as { data?: unknown };
  if (!(data instanceof WrittenData) || Object.values(beside).some(Boolean)) return stringifyResult(result);
  return (typeof data.answer === 'string' ? Buffer.from(data.answer, 'latin1') : data.answer).toString();
};

const withoutNetwork: ReachSubgraph = ({ name }) => openDataSource(name);
type BuildService = NonNullable<GatewayConfig['buildService']>;

const ignore = () => {};
const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore };
