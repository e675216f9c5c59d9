import { isSpanContextValid, trace } from '@opentelemetry/api';
import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';
import { censorLine } from './censor.ts';

export type { Logger };

export interface CreateLoggerOptions {
  /** The least severe level written. Default `info`; `silent` writes nothing. */
  level?: string;
  /** Where lines go. Default standard output. */
  destination?: DestinationStream;
  /** Writes lines together, a tenth of a second late at most: for who writes one with each of thousands of requests a second. Lines of errors, and what came before them, are written at once. */
  isBusy?: boolean;
}

/**
 * A logger that writes one JSON object a line: `level`, `time` (ISO 8601, UTC), `name`, `msg`, and the flat facts passed with it.
 * Within a span, `traceId` and `spanId` are added; a request adds its id with `logger.child({ requestId })`.
 *
 * What may be written is an allow-list: text, numbers, booleans, instants, lists of those, and `err`. Any other object (headers, GraphQL variables,
 * a row, a request) is left out whole, known secrets are censored by name, tokens by their look, and the values bound to SQL are cut from error messages.
 */
export function createLogger(
  name: string,
  { level = 'info', destination, isBusy = false }: CreateLoggerOptions = {},
): Logger {
  const options: LoggerOptions = {
    level,
    base: { name },
    timestamp: () => `,"time":"${instantNow()}"`,
    mixin: activeTrace,
    mixinMergeStrategy: (facts, found) => (found === noTrace ? facts : { ...found, ...facts }),
    formatters: { level: (label) => ({ level: label }), log: flatFacts },
    serializers: { err: (error: unknown) => describeError(error) },
    redact: [...secretNames],
    // Works on the finished line, so that no way of passing a message escapes it.
    hooks: { streamWrite: censorLine },
  };
  return pino(options, destination ?? (isBusy ? gatheringOutput() : pino.destination()));
}

/** What is written down as it is, and needs no look at what it is. */
export type FlatFacts = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>> & {
  readonly [name in (typeof secretNames)[number] | 'err']?: never;
};

/**
 * Writes the line that `logger.info(facts, message)` would, byte for byte, in a quarter of the time: for the one line of each of thousands of requests a second.
 * What it spares is to look at each fact by itself, so those have to be flat and no secrets by their type; what has the look of a token is censored here, too.
 */
export function infoFlat(logger: Logger, facts: FlatFacts, message: string): void {
  if (!logger.isLevelEnabled('info')) return;
  const inside = logger as unknown as LoggerInside;
  const stream = inside[pino.symbols.streamSym];
  const found = activeTrace();
  const json = JSON.stringify(found === noTrace ? facts : { ...found, ...facts });
  const start = `{"level":"info","time":"${instantNow()}"${inside[pino.symbols.chindingsSym]}`;
  const told = json === '{}' ? '' : `,${json.slice(1, -1)}`;
  if (stream[pino.symbols.needsMetadataGsym]) stream.lastLevel = INFO_LEVEL;
  stream.write(censorLine(`${start}${told},"msg":${JSON.stringify(message)}}\n`));
}

/** pino shows these to those who have to be fast (https://github.com/pinojs/pino/blob/main/docs/api.md#pino-symbols). */
interface LoggerInside {
  [pino.symbols.streamSym]: DestinationStream & { [pino.symbols.needsMetadataGsym]?: boolean; lastLevel?: number };
  /** What is the same in all lines, in JSON, each fact with a comma before it. */
  [pino.symbols.chindingsSym]: string;
}

const GATHERED_LENGTH = 32 * 1024;
const GATHERED_MS = 100;
const INFO_LEVEL = pino.levels.values['info'] ?? 30;
const ERROR_LEVEL = pino.levels.values['error'] ?? 50;

/** Standard output, in few writes: for a small request, the one that its line took was a third of the work. */
function gatheringOutput(): DestinationStream {
  // Told to gather by itself, it would measure all that it has gathered again for each line.
  const output = pino.destination({ sync: true });
  let gathered = '';
  function flush(): void {
    const lines = gathered;
    gathered = '';
    if (lines !== '') output.write(lines);
  }
  setInterval(flush, GATHERED_MS).unref();
  process.on('exit', flush);
  const gathering = {
    // pino says so here of each line before it writes it.
    [pino.symbols.needsMetadataGsym]: true,
    lastLevel: 0,
    write(line: string) {
      gathered += line;
      if (gathered.length >= GATHERED_LENGTH || gathering.lastLevel >= ERROR_LEVEL) flush();
    },
  };
  return gathering;
}

const secretNames = [
  'authorization',
  'cookie',
  'password',
  'secret',
  'token',
  'accessToken',
  'refreshToken',
  'apiKey',
] as const;

/** ISO 8601, in UTC. What is the same for a whole second is written down once. */
function instantNow(): string {
  const now = Date.now();
  const second = Math.floor(now / 1_000);
  if (second !== lastSecond) {
    lastSecond = second;
    untilMilliseconds = new Date(now).toISOString().slice(0, -'000Z'.length);
  }
  return `${untilMilliseconds}${String(now - second * 1_000).padStart(3, '0')}Z`;
}

let lastSecond: number | undefined;
let untilMilliseconds = '';

function activeTrace(): Record<string, string> {
  const context = trace.getActiveSpan()?.spanContext();
  return context && isSpanContextValid(context) ? { traceId: context.traceId, spanId: context.spanId } : noTrace;
}

const noTrace = {};

/** What is flat already, as nearly always, need not be copied. */
function flatFacts(facts: Record<string, unknown>): Record<string, unknown> {
  for (const key in facts) if (!mayBeWritten(key, facts[key])) return withoutOthers(facts);
  return facts;
}

function withoutOthers(facts: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(facts)
      .map(([key, value]) => [key, typeof value === 'bigint' ? value.toString() : value] as const)
      .filter(([key, value]) => mayBeWritten(key, value)),
  );
}

function mayBeWritten(key: string, value: unknown): boolean {
  return key === 'err' || isFlat(value) || (Array.isArray(value) && value.every(isFlat));
}

function isFlat(value: unknown): boolean {
  return value === null || value instanceof Date || !notFlat.has(typeof value);
}

const notFlat = new Set(['object', 'function', 'symbol', 'bigint']);

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
