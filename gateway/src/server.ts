import { ApolloGateway, type SupergraphManager } from '@apollo/gateway';
import { ApolloServer, HeaderMap } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { SoukError } from '@souk/platform/errors';
import { REQUEST_ID_HEADER } from '@souk/platform/identity';
import type { Logger } from '@souk/platform/logger';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Authenticate } from './authenticate.ts';
import { formatError, refuse } from './errors.ts';
import { createExplorer } from './explorer.ts';
import { type RequestScope, requestScope } from './request-scope.ts';
import type { SubgraphClient } from './subgraph-client.ts';

export interface Endpoint {
  path: string;
  supergraph: SupergraphManager;
  introspection: boolean;
}

export interface EndpointOptions {
  authenticate: Authenticate;
  subgraphClient: (name: string) => SubgraphClient;
  logger: Logger;
}

/**
 * Adds one GraphQL endpoint: Apollo Gateway plans and executes, Apollo Server owns the protocol.
 *
 * @returns a function that lets operations under way finish and stops the endpoint
 */
export async function addEndpoint(
  app: FastifyInstance,
  endpoint: Endpoint,
  options: EndpointOptions,
): Promise<() => Promise<void>> {
  const { path, supergraph, introspection } = endpoint;
  const { authenticate, subgraphClient, logger } = options;

  const server = new ApolloServer<RequestScope>({
    gateway: new ApolloGateway({
      supergraphSdl: supergraph,
      buildService: ({ name }) => subgraphClient(name),
      logger,
    }),
    introspection,
    formatError,
    includeStacktraceInErrorResponses: false,
    hideSchemaDetailsFromClientErrors: !introspection,
    csrfPrevention: true,
    stopOnTerminationSignals: false,
    logger,
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      // Response caching and reporting to a service are not Apollo Server's part here.
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
    ],
  });
  await server.start();
  const explorer = createExplorer(path);

  app.get(path, (request, reply) => {
    if (wantsPage(request)) {
      const { headers, body } = explorer();
      return reply.headers(headers).send(body);
    }
    if (isPersistedQuery(request)) return answer(request, reply);
    const error = new SoukError(
      'BAD_USER_INPUT',
      'Expected a POST request: GET is for the explorer in a browser and for persisted queries.',
    );
    return refuse(reply.header('allow', 'POST'), 405, error);
  });
  app.post(path, answer);

  async function answer(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const scope = await identify(request);
    if (scope instanceof SoukError) return refuse(reply, statusOf(scope), scope);
    return requestScope.run(scope, () => execute(request, reply, scope));
  }

  async function identify(request: FastifyRequest): Promise<RequestScope | SoukError> {
    const { authorization, 'user-agent': agent = '' } = request.headers;
    try {
      const viewer = await authenticate({ authorization, clientIp: request.ip });
      return {
        requestId: request.id,
        viewer,
        clientIp: request.ip,
        clientAgent: agent.slice(0, 256),
        log: request.log as Logger,
      };
    } catch (error) {
      if (error instanceof SoukError) return error;
      throw error;
    }
  }

  async function execute(request: FastifyRequest, reply: FastifyReply, scope: RequestScope): Promise<unknown> {
    const {
      headers,
      body,
      status = 200,
    } = await server.executeHTTPGraphQLRequest({
      context: async () => scope,
      httpGraphQLRequest: {
        method: request.method,
        headers: headerMap(request),
        search: searchOf(request),
        body: request.body,
      },
    });
    for (const [name, value] of headers) reply.header(name, value);
    reply.code(status);
    if (body.kind === 'complete') return reply.send(body.string);
    throw new Error('Expected a complete answer: this endpoint does not deliver incrementally.');
  }

  return () => server.stop();
}

function wantsPage(request: FastifyRequest): boolean {
  return request.headers.accept?.includes('text/html') === true && searchOf(request) === '';
}

/** A GET request may name an operation by its hash, which a cache can keep; it may not carry one. */
function isPersistedQuery(request: FastifyRequest): boolean {
  const parameters = new URLSearchParams(searchOf(request));
  return parameters.has('extensions') && !parameters.has('query');
}

function searchOf({ url }: FastifyRequest): string {
  const start = url.indexOf('?');
  return start === -1 ? '' : url.slice(start);
}

function headerMap({ headers }: FastifyRequest): HeaderMap {
  const map = new HeaderMap();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) map.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return map;
}

function statusOf({ code }: SoukError): number {
  return code === 'UNAUTHENTICATED' ? 401 : code === 'FORBIDDEN' ? 403 : 503;
}

/** What holds for every answer of the public port, GraphQL or not. */
export function addCommonAnswers(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    reply
      .header(REQUEST_ID_HEADER, request.id)
      .header('cache-control', 'no-store')
      .header('x-content-type-options', 'nosniff');
  });
  app.setNotFoundHandler((_request, reply) => {
    return refuse(
      reply,
      404,
      new SoukError('BAD_USER_INPUT', 'There is nothing here. The API is at /graphql and /admin/graphql.'),
    );
  });
  app.setErrorHandler((error, request, reply) => {
    const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
    // Below 500 it is Fastify's own word about the request: its size, its media type, its JSON.
    if (status >= 400 && status < 500)
      return refuse(reply, status, new SoukError('BAD_USER_INPUT', (error as Error).message));
    request.log.error({ err: error }, 'unexpected error');
    return refuse(reply, 500, new SoukError('INTERNAL_SERVER_ERROR', 'Something went wrong on our side.'));
  });
}
