import type { JSONWebKeySet, JWK } from 'jose';
import { z } from 'zod';

/** The environment is wrong. The message lists every fault; `faults` holds them by variable. Values are never repeated: they may be secrets. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';
  readonly faults: Readonly<Record<string, string>>;

  constructor(faults: Record<string, string>) {
    const names = Object.keys(faults);
    const width = Math.max(...names.map((name) => name.length));
    const lines = names.map((name) => `  ${name.padEnd(width)}  ${faults[name]}`);
    const count = names.length === 1 ? '1 fault' : `${names.length} faults`;
    super(
      `The environment has ${count}:\n${lines.join('\n')}\nSet them in the environment or in .env; .env.example shows every variable with a value that works.`,
    );
    this.faults = faults;
  }
}

/** What tests use to break a process at a certain point or to take out one of its guards (tests/faults). */
const TEST_VARIABLES = ['CRASH_AT', 'GUARDS_OFF', 'FAULT_CONTROL'];

/** The mark that sample values in .env.example carry. */
const SAMPLE_MARK = 'change-me';

/**
 * Parses the environment once, at start, and reports all faults together.
 * An empty variable counts as missing. With NODE_ENV=production, a value that still carries the mark of a sample secret is a fault, and so is any
 * variable by which tests break things.
 *
 * @param shape  one zod type per variable, made with the functions below
 * @param source usually `process.env`
 * @throws {EnvironmentError}
 */
export function readEnvironment<Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
  source: Record<string, string | undefined>,
): z.output<z.ZodObject<Shape>> {
  const present = Object.fromEntries(
    Object.keys(shape).flatMap((name) => (source[name]?.trim() ? [[name, source[name].trim()]] : [])),
  );
  const faults: Record<string, string> = {};
  const parsed = z.object(shape).safeParse(present);
  for (const issue of parsed.error?.issues ?? []) {
    const name = String(issue.path[0]);
    faults[name] ??= `${present[name] === undefined ? 'is missing' : 'is not valid'}. ${issue.message}`;
  }
  for (const [name, value] of Object.entries(present)) {
    if (source['NODE_ENV'] === 'production' && value.includes(SAMPLE_MARK)) {
      faults[name] ??= `still has its sample value, which everybody knows. Production needs a value of its own.`;
    }
  }
  for (const name of TEST_VARIABLES) {
    if (source['NODE_ENV'] === 'production' && source[name]) {
      faults[name] = 'is for tests, which break things on purpose. Remove it.';
    }
  }
  if (!parsed.success || Object.keys(faults).length > 0) throw new EnvironmentError(faults);
  return parsed.data;
}

/** Any text. `expected` is the sentence shown when it is missing: what it is for, and an example. */
export function text(expected: string) {
  return z.string({ error: expected });
}

/** A TCP port. */
export function port() {
  return variable('Expected a port number from 1 to 65535, for example 4001.', (value) =>
    /^\d{1,5}$/.test(value) && Number(value) >= 1 && Number(value) <= 65_535 ? Number(value) : undefined,
  );
}

/** A URL with one of these protocols, `['mysql:']` for example; kept as text. `example` is shown in the fault. */
export function url(protocols: readonly string[], example: string) {
  return variable(`Expected a URL such as ${example}`, (value) =>
    URL.canParse(value) && protocols.includes(new URL(value).protocol) ? value : undefined,
  );
}

/** Where one service answers over HTTP: a URL, or several, comma-separated, when it runs at several addresses. Parsed to a list. */
export function urls(example: string) {
  const isHttp = (text: string) => URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
  return variable(`Expected a URL such as ${example}, or several, comma-separated.`, (value) => {
    const list = value.split(',').map((one) => one.trim());
    return list.every(isHttp) ? list : undefined;
  });
}

const millisecondsPerUnit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A length of time, written `250ms`, `30s`, `10m`, `12h` or `7d`; parsed to milliseconds. */
export function durationMs() {
  return variable('Expected a duration such as 250ms, 30s, 10m, 12h or 7d.', (value) => {
    const [, count, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(value) ?? [];
    return count && unit ? Number(count) * millisecondsPerUnit[unit as keyof typeof millisecondsPerUnit] : undefined;
  });
}

/** A whole number within bounds, both included. */
export function integer(minimum: number, maximum: number) {
  return variable(`Expected a whole number from ${minimum} to ${maximum}.`, (value) =>
    /^-?\d{1,15}$/.test(value) && Number(value) >= minimum && Number(value) <= maximum ? Number(value) : undefined,
  );
}

/** `true` or `false`. */
export function flag() {
  return variable('Expected true or false.', (value) =>
    value === 'true' ? true : value === 'false' ? false : undefined,
  );
}

/** One of these words. */
export function oneOf<const Word extends string>(words: readonly Word[]) {
  return variable(`Expected one of: ${words.join(', ')}.`, (value) => words.find((word) => word === value));
}

/** JSON that matches a schema. `expected` says what and gives an example. */
export function json<Type>(schema: z.ZodType<Type>, expected: string) {
  return variable(expected, (value): Type | undefined => {
    try {
      return schema.parse(JSON.parse(value));
    } catch {
      return undefined;
    }
  });
}

/** A key in JSON Web Key form (RFC 7517), on one line. */
export function jwk() {
  const schema = z.looseObject({ kty: z.string() }) as unknown as z.ZodType<JWK>;
  return json(schema, 'Expected a JSON Web Key on one line, such as {"kty":"OKP","crv":"Ed25519",…}.');
}

/** A JSON Web Key Set (RFC 7517, section 5) on one line; each key's `kid` is the name of its owner. */
export function jwks() {
  const schema = z.looseObject({
    keys: z.array(z.looseObject({ kty: z.string(), kid: z.string() })),
  }) as unknown as z.ZodType<JSONWebKeySet>;
  return json(schema, 'Expected a JSON Web Key Set on one line, such as {"keys":[{"kid":"gateway","kty":"OKP",…}]}.');
}

function variable<Value>(expected: string, parse: (value: string) => Value | undefined) {
  return z.string({ error: expected }).transform((value, context) => {
    const parsed = parse(value);
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: 'custom', message: expected });
    return z.NEVER;
  });
}
