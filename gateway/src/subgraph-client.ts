import type { GraphQLDataSource } from '@apollo/gateway';
import type { ErrorCode } from '@souk/platform/errors';
import {
  ASSERTION_HEADER,
  CLIENT_AGENT_HEADER,
  CLIENT_IP_HEADER,
  DEADLINE_HEADER,
  REQUEST_ID_HEADER,
  type ServiceName,
  type Signer,
} from '@souk/platform/identity';
import { type GraphQLFormattedError, Kind, parse, type SelectionSetNode } from 'graphql';
import { Counter } from 'prom-client';
import { Pool } from 'undici';
import type { RequestScope } from './request-scope.ts';

const requests = new Counter({
  name: 'souk_subgraph_requests_total',
  help: 'Requests to subgraphs by outcome.',
  labelNames: ['subgraph', 'outcome'],
});

const CONNECT_TIMEOUT_MS = 250;
const MAX_SOCKETS = 64;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

export interface SubgraphClientOptions {
  name: string;
  /** The subgraph's GraphQL endpoint. */
  url: string;
  queryTimeoutMs: number;
  mutationTimeoutMs: number;
  signer: Signer;
}

export interface SubgraphClient extends GraphQLDataSource<RequestScope> {
  close(): Promise<void>;
}

/**
 * The way from the gateway to one subgraph: keep-alive sockets, an assertion of who asks, a deadline, a cap on the answer.
 * A subgraph that cannot answer is not an exception: the fields it owns become null, each with an error that names the path and nothing else.
 */
export function createSubgraphClient(options: SubgraphClientOptions): SubgraphClient {
  const { name, url, queryTimeoutMs, mutationTimeoutMs, signer } = options;
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, {
    connections: MAX_SOCKETS,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    keepAliveTimeout: 30_000,
    maxResponseSize: MAX_ANSWER_BYTES,
  });

  async function send(scope: RequestScope, request: { query?: string; variables?: unknown; operationName?: string }) {
    // The planner writes the operation's kind first.
    const timeoutMs = request.query?.startsWith('mutation') ? mutationTimeoutMs : queryTimeoutMs;
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json',
      [ASSERTION_HEADER]: await signer.assertion(name as ServiceName, scope.viewer),
      [REQUEST_ID_HEADER]: scope.requestId,
      [CLIENT_IP_HEADER]: scope.clientIp,
      [CLIENT_AGENT_HEADER]: scope.clientAgent,
      [DEADLINE_HEADER]: String(Date.now() + timeoutMs),
    };
    const { statusCode, body } = await pool.request({
      path: pathname,
      method: 'POST',
      headers,
      body: JSON.stringify(request),
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (statusCode >= 500 || statusCode === 401) {
      await body.dump();
      throw new Error(`Expected a GraphQL answer, got status ${statusCode}.`);
    }
    const answer = (await body.json()) as { data?: Record<string, unknown> | null; errors?: GraphQLFormattedError[] };
    if (answer === null || typeof answer !== 'object' || !('data' in answer || 'errors' in answer)) {
      throw new Error('Expected a GraphQL answer, got other JSON.');
    }
    return answer;
  }

  return {
    async process(options) {
      const { query, variables, operationName } = options.request;
      const scope = options.context as RequestScope;
      try {
        const answer = await send(scope, {
          ...(query === undefined ? {} : { query }),
          ...(variables === undefined ? {} : { variables }),
          ...(operationName === undefined ? {} : { operationName }),
        });
        requests.inc({ subgraph: name, outcome: 'answered' });
        return answer as Awaited<ReturnType<GraphQLDataSource['process']>>;
      } catch (error) {
        const code = codeOf(error);
        requests.inc({ subgraph: name, outcome: code === 'SUBGRAPH_TIMEOUT' ? 'timeout' : 'unavailable' });
        scope.log.warn({ err: error, subgraph: name }, 'subgraph did not answer');
        return { data: null, errors: lostFields(query, code) };
      }
    },
    close: () => pool.close(),
  };
}

function codeOf(error: unknown): ErrorCode {
  return error instanceof DOMException && error.name === 'TimeoutError' ? 'SUBGRAPH_TIMEOUT' : 'SUBGRAPH_UNAVAILABLE';
}

const messages: Partial<Record<ErrorCode, string>> = {
  SUBGRAPH_TIMEOUT: 'This part of the shop did not answer in time. Try again.',
  SUBGRAPH_UNAVAILABLE: 'This part of the shop is not available right now. Try again.',
};

/** One error for each field that is lost. Paths are those of the subgraph's own answer; the gateway translates them. */
function lostFields(query: string | undefined, code: ErrorCode): GraphQLFormattedError[] {
  const extensions = { code, retryable: true };
  const message = messages[code] ?? '';
  const { definitions } = parse(query ?? '{ __typename }');
  const operation = definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  const names = operation ? responseNames(operation.selectionSet) : [];
  if (names.length === 0) return [{ message, extensions }];
  if (names[0] !== '_entities') return names.map((name) => ({ message, path: [name], extensions }));
  const fields = operation?.selectionSet.selections.flatMap((entities) =>
    entities.kind === Kind.FIELD && entities.selectionSet ? responseNames(entities.selectionSet) : [],
  );
  return (fields ?? []).map((field) => ({ message, path: ['_entities', 0, field], extensions }));
}

/** The names of a selection set's fields in the answer, through inline fragments, each once. */
function responseNames({ selections }: SelectionSetNode): string[] {
  const names = selections.flatMap((selection) => {
    if (selection.kind === Kind.FIELD) return [selection.alias?.value ?? selection.name.value];
    return selection.kind === Kind.INLINE_FRAGMENT ? responseNames(selection.selectionSet) : [];
  });
  return [...new Set(names)].filter((name) => name !== '__typename');
}
