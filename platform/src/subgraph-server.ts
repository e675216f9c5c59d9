import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { unwrapResolverError } from '@apollo/server/errors';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { buildSubgraphSchema, type GraphQLResolverMap } from '@apollo/subgraph';
import fastifyApollo from '@as-integrations/fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  type FieldNode,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  parse,
} from 'graphql';
import { guardSchema } from './access.ts';
import { type CacheTags, collectCacheTags, tagExtensions } from './cache-tags.ts';
import { errorNumber, isStatementTimeout, isStoreAway } from './database.ts';
import { parseDeadline, withDeadline } from './deadline.ts';
import { debugExtensions } from './debug-report.ts';
import { badUserInput, clipMessage, errorCodes, SoukError } from './errors.ts';
import { parseId } from './id.ts';
import { type IdKind, idPrefixes } from './id-prefixes.ts';
import {
  ASSERTION_HEADER,
  type AssertionVerifier,
  type Caller,
  CLIENT_AGENT_HEADER,
  CLIENT_IP_HEADER,
  DEADLINE_HEADER,
  type Viewer,
} from './identity.ts';
import type { Logger } from './logger.ts';
import { type StatementTally, tallyStatements } from './sql-statements.ts';
import { custodyIn, extensionsFor, type TokenCustody } from './token-custody.ts';
import { type UnknownOutcome, unknownOutcome } from './unknown-outcome.ts';

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller;
    /** Until when the caller waits, milliseconds since 1970; undefined when it did not say. */
    deadlineAt: number | undefined;
    /** What SQL its answer took so far. */
    statements: StatementTally;
  }
}

/** What one request to a subgraph is about, before the subgraph adds its loaders. */
export interface SubgraphRequest {
  caller: Caller;
  /** The signed-in person, or null: nobody, or another service. */
  viewer: Viewer | null;
  requestId: string;
  /** Address and user agent of the client, as the gateway saw them; null for calls between services. */
  clientIp: string | null;
  clientAgent: string | null;
  /** Where the gateway keeps the client's refresh token; undefined when the client does so itself, and for calls between services. */
  custody?: TokenCustody | undefined;
  /** What SQL the answer took so far, where the gateway wants to know. */
  statements?: StatementTally | undefined;
  /** What the answer is made from, for the gateway to keep it by; undefined for the signed-in and for other services, whose answers nobody keeps. */
  cacheTags?: CacheTags | undefined;
  log: Logger;
}

export interface SubgraphServerOptions<Context extends SubgraphRequest> {
  /** The subgraph's SDL: common part and its own. */
  typeDefs: string;
  resolvers: object;
  verify: AssertionVerifier;
  createContext: (request: SubgraphRequest) => Context;
}

/**
 * Serves a subgraph at `POST /graphql`. A request without a valid assertion is answered 401 before its body is read, `_service` included;
 * so is one for a path or a method that does not exist, so that a stranger learns nothing.
 *
 * @returns a function that lets requests under way finish and stops the server
 */
export async function serveSubgraph<Context extends SubgraphRequest>(
  app: FastifyInstance,
  { typeDefs, resolvers, verify, createContext }: SubgraphServerOptions<Context>,
): Promise<() => Promise<void>> {
  const server = new ApolloServer<Context>({
    schema: subgraphSchema(typeDefs, resolvers),
    introspection: true,
    includeStacktraceInErrorResponses: false,
    formatError,
    stopOnTerminationSignals: false,
    plugins: [
      logUnexpectedErrors as ApolloServerPlugin<Context>,
      noteUnknownOutcomes as ApolloServerPlugin<Context>,
      tellGateway as ApolloServerPlugin<Context>,
      ApolloServerPluginLandingPageDisabled(),
      // Each of these does work for every field or request that nobody reads here.
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
    ],
  });
  await server.start();

  const identify = async (request: FastifyRequest, reply: FastifyReply) => {
    const assertion = request.headers[ASSERTION_HEADER];
    try {
      request.caller = await verify(typeof assertion === 'string' ? assertion : undefined);
    } catch (error) {
      const { message, extensions } = error as SoukError;
      return reply.code(401).send({ errors: [{ message, extensions }] });
    }
  };
  app.setNotFoundHandler(async (request, reply) => {
    await identify(request, reply);
    if (reply.sent) return reply;
    const { message, extensions } = badUserInput('There is nothing here. The API is at POST /graphql.');
    return reply.code(404).send({ errors: [{ message, extensions }] });
  });

  await app.register(async (scope) => {
    scope.addHook('onRequest', identify);
    scope.addHook('onRequest', refuseWhenLate);
    scope.addHook('preHandler', (request, _reply, done) => {
      request.statements = { count: 0, durationMs: 0 };
      withDeadline(request.deadlineAt, () => tallyStatements(request.statements, done));
    });
    await scope.register(fastifyApollo(server), {
      path: '/graphql',
      method: 'POST',
      context: async (request: FastifyRequest) => createContext(subgraphRequest(request)),
    });
  });
  return () => server.stop();
}

