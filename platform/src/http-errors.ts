import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyServerOptions } from 'fastify';
import { Counter } from 'prom-client';
import { clipMessage, type ErrorCode } from './errors.ts';
import { REQUEST_ID_HEADER } from './identity.ts';

/** What a server says of an error outside GraphQL. */
export interface HttpError {
  status: number;
  code: ErrorCode;
  message: string;
}

/** A request that was refused before it could get to any route, and so to any hook. */
export interface UnreadableRequest {
  requestId: string;
  status: number;
  /** The address of whoever sent it, which may be a proxy; undefined when the connection is gone. */
  address: string | undefined;
}

const unreadableRequests = new Counter({
  name: 'souk_http_unreadable_requests_total',
  help: 'Requests that were refused because they could not be read as HTTP, and so got to no route.',
  labelNames: ['status'],
});

/** What is answered to an error that nobody expected: below 500 it is Fastify's own word about the request, such as its size, its media type, its JSON. */
export function httpErrorOf(error: unknown): HttpError {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status >= 400 && status < 500) return { status, code: 'BAD_USER_INPUT', message: (error as Error).message };
  return { status: 500, code: 'INTERNAL_SERVER_ERROR', message: 'Something went wrong on our side.' };
}

/** The same, as it is written down. */
export function httpAnswerOf(
  error: unknown,
  requestId: string,
  accept: string | undefined,
): HttpError & { contentType: string; body: string } {
  const found = httpErrorOf(error);
  return { ...found, contentType: mediaTypeFor(accept), body: errorBody(requestId, found.code, found.message) };
}

/** Answers errors of routes and hooks in the shape of errors inside GraphQL. What Fastify would answer repeats the messages of unexpected errors. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const { status, code, message } = httpErrorOf(error);
    if (status >= 500) request.log.error({ err: error }, 'unexpected error');
    return answerError(reply, status, code, message);
  });
}

function answerError(reply: FastifyReply, status: number, code: ErrorCode, message: string): FastifyReply {
  const { id, headers } = reply.request;
  return reply
    .code(status)
    .type(mediaTypeFor(headers.accept))
    .send(errorBody(id, code, message));
}

/** The newer media type for clients that accept it (GraphQL over HTTP, section 6). */
export function mediaTypeFor(accept = ''): string {
  const graphql = 'application/graphql-response+json';
  return `${accept.includes(graphql) ? graphql : 'application/json'}; charset=utf-8`;
}

function errorBody(requestId: string, code: ErrorCode, message: string): string {
  return JSON.stringify({
    errors: [{ message: clipMessage(message), extensions: { code, retryable: false, requestId } }],
  });
}

/**
 * How a server answers what is no request that a route could get: what Node could not read, whose address is none, or who expects something else than to be
 * told to go on.
 *
 * @param onUnreadable is told of each
 */
export function unreadableHandlers(onUnreadable: (request: UnreadableRequest) => void): Required<
  Pick<FastifyServerOptions, 'clientErrorHandler' | 'frameworkErrors'>
> & {
  refuseOtherExpectations(app: FastifyInstance): void;
} {
  function tell(requestId: string, status: number, socket: Socket | null): void {
    unreadableRequests.inc({ status });
    onUnreadable({ requestId, status, address: socket?.remoteAddress });
  }
  return {
    clientErrorHandler({ code }: { code?: string }, socket) {
      // Nobody is there to read an answer, and the connection is of no use.
      if (code === 'ECONNRESET' || !socket.writable) {
        socket.destroy();
        return;
      }
      const [status, message] = unreadable[code ?? ''] ?? [400, 'Expected a well-formed HTTP request.'];
      tell(refuseOnSocket(socket, status, message), status, socket);
    },
    frameworkErrors(_error, { id, socket }, reply) {
      tell(id, 400, socket);
      answerError(reply, 400, 'BAD_USER_INPUT', 'Expected the address of the request to be well-formed.');
    },
    refuseOtherExpectations(app) {
      app.server.on('checkExpectation', ({ socket }: IncomingMessage, response: ServerResponse) => {
        const requestId = randomUUID();
        const body = errorBody(requestId, 'BAD_USER_INPUT', 'Expected no other expectation than 100-continue.');
        tell(requestId, 417, socket);
        response.writeHead(417, headersOf(requestId, body));
        response.end(body);
      });
    },
  };
}

const unreadable: Record<string, [status: number, message: string]> = {
  HPE_HEADER_OVERFLOW: [431, 'Expected the headers of the request to be shorter.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Expected the whole request sooner.'],
};

/**
 * Answers a request that is no route's to answer, in the shape of all errors outside GraphQL, and ends its connection.
 *
 * @returns the id of the request that the answer names
 */
export function refuseOnSocket(socket: Duplex, status: number, message: string): string {
  const requestId = randomUUID();
  const body = errorBody(requestId, 'BAD_USER_INPUT', message);
  const head = Object.entries(headersOf(requestId, body)).map(([name, value]) => `${name}: ${value}`);
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...head, '', body].join('\r\n'));
  return requestId;
}

function headersOf(requestId: string, body: string): Record<string, string> {
  return {
    'content-type': mediaTypeFor(),
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
    [REQUEST_ID_HEADER]: requestId,
    connection: 'close',
  };
}
