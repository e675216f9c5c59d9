/**
 * Preloaded by every service (preload.ts): it must run before anything it observes is loaded.
 *
 * Without OTEL_EXPORTER_OTLP_ENDPOINT (or …_TRACES_ENDPOINT) it loads nothing, and tracing costs nothing. With it, spans of HTTP, GraphQL, MySQL, Redis and
 * outgoing requests go there as OTLP over HTTP. All other settings are the standard ones: OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER_ARG, OTEL_SDK_DISABLED, …
 * (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
 */
const endpoint = process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] || process.env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'];

/** Whether requests are traced. */
export const isTraced = Boolean(endpoint) && process.env['OTEL_SDK_DISABLED'] !== 'true';

if (isTraced) {
  const { startTracing } = await import('./tracing.ts');
  startTracing({ sampledShare: Number(process.env['OTEL_TRACES_SAMPLER_ARG'] || 1) });
}
