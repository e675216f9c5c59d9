import {
  type ApolloGateway,
  buildOperationContext,
  executeQueryPlan,
  type GraphQLDataSource,
  type ServiceMap,
} from '@apollo/gateway';
import type { FetchNode, QueryPlan } from '@apollo/query-planner';
import { trace } from '@opentelemetry/api';
import { getVariableValues } from 'graphql';
import { Unexpected } from './code/runtime.ts';
import type { CompiledFetch } from './compile.ts';
import { type DeliverRest, runDeferred } from './deferred/run-deferred.ts';
import { createOperations, type Operations, type OperationsOptions } from './operations.ts';
import type { DeferredRun, PlannedOperation } from './planned-operation.ts';
import { replaying } from './replay.ts';
import { run, type SentRequest, type SubgraphAnswer } from './run.ts';
import { send } from './send.ts';
import type { SubgraphRequest } from './subgraph-request.ts';
import { WrittenData } from './written-data.ts';

/**
 * The way an operation was executed.
 *
 * - `compiled` its compiled form wrote the answer
 * - `slow`     its compiled form met something unusual (an error, a null where none may be), and the stock executor finished with the answers that were there
 * - `stock`    the compiler does not know something in it, so that the stock executor ran it from the start
 * - `deferred` its answer came in parts
 */
export type ExecutionPath = 'compiled' | 'slow' | 'stock' | 'deferred';

/** Told of each operation which way it went, and why it was not compiled or left its compiled form. */
export type OnExecution = (path: ExecutionPath, reason: string | undefined) => void;

/** Where to leave what follows the first part of an answer, by the context of the request; undefined for whoever takes only whole answers. */
export type TakesParts = (context: RequestContext['context']) => ((rest: DeliverRest) => void) | undefined;

/** Told of the plan of each operation before it is executed. */
export type OnPlan = (plan: QueryPlan) => void;

export type Executor = ApolloGateway['executor'];
export type RequestContext = Parameters<Executor>[0];
export type ExecutionResult = Awaited<ReturnType<Executor>>;

/** What executes operations over one supergraph. */
export interface Engine {
  execute: Executor;
  warm: Operations['warm'];
}

export interface EngineOptions extends OperationsOptions {
  /** What sends operations to a subgraph, by its name. */
  services: () => ServiceMap;
  onExecution: OnExecution;
  onPlan: OnPlan;
  takesParts: TakesParts;
  /** Whether `data` is given as its text (`WrittenData`) where that is there. */
  givesText: boolean;
  /** Whether whoever asks has already refused variables that are not of their types. */
  areVariablesChecked: boolean;
}

const tracer = trace.getTracer('souk/gateway');

/** Prepares to execute operations over a supergraph. */
export function createEngine(options: EngineOptions): Engine {
  const { graph, services, onExecution, onPlan, takesParts, givesText, areVariablesChecked } = options;
  const operations = createOperations(options);

  async function executeCompiled(planned: PlannedOperation, context: RequestContext): Promise<ExecutionResult> {
    const variables = context.request.variables ?? {};
    const form = planned.formFor(variables);
    if ('reason' in form) {
      onExecution('stock', form.reason);
      return executeStock(planned, context, services());
    }
    const sent: SentRequest[] = [];
    try {
      const ask = (fetch: CompiledFetch, request: SubgraphRequest) => traced(fetch.node, request, context);
      const written = await run(form, variables, ask, sent, WrittenData.of);
      onExecution('compiled', undefined);
      return { data: (givesText ? written : written.toJSON()) as object as Record<string, unknown> };
    } catch (error) {
      if (error instanceof Unexpected && error.isAstray) planned.giveUp(variables, error.message);
      onExecution('slow', error instanceof Error ? error.message : String(error));
      return executeStock(planned, context, replaying(sent, services()));
    }
  }

  async function executeDeferred(
    { operation, conditions }: DeferredRun,
    context: RequestContext,
    take: (rest: DeliverRest) => void,
  ): Promise<ExecutionResult> {
    onExecution('deferred', undefined);
    const variables = context.request.variables ?? {};
    const { first, rest } = await runDeferred(operation, {
      schema: graph.apiSchema,
      supergraphSchema: graph.supergraphSchema,
      conditions,
      ask: (fetch, representations) => traced(fetch, operation.requestsOf(fetch)(variables, representations), context),
    });
    if (rest) take(rest);
    return first as ExecutionResult;
  }

  function traced(
    { serviceName }: FetchNode,
    request: SubgraphRequest,
    context: RequestContext,
  ): Promise<SubgraphAnswer> {
    // Spans that nobody records would still be made.
    if (!trace.getActiveSpan()) return send(services()[serviceName] as GraphQLDataSource, request, context);
    return tracer.startActiveSpan('gateway.fetch', { attributes: { service: serviceName } }, async (span) => {
      try {
        return await send(services()[serviceName] as GraphQLDataSource, request, context);
      } finally {
        span.end();
      }
    });
  }

  function mistakesIn(context: RequestContext): ReturnType<typeof getVariableValues>['errors'] {
    const { operation, schema } = operationContextOf(context);
    return getVariableValues(schema, operation.variableDefinitions ?? [], context.request.variables ?? {}).errors;
  }

  function executeStock(
    { plan, document }: PlannedOperation,
    context: RequestContext,
    services: ServiceMap,
  ): Promise<ExecutionResult> {
    return executeQueryPlan(
      plan,
      services,
      context,
      operationContextOf({ ...context, document }),
      graph.supergraphSchema,
      graph.apiSchema,
    );
  }

  return {
    warm: operations.warm,
    async execute(context) {
      const errors = areVariablesChecked ? undefined : mistakesIn(context);
      if (errors) return { errors };
      const planned = operations.get(context);
      onPlan(planned.plan);
      const take = takesParts(context.context);
      const deferred = take && planned.deferredFor(context.request.variables ?? {});
      if (deferred) return executeDeferred(deferred, context, take);
      return executeCompiled(planned, context);
    },
  };
}

function operationContextOf({ schema, document, request }: RequestContext): ReturnType<typeof buildOperationContext> {
  const { operationName } = request;
  return buildOperationContext({ schema, operationDocument: document, ...(operationName ? { operationName } : {}) });
}
