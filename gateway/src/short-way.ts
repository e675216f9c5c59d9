import type { IncomingHttpHeaders } from 'node:http';
import type { ApolloServerPlugin, HTTPGraphQLRequest } from '@apollo/server';
import type { Variables } from '@souk/platform/cost';
import type { Logger } from '@souk/platform/logger';
import { createCounter } from '@souk/platform/metrics';
import { type GraphQLSchema, getOperationAST, getVariableValues, type OperationDefinitionNode } from 'graphql';
import { costEstimated } from './accounting/request-record.ts';
import { COST_HEADER } from './cost-limit.ts';
import { WrittenData } from './execution/written-data.ts';
import type { GatewayExecutor, GatewayInterface, GatewayRequest, GatewayResult } from './gateway-interface.ts';
import type { KnownDocument } from './known-documents.ts';
import type { RootFieldLimit } from './limits/root-field-limit.ts';
import { arePlain } from './plain-variables.ts';
import type { RequestScope } from './request-scope.ts';
import { PLAN_HEADER } from './response-cache/cached-gateway.ts';

/**
 * The way of a known query past Apollo Server, whose pipeline takes longer than all the rest of a small one.
 *
 * It is for queries that Apollo Server has found valid before, sent in the usual form, and it does for them what the pipeline would, with the same functions.
 * When all is well it has the answer. Otherwise the request goes the long way, and goes on from where the short way left it: see `Ahead`.
 */
export interface ShortWay {
  /** Whose executor Apollo Server is to have. */
  gateway: GatewayInterface;
  /** Follows which schema Apollo Server serves. */
  plugin: ApolloServerPlugin<RequestScope>;
  /** What a request asks, if it may go this way; undefined when Apollo Server has to look at it first. Nothing is noted anywhere. */
  recognise(
    document: KnownDocument,
    parameters: Record<string, unknown>,
    headers: IncomingHttpHeaders,
  ): ShortQuestion | undefined;
  /** Answers what was recognised, for a request that the door has let in; undefined when it has to go the long way. */
  answer(question: ShortQuestion, scope: RequestScope): Promise<ShortAnswer | undefined>;
  /** Notes in which media type Apollo Server has answered a request that was well, so that another one that accepts the same is answered so, too. */
  learn(admitted: HTTPGraphQLRequest, contentType: string | undefined): void;
}

/** A query that is ready to be executed. */
export interface ShortQuestion {
  document: KnownDocument;
  operation: OperationDefinitionNode;
  schema: GraphQLSchema;
  operationName: string | undefined;
  variables: Variables | undefined;
  /** Estimated, in points. */
  cost: number;
  /** The media type of its answer. */
  contentType: string;
}

export interface ShortAnswer {
  contentType: string;
  /** As bytes, or as text in ASCII. */
  body: Buffer | string;
}

/** What the short way has done for a request: its variables are right, its cost was noted and is not too high. The long way does none of it again. */
export interface Ahead {
  /** Why the limit on root fields lets it go no further; undefined when it was counted and may be executed. */
  refusal?: unknown;
  /** What came of its execution; undefined when it was not executed. */
  executed?: Promise<GatewayResult>;
}

export interface ShortWayOptions {
  /** Path of the endpoint. */
  endpoint: string;
  costBudget: number;
  limit: RootFieldLimit;
  /** Of the server, as Apollo Server gives it to the executor. */
  logger: Logger;
}

const answers = createCounter({
  name: 'souk_short_way_answers_total',
  help: 'Answers to known queries that were found without the pipeline of Apollo Server.',
  labelNames: ['endpoint'],
});

const JSON_TYPES = new Set<string | undefined>(['application/json', 'application/json; charset=utf-8']);
const MAX_ACCEPTS = 50;
const MAX_ACCEPT_LENGTH = 256;

