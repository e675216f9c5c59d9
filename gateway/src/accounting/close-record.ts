import { type FlatFacts, infoFlat, type Logger } from '@souk/platform/logger';
import {
  NO_OPERATION,
  OTHER_OPERATION,
  type Outcome,
  operationDurations,
  operationErrors,
  operations,
} from './metrics.ts';
import { type FactsInCommon, operationAnswered, type RequestRecord } from './request-record.ts';

/** What only the server knows of a request that is over. */
export interface RequestEnd {
  /** The logger of the server: the line names the request by itself. */
  log: Logger;
  requestId: string;
  method: string;
  status: number;
  /** Length of its body. */
  requestBytes: number;
  /** Length of the body of its answer. */
  responseBytes: number;
  /** Whether the client hung up before it had its answer. */
  isHungUp: boolean;
}

/**
 * Tells of a request, once, when its answer has been sent or its client has hung up: one line of the log, and metrics. Of one whose answer is a stream its
 * subscriptions tell.
 */
export function closeRecord(record: RequestRecord, end: RequestEnd): void {
  if (record.isStream) return;
  const durationMs = performance.now() - record.startedAtMs;
  const outcome = outcomeOf(record, end);
  measure(record, outcome, durationMs);
  log(record, end, outcome, durationMs);
  if (outcome !== 'refused' && outcome !== 'hung-up') operationAnswered(record);
}

function outcomeOf({ limit, errorCodes }: RequestRecord, { status, isHungUp }: RequestEnd): Outcome {
  if (isHungUp) return 'hung-up';
  // An instance that is asked too much says 503, and is well.
  if (limit) return 'refused';
  if (status >= 500) return 'failed';
  if (status >= 400) return 'refused';
  return errorCodes ? 'errors' : 'answered';
}

function measure(record: RequestRecord, outcome: Outcome, durationMs: number): void {
  const { endpoint } = record;
  if (endpoint === undefined) return;
  const operation = record.operation ? (record.operation.name ?? OTHER_OPERATION) : NO_OPERATION;
  operations.labels(endpoint, operation, outcome).inc();
  operationDurations.labels(endpoint, operation).observe(durationMs / 1_000);
  for (const code of record.errorCodes ?? []) operationErrors.labels(endpoint, operation, code).inc();
}

function log(record: RequestRecord, end: RequestEnd, outcome: Outcome, durationMs: number): void {
  const { operation, client, subgraphs } = record;
  // One literal, and no spreading of what the lines have in common: that takes as long as all the rest of it.
  const facts: FactsInCommon & FlatFacts = {
    requestId: end.requestId,
    endpoint: record.endpoint ?? 'other',
    method: end.method,
    operation: operation?.name ?? operation?.hash,
    operationKind: operation?.kind,
    clientName: client.name,
    clientVersion: client.version,
    clientIp: record.clientIp,
    viewer: record.viewer,
    errorCodes: record.errorCodes && [...record.errorCodes],
    cost: record.cost,
    subgraphRequests: subgraphs.requests,
    limit: record.limit ?? 'passed',
    status: end.status,
    outcome,
    durationMs: rounded(durationMs),
    requestBytes: end.requestBytes,
    responseBytes: end.responseBytes,
    subgraphMs: rounded(subgraphs.durationMs),
    cache: record.cache,
    traceId: record.span?.spanContext().traceId,
  };
  infoFlat(end.log, facts, 'request');
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