/** A request that waited too long, in a process that stood still or had too much to do, is for nobody any more: its work would only keep others waiting. */
async function refuseWhenLate(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  request.deadlineAt = parseDeadline(request.headers[DEADLINE_HEADER]);
  const lateMs = Date.now() - (request.deadlineAt ?? Number.POSITIVE_INFINITY);
  if (lateMs <= 0) return undefined;
  request.log.warn(
    { lateMs },
    'request refused, its deadline had passed; if all are, compare the clocks of the machines',
  );
  const message = 'Expected the request before its deadline. Nothing was done.';
  const { extensions } = new SoukError('SUBGRAPH_TIMEOUT', message, { retryable: true });
  return reply.code(503).send({ errors: [{ message, extensions }] });
}

/** Builds the executable schema of a subgraph: federation machinery, guards of the SDL, validated entity keys. */
export function subgraphSchema(typeDefs: string, resolvers: object): GraphQLSchema {
  const document = parse(typeDefs);
  const schema = buildSubgraphSchema([{ typeDefs: document, resolvers: resolvers as GraphQLResolverMap }]);
  return validateKeys(guardSchema(schema, document));
}

function subgraphRequest(request: FastifyRequest): SubgraphRequest {
  const { caller } = request;
  // Anybody can write these headers; only the gateway's word counts.
  const told = (header: string) => {
    const value = request.headers[header];
    return caller.service === 'gateway' && typeof value === 'string' ? value.slice(0, 256) : null;
  };
  return {
    caller,
    viewer: caller.viewer,
    requestId: request.id,
    clientIp: told(CLIENT_IP_HEADER),
    clientAgent: told(CLIENT_AGENT_HEADER),
    custody: caller.service === 'gateway' ? custodyIn(request.headers) : undefined,
    statements: caller.wantsDebug ? request.statements : undefined,
    cacheTags: caller.service === 'gateway' && !caller.viewer ? collectCacheTags() : undefined,
    log: request.log as Logger,
  };
}

/** A page of 100 orders with 50 lines each asks for 5,000 variants at once; nothing legitimate asks for more. */
const MAX_REPRESENTATIONS = 5_000;

/**
 * `_Any` accepts whatever it is sent, so keys are checked here, before SQL compares a number with a text column and matches everything.
 * Representations come from other subgraphs, but also straight from a client's `node(id:)`.
 */
function validateKeys(schema: GraphQLSchema): GraphQLSchema {
  const entities = schema.getQueryType()?.getFields()['_entities'];
  const resolve = entities?.resolve;
  if (!entities || !resolve) return schema;
  entities.resolve = (parent, args: { representations: Record<string, unknown>[] }, context, info) => {
    const { representations } = args;
    if (representations.length > MAX_REPRESENTATIONS) {
      throw badUserInput(`Expected at most ${MAX_REPRESENTATIONS} representations, got ${representations.length}.`);
    }
    for (const representation of representations) {
      if (typeof representation !== 'object' || representation === null)
        throw badUserInput(`Expected each representation to be an object, got ${typeof representation}.`);
      const { __typename: type, id, ...rest } = representation;
      if (id !== undefined && typeof type === 'string' && Object.hasOwn(idPrefixes, type))
        parseId(type as IdKind, id as string);
      for (const key of ['slug', 'sku', 'number']) {
        if (rest[key] !== undefined && typeof rest[key] !== 'string')
          throw badUserInput(`Expected the key ${key} to be text.`);
      }
    }
    return resolve(parent, args, context, info);
  };
  return schema;
}

