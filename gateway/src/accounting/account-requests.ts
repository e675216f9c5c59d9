import type { UnreadableRequest } from '@souk/platform/http-errors';
import type { Logger } from '@souk/platform/logger';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { plainAddress } from '../client-ip.ts';
import {
  NO_OPERATION,
  OTHER_OPERATION,
  type Outcome,
  operationDurations,
  operationErrors,
  operations,
} from './metrics.ts';
import { factsOf, openRecord, operationAnswered, type RequestRecord } from './request-record.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What is told of the request when it is over. Only servers with `accountRequests` have it. */
    record: RequestRecord;
  }
}

/** Asked several times a minute by whoever runs the processes, and no news. */
const healthRoutes = new Set<string | undefined>(['/livez', '/readyz']);

/** Tells of every request, once, when its answer has been sent or its client has hung up: one line of the log, metrics, and the attributes of its span. */
export function accountRequests(app: FastifyInstance): void {
  app.decorateRequest('record');
  app.addHook('onRequest', (request, reply, done) => {
    const record = openRecord(request);
    request.record = record;
    // Unlike Fastify's own hooks, this is also told when the client hangs up.
    if (!healthRoutes.has(request.routeOptions.url)) reply.raw.once('close', () => close(record, request, reply));
    done();
  });
  // The span ends with the answer, and takes nothing more after that.
  app.addHook('onSend', ({ record }, _reply, payload, done) => {
    record.span?.setAttributes({
      'souk.subgraph_requests': record.subgraphs.requests,
      ...(record.errorCodes.size > 0 ? { 'souk.error_codes': [...record.errorCodes] } : {}),
    });
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

function close(record: RequestRecord, request: FastifyRequest, reply: FastifyReply): void {
  if (record.isStream) return;
  const durationMs = performance.now() - record.startedAtMs;
  const outcome = outcomeOf(record, reply);
  measure(record, outcome, durationMs);
  log(record, request, reply, outcome, durationMs);
  if (outcome !== 'refused' && outcome !== 'hung-up') operationAnswered(record);
}

function outcomeOf({ limit, errorCodes }: RequestRecord, { raw, statusCode }: FastifyReply): Outcome {
  if (!raw.writableEnded) return 'hung-up';
  // An instance that is asked too much says 503, and is well.
  if (limit) return 'refused';
  if (statusCode >= 500) return 'failed';
  if (statusCode >= 400) return 'refused';
  return errorCodes.size > 0 ? 'errors' : 'answered';
}

function measure(record: RequestRecord, outcome: Outcome, durationMs: number): void {
  const { endpoint } = record;
  if (endpoint === undefined) return;
  const operation = record.operation ? (record.operation.name ?? OTHER_OPERATION) : NO_OPERATION;
  operations.inc({ endpoint, operation, outcome });
  operationDurations.observe({ endpoint, operation }, durationMs / 1_000);
  for (const code of record.errorCodes) operationErrors.inc({ endpoint, operation, code });
}

function log(
  record: RequestRecord,
  request: FastifyRequest,
  reply: FastifyReply,
  outcome: Outcome,
  durationMs: number,
): void {
  request.log.info(
    {
      endpoint: record.endpoint ?? 'other',
      method: request.method,
      ...factsOf(record),
      status: reply.statusCode,
      outcome,
      durationMs: rounded(durationMs),
      requestBytes: Number(request.headers['content-length'] ?? 0),
      responseBytes: Number(reply.getHeader('content-length') ?? record.streamedBytes),
      subgraphMs: rounded(record.subgraphs.durationMs),
      cache: record.cache,
      traceId: record.span?.spanContext().traceId,
    },
    'request',
  );
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