/** Puts a short way before a gateway. */
export function createShortWay(gateway: GatewayInterface, options: ShortWayOptions): ShortWay {
  const { endpoint, costBudget, limit, logger } = options;
  /** The media types of answers by the Accept header. */
  const contentTypes = new Map<string, string>();
  let executor: GatewayExecutor | null = null;
  let schema: GraphQLSchema | undefined;

  return {
    gateway: {
      onSchemaLoadOrUpdate: (callback) => gateway.onSchemaLoadOrUpdate(callback),
      async load(loading) {
        ({ executor } = await gateway.load(loading));
        return { executor: executor && continued(executor) };
      },
      stop: () => gateway.stop(),
    },

    plugin: {
      async serverWillStart() {
        return {
          schemaDidLoadOrUpdate({ apiSchema }) {
            schema = apiSchema;
          },
        };
      },
    },

    recognise(document, { operationName, variables, extensions }, headers) {
      const contentType = contentTypes.get(headers.accept ?? '');
      // What is delivered in parts is another kind of answer.
      if (!contentType || !schema || !document.validAs || document.defers || document.asksForSchema) return undefined;
      if (!isUsual(headers) || !isName(operationName) || !isObject(variables) || !isObject(extensions))
        return undefined;
      const operation = getOperationAST(document.ast, operationName);
      if (operation?.operation !== 'query') return undefined;
      const { variableDefinitions = [] } = operation;
      const given = variables ?? {};
      if (!arePlain(variableDefinitions, given)) {
        if (getVariableValues(schema, variableDefinitions, given, { maxErrors: 1 }).errors) return undefined;
      }
      const cost = document.cost(operationName ?? undefined, given);
      if (cost === undefined || cost > costBudget) return undefined;
      return {
        ...{ document, operation, schema, cost, contentType },
        operationName: operationName || undefined,
        variables: variables ?? undefined,
      };
    },

    async answer(question, scope) {
      const { document, operationName, variables = {}, cost, contentType } = question;
      // These want to know more than their answer.
      if (!executor || scope.custody !== undefined || scope.debug !== undefined) return undefined;
      costEstimated(scope.record, endpoint, cost);
      const ahead: Ahead = {};
      scope.ahead = ahead;
      try {
        const counted = limit(scope, document.rootFields(operationName, variables) ?? []);
        if (counted) await counted;
      } catch (refusal) {
        ahead.refusal = refusal;
        return undefined;
      }
      try {
        ahead.executed = executor(requestOf(question, scope, logger));
        const { data, errors } = await ahead.executed;
        if (errors?.length || !((data as unknown) instanceof WrittenData)) return undefined;
        answers.labels(endpoint).inc();
        return { contentType, body: (data as unknown as WrittenData).answer };
      } catch {
        // The long way says what is wrong.
        return undefined;
      }
    },

    learn(admitted, contentType) {
      const accept = admitted.headers.get('accept') ?? '';
      if (contentType === undefined || contentTypes.size >= MAX_ACCEPTS || accept.length > MAX_ACCEPT_LENGTH) return;
      if (admitted.method === 'POST') contentTypes.set(accept, contentType);
    },
  };
}

/** Whether nothing about a request asks for more than its answer. */
function isUsual(headers: IncomingHttpHeaders): boolean {
  return (
    JSON_TYPES.has(headers['content-type']) && headers[COST_HEADER] === undefined && headers[PLAN_HEADER] === undefined
  );
}

/** What Apollo Server would give to the executor. */
function requestOf(question: ShortQuestion, scope: RequestScope, logger: Logger): GatewayRequest {
  const { document, operation, schema, operationName, variables } = question;
  return {
    request: {
      query: document.text,
      ...(operationName ? { operationName } : {}),
      ...(variables ? { variables } : {}),
    },
    schema,
    document: document.ast,
    operation,
    operationName: operation.name?.value ?? null,
    source: document.text,
    queryHash: document.hash(),
    context: scope,
    logger,
    metrics: {},
  } as unknown as GatewayRequest;
}

const isName = (value: unknown): value is string | null | undefined =>
  value === undefined || value === null || typeof value === 'string';

const isObject = (value: unknown): value is Record<string, unknown> | null | undefined =>
  value === undefined || (typeof value === 'object' && !Array.isArray(value));

/** Goes on from what the short way has executed. */
function continued(executor: GatewayExecutor): GatewayExecutor {
  return (request) => (request.context as RequestScope).ahead?.executed ?? executor(request);
}
