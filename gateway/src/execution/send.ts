import type { GraphQLDataSource } from '@apollo/gateway';
import type { RequestContext } from './engine.ts';
import type { SubgraphAnswer } from './run.ts';
import type { SubgraphRequest } from './subgraph-request.ts';

/** A data source that also takes requests as they are written down, and tells what their strings are like. */
export interface WritingDataSource extends GraphQLDataSource {
  send(request: SubgraphRequest, context: RequestContext['context']): Promise<SubgraphAnswer>;
}

/** Sends a request through a data source of either kind. */
export function send(
  source: GraphQLDataSource | WritingDataSource,
  request: SubgraphRequest,
  incomingRequestContext: RequestContext,
): Promise<SubgraphAnswer> {
  const { context } = incomingRequestContext;
  return 'send' in source ? source.send(request, context) : process(source, request, incomingRequestContext);
}

async function process(
  source: GraphQLDataSource,
  request: SubgraphRequest,
  incomingRequestContext: RequestContext,
): Promise<SubgraphAnswer> {
  const { context } = incomingRequestContext;
  const { query, operationName } = request.operation;
  const variables = JSON.parse(request.variables) as Record<string, unknown>;
  const answer = await source.process({
    kind: 'incoming operation' as IncomingOperation['kind'],
    request: { query, variables, ...(operationName === undefined ? {} : { operationName }) },
    incomingRequestContext,
    context,
  });
  return { data: answer.data, errors: answer.errors as SubgraphAnswer['errors'], mustEscape: true };
}

type IncomingOperation = Extract<Parameters<GraphQLDataSource['process']>[0], { incomingRequestContext: unknown }>;
