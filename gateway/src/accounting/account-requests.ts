import type { UnreadableRequest } from '@souk/platform/http-errors';
import type { Logger } from '@souk/platform/logger';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { clientIpOf, plainAddress } from '../client-ip.ts';
import { closeRecord } from './close-record.ts';
import { answerReady, openRecord, type RequestRecord } from './request-record.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What is told of the request when it is over. Only servers with `accountRequests` have it. */
    record: RequestRecord;
  }
}

/** Asked several times a minute by whoever runs the processes, and no news. */
const healthRoutes = new Set<string | undefined>(['/livez', '/readyz']);

/** Tells of every request to a server: one line of the log, metrics, and the attributes of its span. */
export function accountRequests(app: FastifyInstance): void {
  const log = app.log as Logger;
  app.decorateRequest('record');
  app.addHook('onRequest', (request, reply, done) => {
    request.record = openRecord({ headers: request.headers, clientIp: clientIpOf(request) });
    // Unlike Fastify's own hooks, this is also told when the client hangs up. It comes once.
    if (!healthRoutes.has(request.routeOptions.url)) reply.raw.on('close', () => close(request, reply, log));
    done();
  });
  app.addHook('onSend', ({ record }, _reply, payload, done) => {
    answerReady(record);
    done(null, payload);
  });
}

/**
 * Tells of a request that could not be read, of which there is nothing to tell but that it came, from where, and what it was answered. Its bytes are
 * anybody's, and in no log.
 */
export function accountUnreadable(logger: Logger, { requestId, status, address }: UnreadableRequest): void {
  const clientIp = address === undefined ? undefined : plainAddress(address);
  const refused = { endpoint: 'other', status, outcome: 'refused', errorCodes: ['BAD_USER_INPUT'], limit: 'passed' };
  logger.info({ requestId, clientIp, ...refused }, 'request');
}

function close({ record, id, method, headers }: FastifyRequest, reply: FastifyReply, log: Logger): void {
  closeRecord(record, {
    log,
    requestId: id,
    method,
    status: reply.statusCode,
    requestBytes: Number(headers['content-length'] ?? 0),
    responseBytes: Number(reply.getHeader('content-length') ?? record.streamedBytes),
    isHungUp: !reply.raw.writableEnded,
  });
}
