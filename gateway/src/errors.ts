import { unwrapResolverError } from '@apollo/server/errors';
import { clipMessage, type ErrorCode, errorCodes, SoukError } from '@souk/platform/errors';
import { mediaTypeFor } from '@souk/platform/http-errors';
import type { FastifyReply } from 'fastify';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { errorAnswered } from './accounting/request-record.ts';
import { type LimitName, RateLimited } from './limits/rate-limited.ts';
import { requestScope } from './request-scope.ts';

const messageOfUnknown = 'Something went wrong on our side.';

/** Codes of Apollo Server and Apollo Gateway, in the words of this API. */
const translations = new Map<unknown, ErrorCode>([
  ['BAD_REQUEST', 'BAD_USER_INPUT'],
  ['OPERATION_RESOLUTION_FAILURE', 'BAD_USER_INPUT'],
  ['DOWNSTREAM_SERVICE_ERROR', 'SUBGRAPH_UNAVAILABLE'],
]);

/**
 * The last word on every error that leaves: a fixed code, whether a retry may help, and the request id. Nothing internal gets past this,
 * because the answer is built from what is known to be safe instead of cleaned of what is not.
 */
export function formatError(formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError {
  const original = unwrapResolverError(error);
  const extensions = original instanceof SoukError ? original.extensions : (formatted.extensions ?? {});
  const code = codeOf(extensions['code'], formatted.extensions?.['code']);
  const scope = requestScope.getStore();
  if (scope) errorAnswered(scope.record, code, limitOf(error));
  const retryAfterMs = 'retryAfterMs' in extensions ? extensions.retryAfterMs : undefined;
  return {
    message: code === 'INTERNAL_SERVER_ERROR' ? messageOfUnknown : clipMessage(withoutHints(formatted.message)),
    ...(formatted.locations ? { locations: formatted.locations } : {}),
    ...(formatted.path ? { path: formatted.path } : {}),
    extensions: {
      code,
      retryable: 'retryable' in extensions ? extensions.retryable === true : code === 'SUBGRAPH_UNAVAILABLE',
      ...(typeof retryAfterMs === 'number' ? { retryAfterMs } : {}),
      requestId: scope?.requestId,
    },
  };
}

function codeOf(...candidates: unknown[]): ErrorCode {
  for (const candidate of candidates) {
    const known = errorCodes.find((code) => code === candidate) ?? translations.get(candidate);
    if (known) return known;
  }
  return 'INTERNAL_SERVER_ERROR';
}

/** graphql-js suggests names of the schema ("Did you mean …?"), which tells strangers what a contract hides from them. */
function withoutHints(message: string): string {
  return message.replace(/ ?Did you mean [^?]*\?/g, '');
}

/** Answers a request that never reached GraphQL, in the same shape as one that did. */
export function refuse(reply: FastifyReply, status: number, error: SoukError): FastifyReply {
  const { record, id: requestId, headers } = reply.request;
  errorAnswered(record, error.code, limitOf(error));
  const refusal = refusalOf(error, { status, requestId, accept: headers.accept });
  return reply.code(status).headers(refusal.headers).send(refusal.body);
}

/** What is answered to a request that never reached GraphQL. */
export function refusalOf(
  { message, extensions }: SoukError,
  { status, requestId, accept }: { status: number; requestId: string; accept: string | undefined },
): { headers: Record<string, string>; body: string } {
  const { retryAfterMs } = extensions;
  return {
    headers: {
      ...(retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) }),
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
      'content-type': mediaTypeFor(accept),
    },
    body: JSON.stringify({ errors: [{ message: clipMessage(message), extensions: { ...extensions, requestId } }] }),
  };
}

/** The limit that refused a request; undefined where none did. Apollo Server wraps what it is thrown, some of it twice. */
export function limitOf(error: unknown): LimitName | undefined {
  if (error instanceof RateLimited) return error.limit;
  return error instanceof GraphQLError ? limitOf(error.originalError) : undefined;
}

/** The status of a refusal at the door; 400 for what is wrong with the request itself. */
export function statusOf({ code }: SoukError, accept: string | undefined): number {
  // Older clients read an error only where the status is 200, and this one tells them to send the document once.
  if (code === 'PERSISTED_QUERY_NOT_FOUND' && !accept?.includes('application/graphql-response+json')) return 200;
  return statuses[code] ?? 400;
}

const statuses: Partial<Record<ErrorCode, number>> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  RATE_LIMITED: 429,
  SUBGRAPH_UNAVAILABLE: 503,
};
