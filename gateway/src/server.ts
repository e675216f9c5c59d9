import { ApolloGateway } from '@apollo/gateway';
import type { QueryPlan } from '@apollo/query-planner';
import { ApolloServer, HeaderMap, type HTTPGraphQLRequest } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { SoukError } from '@souk/platform/errors';
import type { Logger } from '@souk/platform/logger';
import { once } from '@souk/platform/once';
import type { RedisConnection } from '@souk/platform/redis';
import { timesSent } from '@souk/platform/strict-http';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify';
import { debugReportFor, reportPlan, withReport } from './accounting/debug.ts';
import { viewerKnown } from './accounting/request-record.ts';
import { offerParts, sendParts, takesParts } from './answer-in-parts.ts';
import type { Authenticate } from './authenticate.ts';
import type { BrowserOrigins } from './browser-origins.ts';
import { clientIpOf } from './client-ip.ts';
import { limitCost } from './cost-limit.ts';
import { createDocumentDoor } from './document-door.ts';
import type { DocumentLimits } from './document-guard.ts';
import { capErrors, MAX_REQUEST_ERRORS } from './error-cap.ts';
import { formatError, refuse, statusOf } from './errors.ts';
import { createCompiledGateway, type Gateway, type SupergraphSource } from './execution/compiled-gateway.ts';
import { declareDefer } from './execution/deferred/declare-defer.ts';
import { executionMetrics } from './execution/metrics.ts';
import { stringifyResult } from './execution/written-data.ts';
import { createExplorer } from './explorer.ts';
import { hangUpOf } from './hang-up.ts';
import { refuseIntrospection } from './introspection.ts';
import { overloaded } from './limits/instance-limit.ts';
import type { RateLimits } from './limits/rate-limits.ts';
import { limitRootFields } from './limits/root-field-limit.ts';
import { refuseUnknownKinds } from './operation-kinds.ts';
import type { PersistedQueries } from './persisted-queries.ts';
import { answerPlainQueries, type PlainQueriesOptions, type WholeAnswer } from './plain-queries.ts';
import { createRefreshCookie } from './refresh-cookie.ts';
import { type RequestScope, requestScope } from './request-scope.ts';
import { withResponseCache } from './response-cache/cached-gateway.ts';
import { allowCaching } from './response-cache/http-caching.ts';
import { createResponseCache, isFromCache } from './response-cache/response-cache.ts';
import { openSafelist, type SafelistMode } from './safelist.ts';
import { withSharedRuns } from './shared-runs.ts';
import { createShortWay, type ShortAnswer } from './short-way.ts';
import type { MutationClock } from './subgraph-client/mutation-clock.ts';
import type { SubgraphClient } from './subgraph-client.ts';
import type { Answer } from './subscriptions/live-results.ts';
import type { Subscriptions } from './subscriptions/open-subscriptions.ts';
import { serveSubscriptions } from './subscriptions/serve-subscriptions.ts';
import type { LiveEndpoint } from './subscriptions/subscribe.ts';
import type { CountUsage } from './usage/usage-counts.ts';
import type { PlainRequests } from './wire/plain-requests.ts';
import { refuseWrongVariables } from './wrong-variables.ts';

export interface Endpoint {
  path: string;
  supergraph: SupergraphSource;
  /** Whether clients may use `@defer`, and have answers in parts. */
  defers: boolean;
  /** What an operation may be estimated to cost, in points. */
  costBudget: number;
  safelistMode: SafelistMode;
  /** The operations that clients of this endpoint have registered. */
  manifestFile: string;
  /** Counts what its clients ask for; undefined where nobody wants to know. */
  countUsage?: CountUsage | undefined;
}

