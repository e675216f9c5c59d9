import { setTimeout as delay } from 'node:timers/promises';
import { ProxyTracerProvider, trace } from '@opentelemetry/api';

/**
 * Sends the spans that still wait, for at most two seconds. Call it last before a process ends; it never rejects, and does nothing without tracing.
 * It reaches the tracer through the API, because importing the preloaded module here would start it.
 */
export async function flushTelemetry(): Promise<void> {
  const provider = trace.getTracerProvider();
  const tracer = provider instanceof ProxyTracerProvider ? provider.getDelegate() : provider;
  if (!('forceFlush' in tracer) || typeof tracer.forceFlush !== 'function') return;
  await Promise.race([Promise.resolve(tracer.forceFlush()).catch(() => {}), delay(2_000, undefined, { ref: false })]);
}
