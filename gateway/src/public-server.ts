import { SoukError } from '@souk/platform/errors';
import { httpErrorOf } from '@souk/platform/http-errors';
import { REQUEST_ID_HEADER } from '@souk/platform/identity';
import type { Logger } from '@souk/platform/logger';
import { createHttpServer, type HttpServerOptions, isLeaving, KEEP_ALIVE_MS } from '@souk/platform/service';
import type { FastifyInstance } from 'fastify';
import { accountRequests, accountUnreadable } from './accounting/account-requests.ts';
import { errorAnswered } from './accounting/request-record.ts';
import { otherEncodingOf } from './body-encoding.ts';
import { refuse } from './errors.ts';
import { type PlainRequests, readPlainRequests } from './wire/plain-requests.ts';

/** What each answer of the public port says, unless something else holds for it. */
export function headersOfAll(requestId: string): Record<string, string> {
  return { [REQUEST_ID_HEADER]: requestId, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
}

/** Lets requests be answered before the server reads them, until it closes. Comes after everything that listens to its connections. */
export function openPlainRequests(app: FastifyInstance): PlainRequests {
  const requests = readPlainRequests(app.server, { keepAliveMs: KEEP_ALIVE_MS, isLeaving: () => isLeaving(app) });
  app.addHook('preClose', async () => requests.close());
  return requests;
}

/** The server of the public port: what holds for every answer of it, GraphQL or not. */
export function createPublicServer(
  logger: Logger,
  options: Pick<HttpServerOptions, 'trustedProxyHops'> = {},
): FastifyInstance {
  const app = createHttpServer(logger, { ...options, onUnreadable: (request) => accountUnreadable(logger, request) });
  accountRequests(app);
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(headersOfAll(request.id));
    done();
  });
  app.addHook('preParsing', (request, reply, payload, done) => done(otherEncodingOf(request, reply), payload));
  app.addHook('onError', async ({ record }, _reply, error) => errorAnswered(record, httpErrorOf(error).code));
  app.setNotFoundHandler((_request, reply) => {
    return refuse(
      reply,
      404,
      new SoukError('BAD_USER_INPUT', 'There is nothing here. The API is at /graphql and /admin/graphql.'),
    );
  });
  return app;
}