export interface EndpointOptions {
  authenticate: Authenticate;
  subgraphClient: (name: string) => SubgraphClient;
  /** Moves on with each mutation, after which nobody is told what was read before. */
  clock: MutationClock;
  introspection: boolean;
  /** Whether operations run in their compiled form. */
  compiledExecution: boolean;
  /** Whether known queries are answered past the pipeline of Apollo Server. */
  shortWay: boolean;
  documentLimits: DocumentLimits;
  persistedQueries: PersistedQueries;
  rateLimits: RateLimits;
  /** Where answers to everybody are kept; undefined for not at all. */
  responseCacheIn: RedisConnection | undefined;
  subscriptions: Subscriptions;
  origins: BrowserOrigins;
  /** The requests that known queries are answered from at once; undefined where Node reads all of them. */
  plainRequests: PlainRequests | undefined;
  /** How many proxies in front may name the client's address. */
  trustedProxyHops: number;
  isProduction: boolean;
  logger: Logger;
}

/**
 * Adds one GraphQL endpoint: Apollo Gateway plans, plans run in their compiled form, Apollo Server owns the protocol.
 *
 * @returns a function that lets operations under way finish and stops the endpoint
 */
export async function addEndpoint(
  app: FastifyInstance,
  endpoint: Endpoint,
  options: EndpointOptions,
): Promise<() => Promise<void>> {
  const { path, supergraph, defers, costBudget, safelistMode: mode, manifestFile, countUsage } = endpoint;
  const {
    authenticate,
    subgraphClient,
    clock,
    introspection,
    compiledExecution,
    shortWay: isShort,
    documentLimits: limits,
    persistedQueries,
    rateLimits,
    responseCacheIn,
    subscriptions,
    origins,
    plainRequests,
    trustedProxyHops,
    isProduction,
    logger,
  } = options;
  const safelist = await openSafelist({ endpoint: path, mode, manifestFile, persistedQueries, logger });
  const door = createDocumentDoor({ endpoint: path, safelist, limits, countUsage });
  const refreshCookie = createRefreshCookie({ path, origins, isProduction });

  const onPlan = (plan: QueryPlan) => reportPlan(requestScope.getStore()?.debug, plan);
  const sources = {
    supergraphSdl: supergraph,
    buildService: ({ name }: { name: string }) => subgraphClient(name),
  };
  const gateway = compiledExecution
    ? createCompiledGateway({
        ...sources,
        ...executionMetrics(path),
        onPlan,
        registered: safelist.registered,
        givesText: true,
        // By `refuseWrongVariables`.
        areVariablesChecked: true,
        ...(defers ? { takesParts } : {}),
      })
    : stockGateway();
  function stockGateway(): Gateway {
    const experimental_didResolveQueryPlan = ({ queryPlan }: { queryPlan: QueryPlan }) => onPlan(queryPlan);
    const stock = new ApolloGateway({ ...sources, logger, experimental_didResolveQueryPlan });
    return defers ? declareDefer(stock) : stock;
  }
  const responseCache = responseCacheIn && createResponseCache({ endpoint: path, redis: responseCacheIn });

  const sharedGateway = compiledExecution ? withSharedRuns(gateway, { endpoint: path, clock }) : gateway;
  const cachedGateway = responseCache ? withResponseCache(sharedGateway, responseCache) : sharedGateway;
  const shortWay =
    isShort && compiledExecution
      ? createShortWay(cachedGateway, { endpoint: path, costBudget, limit: rateLimits.rootField, logger })
      : undefined;

  const server = new ApolloServer<RequestScope>({
    gateway: shortWay?.gateway ?? cachedGateway,
    // Who may is decided for each request.
    introspection: true,
    formatError,
    includeStacktraceInErrorResponses: false,
    hideSchemaDetailsFromClientErrors: !introspection,
    csrfPrevention: true,
    stringifyResult,
    validationOptions: { maxErrors: MAX_REQUEST_ERRORS },
    ...door.serverOptions,
    stopOnTerminationSignals: false,
    logger,
    plugins: [
      door.plugin,
      ...(shortWay ? [shortWay.plugin] : []),
      refuseUnknownKinds,
      refuseWrongVariables,
      limitCost({ endpoint: path, budget: costBudget }),
      limitRootFields({ limit: rateLimits.rootField, costBudget }),
      capErrors,
      ApolloServerPluginLandingPageDisabled(),
      // Caching answers and reporting to a service are not Apollo Server's part here.
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
    ],
  });
  await server.start();
  const explorer = createExplorer(path);
  const subscriptionDoor = serveSubscriptions({
    endpoint: { path, door, enter: rateLimits.instance.enter, run },
    subscriptions,
    identify: async (request, authorization) => authenticate({ authorization, clientIp: clientIpOf(request) }),
    rateLimits,
    origins,
    introspection,
  });

  const limited: RouteShorthandOptions = {
    async onRequest(request, reply) {
      request.record.endpoint = path;
      if (rateLimits.instance.refusesAll()) return refuse(reply, 503, overloaded);
      try {
        rateLimits.address.refuseBlocked(clientIpOf(request));
        if (request.ws) await rateLimits.address.count(clientIpOf(request));
      } catch (error) {
        return refuse(reply, 429, error as SoukError);
      }
      if (subscriptionDoor.refusesUpgrade(request, reply)) return reply;
    },
    // What cannot be read comes from somebody, too.
    async onError(request) {
      try {
        await rateLimits.address.count(clientIpOf(request));
      } catch {
        // It is refused already.
      }
    },
  };
  app.route({ method: 'GET', url: path, ...limited, handler: answerGet, wsHandler: subscriptionDoor.socket });
  app.post(path, limited, answer);
  if (shortWay && plainRequests) {
    const how: PlainQueriesOptions = {
      ...{ path, door, shortWay, rateLimits, authenticate, origins, trustedProxyHops, logger },
      execute: executeWhole,
    };
    answerPlainQueries(plainRequests, how);
  }

  async function answerGet(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    if (wantsPage(request)) {
      const { headers, body } = await explorer();
      return reply.headers(headers).send(body);
    }
    if (isPersistedQuery(request)) return answer(request, reply);
    const error = new SoukError(
      'BAD_USER_INPUT',
      'Expected a POST request: GET is for the explorer in a browser and for persisted queries.',
    );
    return refuse(reply.header('allow', 'POST'), 405, error);
  }

  const offer = defers ? offerParts : (admitted: HTTPGraphQLRequest) => admitted;

  async function answer(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    try {
      const found = once(() => door.find(graphQLRequest(request)));
      const leave = await rateLimits.instance.enter(async () => door.isReserved(await found()));
      // Not this client asks too much, all of them together do, and another instance may have room.
      if (!leave) return refuse(reply, 503, overloaded);
      let answered: object | undefined;
      try {
        await rateLimits.address.count(clientIpOf(request));
        const scope: RequestScope = { ...(await identify(request, reply)), lendPlace: leave.lend };
        const admitted = door.admit(await found(), scope);
        if (!introspection) refuseIntrospection(scope);
        const short = await goShort(admitted, request, scope);
        if (short) reply.header('content-type', short.contentType).send(short.body);
        else if (await requestScope.run(scope, () => subscriptionDoor.answer(request, reply, scope, admitted)))
          return reply;
        const isWhole = short !== undefined || (await execute(offer(admitted, scope), reply, scope));
        // An answer that was there already says nothing about how much can be done.
        if (isWhole && !isFromCache(scope)) answered = scope.document;
        return reply;
      } finally {
        leave(answered);
      }
    } catch (error) {
      if (error instanceof SoukError) return refuse(reply, statusOf(error, request.headers.accept), error);
      throw error;
    }
  }

  function goShort(
    { method, body }: HTTPGraphQLRequest,
    { headers }: FastifyRequest,
    scope: RequestScope,
  ): Promise<ShortAnswer | undefined> | undefined {
    const { document } = scope;
    if (!shortWay || !document || method !== 'POST') return undefined;
    const question = shortWay.recognise(document, body as Record<string, unknown>, headers);
    return question && shortWay.answer(question, scope);
  }

  async function identify(request: FastifyRequest, reply: FastifyReply): Promise<RequestScope> {
    const { 'user-agent': agent = '' } = request.headers;
    const clientIp = clientIpOf(request);
    const custody = refreshCookie.take(request);
    const viewer = await authenticate({ authorization: soleAuthorization(request), clientIp });
    viewerKnown(request.record, viewer);
    return {
      requestId: request.id,
      viewer,
      clientIp,
      clientAgent: agent.slice(0, 256),
      custody,
      log: () => request.log as Logger,
      record: request.record,
      debug: debugReportFor(request.headers, viewer),
      hungUp: hangUpOf(reply),
      caching: {},
    };
  }

  /** @returns whether the answer was all there at once, without errors */
  async function execute(
    httpGraphQLRequest: HTTPGraphQLRequest,
    reply: FastifyReply,
    scope: RequestScope,
  ): Promise<boolean> {
    const { headers, text, status } = await executeWhole(httpGraphQLRequest, scope);
    for (const [name, value] of headers) reply.header(name, value);
    if (scope.custody) refreshCookie.give(reply, scope.custody);
    if (scope.parts?.rest) {
      const { rest } = scope.parts;
      await requestScope.run(scope, () => sendParts(reply, text, rest, scope));
      return false;
    }
    const { freshForSeconds } = scope.caching;
    const isKnown =
      httpGraphQLRequest.method === 'GET' &&
      status === 200 &&
      freshForSeconds !== undefined &&
      allowCaching(reply, text, freshForSeconds);
    if (isKnown) reply.code(304).send();
    else reply.code(status).send(scope.debug ? withReport(text, scope.debug) : text);
    // Apollo Server writes errors first.
    const isWhole = status === 200 && !text.startsWith('{"errors"');
    if (isWhole) shortWay?.learn(httpGraphQLRequest, headers.get('content-type'));
    return isWhole;
  }

  async function executeWhole(httpGraphQLRequest: HTTPGraphQLRequest, scope: RequestScope): Promise<WholeAnswer> {
    const answered = await requestScope.run(scope, () =>
      server.executeHTTPGraphQLRequest({ context: async () => scope, httpGraphQLRequest }),
    );
    const { headers, body, status = 200 } = answered;
    // What comes in parts is put together from `scope.parts`.
    if (body.kind !== 'complete') throw new Error('Expected a whole answer of Apollo Server.');
    return { status, headers, text: body.string };
  }

  /** Runs the query of a subscription. */
  async function run(...[scope, { operationName, variables }]: Parameters<LiveEndpoint['run']>): Promise<Answer> {
    const headers = new HeaderMap([['content-type', 'application/json']]);
    const query = scope.document?.text;
    const body = operationName === undefined ? { query, variables } : { query, operationName, variables };
    const httpGraphQLRequest = { method: 'POST', headers, search: '', body };
    const { text } = await executeWhole(httpGraphQLRequest, scope);
    return JSON.parse(text) as Answer;
  }

  return () => {
    safelist.stop();
    return server.stop();
  };
}

