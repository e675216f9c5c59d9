import { errorCodes } from '@souk/platform/errors';
import { expect } from 'vitest';
import type { Answer } from './attack.ts';

/** Whatever came back, read as far as it can be. */
export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  data: unknown;
  errors: { message: string; path?: (string | number)[]; extensions?: Record<string, unknown> }[];
  /** What else of it matters to a row: how many answers a connection gave, and whether it was closed. */
  connection?: { answers: number; isClosed: boolean };
}

export function readReply(status: number, headers: Headers, text: string): Reply {
  const { data, errors = [] } = (parsed(text) ?? {}) as Partial<Reply>;
  return { status, headers, text, data, errors };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const MAX_ERROR_BYTES = 16 * 1024;

/** What no answer may tell a stranger: where code stands, which software stores what and where, names of the schema that were not asked for. */
const leaks = [
  /\n\s+at /,
  /node_modules|\.[jt]s:\d+/,
  /\b(SQLSTATE|ER_[A-Z_]{3,}|ECONN[A-Z]+|ETIMEDOUT|drizzle|mysql|mariadb|ioredis|undici|Duplicate entry|SQL syntax)\b/i,
  /\b(127\.0\.0\.1|localhost|0\.0\.0\.0)(:\d+)?\b/,
  /Did you mean/i,
  /stacktrace/i,
];

/** What holds for every answer of every service, whatever it was sent. */
export function expectHonest(
  { status, headers, text, data, errors }: Reply,
  { status: listed, isJson }: Pick<Answer, 'status' | 'isJson'>,
): void {
  const said = `${status} ${text.slice(0, 1_000)}`;
  if (![listed].flat().includes(status)) expect(status, said).toBeLessThan(500);
  if (isJson === false) return;
  expect(headers.get('content-type') ?? '', said).toMatch(/^application\/(graphql-response\+)?json\b/);
  expect(parsed(text), said).toBeDefined();
  const complaints = JSON.stringify([errors, userErrorsIn(data), status >= 400 ? text : '']);
  for (const leak of leaks) expect(complaints, said).not.toMatch(leak);
  if (errors.length > 0 && !data) expect(Buffer.byteLength(text), said).toBeLessThanOrEqual(MAX_ERROR_BYTES);
  for (const { message, extensions } of errors) {
    expect(message, said).toMatch(/\S/);
    expect(errorCodes, said).toContain(extensions?.['code']);
    expect(extensions?.['code'], said).not.toBe('INTERNAL_SERVER_ERROR');
    expect(extensions?.['retryable'], said).toBeTypeOf('boolean');
    const known = new Set(['code', 'retryable', 'retryAfterMs', 'requestId', 'cost']);
    expect(
      Object.keys(extensions ?? {}).filter((name) => !known.has(name)),
      said,
    ).toEqual([]);
  }
}

function userErrorsIn(data: unknown): unknown[] {
  if (typeof data !== 'object' || data === null) return [];
  return Object.entries(data).flatMap(([name, value]) => (name === 'userErrors' ? [value] : userErrorsIn(value)));
}
