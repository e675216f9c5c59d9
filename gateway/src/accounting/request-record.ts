import type { IncomingHttpHeaders } from 'node:http';
import { type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import type { ErrorCode } from '@souk/platform/errors';
import type { Viewer } from '@souk/platform/identity';
import type { LimitName } from '../limits/rate-limited.ts';
import { durations, requests, type Outcome as SubgraphOutcome } from '../subgraph-client/metrics.ts';
import type { AskedOperation } from '../usage/usage-counts.ts';
import { type ClientSoftware, clientSoftwareOf } from './client-software.ts';
import { type DebugReport, reportSubgraph } from './debug.ts';
import { costs, documentRequests, knownDocuments } from './metrics.ts';

/**
 * What is told of one request when it is over, in the log, in metrics and in its trace. It is opened when the request arrives, filled by whoever finds
 * something out, whichever way the request takes, and closed once; see close-record.ts. Nothing in it is the text of a client: no variable, no token, no
 * literal, no name that nobody has registered.
 */
export interface RequestRecord {
  /** Of `performance.now()`. */
  readonly startedAtMs: number;
  /** The span of the request; undefined without tracing. */
  readonly span: Span | undefined;
  readonly clientIp: string;
  readonly client: ClientSoftware;
  /** Whether the answer is a stream or a WebSocket, of which its subscriptions tell. */
  isStream: boolean;
  /** Path of the GraphQL endpoint; undefined for anything else that the port answers. */
  endpoint: string | undefined;
  /** Undefined until it is known who asks. */
  viewer: 'anonymous' | 'customer' | 'staff' | undefined;
  /** Undefined unless a document was let in. */
  operation: RecordedOperation | undefined;
  /** Estimated, in points; undefined until it was. */
  cost: number | undefined;
  /** Of an answer that was sent in parts. */
  streamedBytes: number;
  /** Of the errors in the answer, each once; undefined when there are none. */
  errorCodes: Set<ErrorCode> | undefined;
  /** The limit that refused the request. */
  limit: LimitName | undefined;
  /** Where the answer came from, as the cache of answers says; undefined where that was not asked. */
  cache: 'hit-memory' | 'hit-redis' | 'shared' | 'miss' | 'uncacheable' | undefined;
  /** How many requests went to subgraphs, and how long those took, one added to the other. */
  readonly subgraphs: { requests: number; durationMs: number };
}

export interface RecordedOperation {
  /** As it was registered; undefined for what is not registered. */
  name: string | undefined;
  kind: 'query' | 'mutation' | 'subscription' | undefined;
  /** SHA-256 of the document, in hexadecimal. */
  hash: string;
  /** Where it is counted which client asks for what; undefined where nobody does. */
  asked: AskedOperation | undefined;
}

/** Opens the record of a request that has just arrived. */
export function openRecord({ headers, clientIp }: { headers: IncomingHttpHeaders; clientIp: string }): RequestRecord {
  return {
    startedAtMs: performance.now(),
    span: trace.getActiveSpan(),
    clientIp,
    client: clientSoftwareOf(headers),
    isStream: false,
    endpoint: undefined,
    viewer: undefined,
    operation: undefined,
    cost: undefined,
    streamedBytes: 0,
    errorCodes: undefined,
    limit: undefined,
    cache: undefined,
    subgraphs: { requests: 0, durationMs: 0 },
  };
}

/** It is known who asks. Staff are those with any role beside that of a customer. */
export function viewerKnown(record: RequestRecord, viewer: Viewer | null): void {
  if (!viewer) record.viewer = 'anonymous';
  else record.viewer = viewer.roles.some((role) => role !== 'CUSTOMER') ? 'staff' : 'customer';
}

/** A document was let in. The trace hears of it at once, so that it says so even of a request that never ends. */
export function documentAdmitted(record: RequestRecord, operation: RecordedOperation): void {
  record.operation = operation;
  const { name, kind, hash } = operation;
  record.span?.setAttributes({
    ...(name === undefined ? {} : { 'graphql.operation.name': name }),
    ...(kind === undefined ? {} : { 'graphql.operation.type': kind }),
    'graphql.document.hash': hash,
  });
}

/** A document was found among those that are remembered, or had to be read; so many are remembered now. */
export function documentLookedUp(endpoint: string, isKnown: boolean, count: number): void {
  documentRequests.labels(endpoint, isKnown ? 'memory' : 'parser').inc();
  knownDocuments.labels(endpoint).set(count);
}

/** An operation was priced, in points. */
export function costEstimated(record: RequestRecord, endpoint: string, cost: number): void {
  record.cost = cost;
  costs.labels(endpoint).observe(cost);
  record.span?.setAttribute('souk.cost', cost);
}

/** An error is part of the answer. */
export function errorAnswered(record: RequestRecord, code: ErrorCode, limit?: LimitName): void {
  record.errorCodes ??= new Set();
  record.errorCodes.add(code);
  record.limit ??= limit;
}

/** The answer is about to be sent. Its span ends with it, and takes nothing more after that. */
export function answerReady({ span, subgraphs, errorCodes }: RequestRecord): void {
  span?.setAttributes({
    'souk.subgraph_requests': subgraphs.requests,
    ...(errorCodes ? { 'souk.error_codes': [...errorCodes] } : {}),
  });
}

/** A client was answered, whether with data or by saying what failed: what is wrong with a request itself is no use of the schema. */
export function operationAnswered({ operation, client }: RequestRecord): void {
  operation?.asked?.count(client);
}

/** What the lines of the log have in common, whatever it is that ended. */
export function factsOf({ operation, client, clientIp, viewer, errorCodes, cost, subgraphs, limit }: RequestRecord) {
  return {
    // Where it is not registered, whoever looks for it can hash what he suspects.
    operation: operation?.name ?? operation?.hash,
    operationKind: operation?.kind,
    clientName: client.name,
    clientVersion: client.version,
    clientIp,
    viewer,
    errorCodes: errorCodes && [...errorCodes],
    cost,
    subgraphRequests: subgraphs.requests,
    limit: limit ?? 'passed',
  };
}

export type FactsInCommon = ReturnType<typeof factsOf>;

/** One request to a subgraph, as it is told of when it is over. */
export interface SubgraphRequest {
  subgraph: string;
  kind: 'query' | 'mutation';
  outcome: SubgraphOutcome;
  /** Those that were asked, one after the other; none when nobody was. */
  addresses: readonly string[];
  /** Of `performance.now()`. */
  startedAtMs: number;
  span: Span;
  /** What it said beside its answer. */
  extensions: Record<string, unknown> | undefined;
}

/** A subgraph answered, or did not. */
export function subgraphAsked(
  { record, debug }: { record: RequestRecord; debug?: DebugReport | undefined },
  asked: SubgraphRequest,
): void {
  const { subgraph, kind, outcome, addresses, startedAtMs, span, extensions } = asked;
  const durationMs = performance.now() - startedAtMs;
  record.subgraphs.requests++;
  record.subgraphs.durationMs += durationMs;
  requests.labels(subgraph, outcome).inc();
  durations.labels(subgraph, kind).observe(durationMs / 1_000);
  if (debug) reportSubgraph(debug, asked, { startMs: startedAtMs - record.startedAtMs, durationMs, extensions });
  if (!span.isRecording()) return;
  span.setAttributes({ 'souk.outcome': outcome, 'souk.subgraph': subgraph, 'souk.addresses': [...addresses] });
  if (outcome !== 'answered') span.setStatus({ code: SpanStatusCode.ERROR, message: outcome });
}
