import { isSpanContextValid, trace } from '@opentelemetry/api';
import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';
import { censorLine } from './censor.ts';

export type { Logger };

export interface CreateLoggerOptions {
  /** The least severe level written. Default `info`; `silent` writes nothing. */
  level?: string;
  /** Where lines go. Default standard output. */
  destination?: DestinationStream;
}

/**
 * A logger that writes one JSON object a line: `level`, `time` (ISO 8601, UTC), `name`, `msg`, and the flat facts passed with it.
 * Within a span, `traceId` and `spanId` are added; a request adds its id with `logger.child({ requestId })`.
 *
 * What may be written is an allow-list: text, numbers, booleans, instants, lists of those, and `err`. Any other object (headers, GraphQL variables,
 * a row, a request) is left out whole, known secrets are censored by name, tokens by their look, and the values bound to SQL are cut from error messages.
 */
export function createLogger(name: string, { level = 'info', destination }: CreateLoggerOptions = {}): Logger {
  const options: LoggerOptions = {
    level,
    base: { name },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    mixin: activeTrace,
    formatters: { level: (label) => ({ level: label }), log: flatFacts },
    serializers: { err: (error: unknown) => describeError(error) },
    redact: secretNames,
    // Works on the finished line, so that no way of passing a message escapes it.
    hooks: { streamWrite: censorLine },
  };
  return destination ? pino(options, destination) : pino(options);
}

const secretNames = ['authorization', 'cookie', 'password', 'secret', 'token', 'accessToken', 'refreshToken', 'apiKey'];

function activeTrace(): Record<string, string> {
  const context = trace.getActiveSpan()?.spanContext();
  return context && isSpanContextValid(context) ? { traceId: context.traceId, spanId: context.spanId } : {};
}

function flatFacts(facts: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(facts)
      .filter(([key, value]) => key === 'err' || isFlat(value) || (Array.isArray(value) && value.every(isFlat)))
      .map(([key, value]) => [key, typeof value === 'bigint' ? value.toString() : value]),
  );
}

function isFlat(value: unknown): boolean {
  return value === null || value instanceof Date || !['object', 'function', 'symbol'].includes(typeof value);
}

/** Type, code, message and stack of an error and of what caused it; none of the properties that libraries hang on it, such as SQL or a response. */
function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  return {
    type: error.name === 'Error' ? error.constructor.name : error.name,
    code: 'code' in error ? error.code : undefined,
    message: error.message,
    stack: error.stack,
    ...(error.cause === undefined || depth === 3 ? {} : { cause: describeError(error.cause, depth + 1) }),
  };
}