/** Node drops all but the first of several, and a proxy in front may have looked at another one. */
function soleAuthorization({ headers, raw }: FastifyRequest): string | undefined {
  if (timesSent(raw, 'authorization') > 1)
    throw new SoukError('UNAUTHENTICATED', 'Expected one Authorization header, got several.');
  return headers.authorization;
}

function wantsPage(request: FastifyRequest): boolean {
  return request.headers.accept?.includes('text/html') === true && searchOf(request) === '';
}

/** A GET request may name an operation by its id, which a cache can keep; it may not carry one. */
function isPersistedQuery(request: FastifyRequest): boolean {
  const parameters = new URLSearchParams(searchOf(request));
  return (parameters.has('extensions') || parameters.has('documentId')) && !parameters.has('query');
}

function searchOf({ url }: FastifyRequest): string {
  const start = url.indexOf('?');
  return start === -1 ? '' : url.slice(start);
}

function graphQLRequest(request: FastifyRequest): HTTPGraphQLRequest {
  let headers: HeaderMap | undefined;
  return {
    method: request.method,
    search: searchOf(request),
    body: request.body,
    // To find its document, and so to refuse it, nobody needs these.
    get headers() {
      headers ??= headerMap(request);
      return headers;
    },
  };
}

function headerMap({ headers }: FastifyRequest): HeaderMap {
  const map = new HeaderMap();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) map.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return map;
}
