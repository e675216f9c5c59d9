import { createCounter, createGauge, createHistogram } from '@souk/platform/metrics';

/**
 * Strangers choose neither names nor hashes of operations that become labels: what is not registered is `other` all together, and a request without a
 * document that was let in is `none`.
 */
export const OTHER_OPERATION = 'other';
export const NO_OPERATION = 'none';

/** What became of a request. */
export type Outcome =
  /** An answer without errors. */
  | 'answered'
  /** An answer with errors in it, and a status of 200. */
  | 'errors'
  /** A limit or what is wrong with the request itself: a status from 400 on. */
  | 'refused'
  /** Our own failure: a status from 500 on. */
  | 'failed'
  /** The client hung up before it had its answer. */
  | 'hung-up';

export const operations = createCounter({
  name: 'souk_operations_total',
  help: 'Requests to GraphQL endpoints by registered operation and by what became of them.',
  labelNames: ['endpoint', 'operation', 'outcome'],
});

export const operationErrors = createCounter({
  name: 'souk_operation_errors_total',
  help: 'Answers that had an error of this code, however many of it.',
  labelNames: ['endpoint', 'operation', 'code'],
});

export const operationDurations = createHistogram({
  name: 'souk_operation_duration_seconds',
  help: 'Time from a request to the end of its answer by registered operation.',
  labelNames: ['endpoint', 'operation'],
  buckets: [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
});

export const costs = createHistogram({
  name: 'souk_operation_cost_points',
  help: 'Estimated cost of operations.',
  labelNames: ['endpoint'],
  buckets: [1, 10, 50, 100, 250, 500, 1_000, 2_500, 5_000],
});

export const documentRequests = createCounter({
  name: 'souk_document_requests_total',
  help: 'Documents let in, by whether they were parsed, guarded and priced before or had to be now.',
  labelNames: ['endpoint', 'source'],
});

export const knownDocuments = createGauge({
  name: 'souk_documents_known',
  help: 'Documents that are kept parsed, guarded and priced.',
  labelNames: ['endpoint'],
});
