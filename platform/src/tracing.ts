import { register } from 'node:module';
import { type Context, SpanKind, type SpanStatus } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { GraphQLInstrumentation } from '@opentelemetry/instrumentation-graphql';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { IORedisInstrumentation } from '@opentelemetry/instrumentation-ioredis';
import { MySQL2Instrumentation } from '@opentelemetry/instrumentation-mysql2';
import { UndiciInstrumentation, type UndiciRequest } from '@opentelemetry/instrumentation-undici';
import { NodeSDK } from '@opentelemetry/sdk-node';
import {
  ParentBasedSampler,
  type ReadableSpan,
  type Sampler,
  SamplingDecision,
  type SpanExporter,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace';
import { register as registerSync, supportsSyncHooks } from 'import-in-the-middle/register-hooks.mjs';
import { censorText } from './censor.ts';

/**
 * Starts tracing for this process; see telemetry.ts. Spans say which statement ran and which field was resolved, never with which values.
 *
 * @param sampledShare the share of traces that is kept, 0 to 1; a caller that has decided already is followed
 */
export function startTracing({ sampledShare }: { sampledShare: number }): void {
  hookEsModules();
  const sdk = new NodeSDK({
    traceExporter: censoring(new OTLPTraceExporter()),
    metricReaders: [],
    logRecordProcessors: [],
    sampler: new ParentBasedSampler({ root: onlyIncoming(new TraceIdRatioBasedSampler(sampledShare)) }),
    instrumentations: [
      new HttpInstrumentation({
        ignoreIncomingRequestHook: (request) => healthPaths.has(request.url?.split('?', 1)[0] ?? ''),
        requireParentforOutgoingSpans: true,
      }),
      new GraphQLInstrumentation({ allowValues: false, ignoreTrivialResolveSpans: true, mergeItems: true }),
      // Its own way of hiding values is to guess them in the finished statement; the statement as we wrote it has placeholders instead.
      new MySQL2Instrumentation({ maskStatement: true, maskStatementHook: (statement) => statement }),
      new IORedisInstrumentation({ requireParentSpan: true, dbStatementSerializer: (command) => command }),
      new UndiciInstrumentation({
        requireParentforSpans: true,
        requestHook: (_, request) => dropTraceHeaders(request),
      }),
    ],
  });
  sdk.start();
  process.once('beforeExit', () => void sdk.shutdown().catch(() => {}));
}

const healthPaths = new Set(['/livez', '/readyz', '/metrics']);

/**
 * What we observe is CommonJS, which is patched where it is required. Only ioredis is patched at its entry, which our ES modules import:
 * that import needs a loader hook. Older releases of Node have only the asynchronous hooks, which newer ones warn about.
 */
function hookEsModules(): void {
  const include = ['ioredis'];
  if (supportsSyncHooks()) registerSync({ include });
  else register('import-in-the-middle/hook.mjs', import.meta.url, { data: { include } });
}

/** A trace begins with a request or a message that comes in. What looks for work every half second begins none. */
function onlyIncoming(sampler: Sampler): Sampler {
  return {
    shouldSample(context: Context, traceId, name, kind, attributes, links) {
      const incoming = kind === SpanKind.SERVER || kind === SpanKind.CONSUMER;
      if (!incoming) return { decision: SamplingDecision.NOT_RECORD };
      return sampler.shouldSample(context, traceId, name, kind, attributes, links);
    },
    toString: () => `OnlyIncoming{${sampler}}`,
  };
}

/** The instrumentation adds its headers to those that are there already, and a doubled traceparent is none. */
function dropTraceHeaders(request: UndiciRequest): void {
  if (!Array.isArray(request.headers)) return;
  for (let index = request.headers.length - 2; index >= 0; index -= 2) {
    if (traceHeaders.has(String(request.headers[index]).toLowerCase())) request.headers.splice(index, 2);
  }
}

const traceHeaders = new Set(['traceparent', 'tracestate', 'baggage']);

/** Errors carry values in their messages, and spans carry errors. */
function censoring(exporter: SpanExporter): SpanExporter {
  return {
    export(spans, done) {
      for (const span of spans) censorSpan(span);
      exporter.export(spans, done);
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}

/** Attributes with a query string in them, in which a GET request has its variables; in older and in newer words (https://opentelemetry.io/docs/specs/semconv/http/). */
const addresses = ['http.url', 'http.target', 'url.full'];

function censorSpan(span: ReadableSpan): void {
  delete span.attributes['url.query'];
  for (const name of addresses) {
    const address = span.attributes[name];
    if (typeof address === 'string') span.attributes[name] = address.replace(/\?.*/s, '');
  }
  const status: SpanStatus = span.status;
  if (status.message) status.message = censorText(status.message);
  for (const { attributes = {} } of span.events) {
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === 'string') attributes[name] = censorText(value);
    }
  }
}