/** Lets through what is meant for clients and masks the rest. The request id is added by the gateway, which knows it for every error. */
function formatError(formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError {
  const original = unwrapResolverError(error);
  const place = {
    ...(formatted.locations ? { locations: formatted.locations } : {}),
    ...(formatted.path ? { path: formatted.path } : {}),
  };
  if (original instanceof SoukError)
    return { message: clipMessage(original.message), ...place, extensions: { ...original.extensions } };
  const code = formatted.extensions?.['code'];
  // What graphql-js raised itself has no cause of ours behind it: bad syntax, bad variables, an unknown field. Apollo Server wraps it once more.
  const cause = original instanceof GraphQLError ? original.originalError : undefined;
  if (
    original instanceof GraphQLError &&
    (cause === undefined || cause instanceof GraphQLError) &&
    isErrorCode(code) &&
    code !== 'INTERNAL_SERVER_ERROR'
  ) {
    return { message: clipMessage(formatted.message), ...place, extensions: { code, retryable: false } };
  }
  const outcome = original instanceof Error ? unknownOutcomes.get(original) : undefined;
  if (outcome) return { ...place, ...outcome };
  if (isStoreAway(original)) {
    return {
      message: 'This part of the shop is not available right now. Try again.',
      ...place,
      extensions: { code: 'SUBGRAPH_UNAVAILABLE', retryable: true },
    };
  }
  if (isStatementTimeout(original)) {
    return {
      message: 'This part of the shop did not answer in time. Try again.',
      ...place,
      extensions: { code: 'SUBGRAPH_TIMEOUT', retryable: true },
    };
  }
  return {
    message: 'Something went wrong on our side.',
    ...place,
    extensions: { code: 'INTERNAL_SERVER_ERROR', retryable: false },
  };
}

/** What clients are told of mutations whose store did not answer, by the error that says so: masking sees nothing but that. */
const unknownOutcomes = new WeakMap<Error, UnknownOutcome>();

/** A store that vanished may have committed what it was told last. One that answers with an error has not. */
const noteUnknownOutcomes: ApolloServerPlugin = {
  requestDidStart: async () => ({
    async didEncounterErrors({ errors, operation, request }) {
      if (operation?.operation !== 'mutation') return;
      for (const error of errors) {
        const original = unwrapResolverError(error);
        if (!(original instanceof Error) || !isStoreAway(original) || errorNumber(original) !== undefined) continue;
        const field = rootFieldOf(operation, error.path);
        if (field) unknownOutcomes.set(original, unknownOutcome(field, request.variables ?? {}));
      }
    },
  }),
};

function rootFieldOf({ selectionSet }: OperationDefinitionNode, path: GraphQLError['path']): FieldNode | undefined {
  return selectionSet.selections.find(
    (selection): selection is FieldNode =>
      selection.kind === Kind.FIELD && (selection.alias ?? selection.name).value === path?.[0],
  );
}

const isErrorCode = (code: unknown) => errorCodes.some((known) => known === code);

const logUnexpectedErrors: ApolloServerPlugin<SubgraphRequest> = {
  async requestDidStart() {
    return {
      async didEncounterErrors({ errors, contextValue }) {
        for (const error of errors) {
          const original = unwrapResolverError(error);
          if (original instanceof SoukError || original instanceof GraphQLError) continue;
          // Names of the schema only: operations and aliases are called what clients like.
          const field = error.nodes?.find((node) => node.kind === Kind.FIELD)?.name.value;
          contextValue.log.error({ err: original, field }, 'unexpected error');
        }
      },
    };
  },
};

/**
 * Tells the gateway, beside the answer, which refresh token it is to keep from now on, what the answer was made from, and what it took, where it wants to know.
 */
const tellGateway: ApolloServerPlugin<SubgraphRequest> = {
  async requestDidStart() {
    return {
      async willSendResponse({ contextValue: { custody, cacheTags, statements }, response: { body } }) {
        const extensions = {
          ...(custody ? extensionsFor(custody) : {}),
          ...tagExtensions(cacheTags),
          ...(statements ? debugExtensions({ sql: statements }) : {}),
        };
        if (Object.keys(extensions).length > 0 && body.kind === 'single') body.singleResult.extensions = extensions;
      },
    };
  },
};
