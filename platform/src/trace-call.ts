import { context, propagation, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';

/** A call in the trace of the request that it is made for. */
export interface TracedCall {
  /** Those given, and those by which the other side finds the trace. */
  headers: Readonly<Record<string, string>>;
  /** Undefined where nothing is traced. */
  endSpan: ((failure?: unknown) => void) | undefined;
}

/** Begins a span for a POST request, unless what asks for it is not traced. Called for each, so that it must cost nothing then. */
export function traceCall(origin: string, path: string, headers: Readonly<Record<string, string>>): TracedCall {
  if (!trace.getActiveSpan()) return { headers, endSpan: undefined };
  const attributes = { 'http.request.method': 'POST', 'url.full': `${origin}${path}` };
  const span = tracer.startSpan('POST', { kind: SpanKind.CLIENT, attributes });
  const carried: Record<string, string> = {};
  propagation.inject(trace.setSpan(context.active(), span), carried);
  return { headers: { ...headers, ...carried }, endSpan: (failure) => end(span, failure) };
}

const tracer = trace.getTracer('souk-http-client');

function end(span: Span, failure: unknown): void {
  if (failure instanceof Error) span.setStatus({ code: SpanStatusCode.ERROR, message: failure.message });
  span.end();
}
