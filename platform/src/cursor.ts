import { createHash } from 'node:crypto';
import { badUserInput } from './errors.ts';

/** What a row can be sorted by, as a cursor holds it. */
export type CursorValue = string | number | bigint | Date;

/**
 * A short fingerprint of a list: its name, sort and filter. It stands in every cursor, so that a cursor is only ever used on the list it came from.
 * In the filter, a missing entry equals null, and the order of entries does not matter.
 */
export function listFingerprint(name: string, sort: readonly string[], filter: unknown): string {
  const text = JSON.stringify([name, sort, filter], (_, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    const entries = Object.entries(value).filter(([, entry]) => entry !== null && entry !== undefined);
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  });
  return createHash('sha256').update(text).digest('base64url').slice(0, 8);
}

/** An opaque cursor for the row with these sort values. */
export function encodeCursor(fingerprint: string, values: readonly CursorValue[]): string {
  return Buffer.from(JSON.stringify([fingerprint, ...values.map(toJson)])).toString('base64url');
}

/**
 * The sort values in a cursor. A cursor can be forged, so callers still check that each value has the type of its column.
 *
 * @throws BAD_USER_INPUT when it is no cursor, or one of another list
 */
export function decodeCursor(fingerprint: string, cursor: string): CursorValue[] {
  const [owner, ...values] = parse(cursor);
  if (typeof owner !== 'string') throw invalidCursor();
  if (owner !== fingerprint) {
    throw badUserInput(
      'Expected a cursor of this list, got one of another list, sort or filter. Start again without a cursor.',
    );
  }
  return values.map(fromJson);
}

/** What to throw when a cursor was not made by us. */
export function invalidCursor() {
  return badUserInput(
    'Expected a cursor that an earlier page returned, got something else. Start again without a cursor.',
  );
}

/** Longer than any cursor we make: a few ids, instants and one title. */
const MAX_CURSOR_LENGTH = 4_096;

function parse(cursor: string): unknown[] {
  try {
    if (cursor.length > MAX_CURSOR_LENGTH) throw invalidCursor();
    const content: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(content) ? content : [];
  } catch {
    return [];
  }
}

function toJson(value: CursorValue): unknown {
  if (typeof value === 'bigint') return { big: value.toString() };
  if (value instanceof Date) return { at: value.getTime() };
  return value;
}

function fromJson(json: unknown): CursorValue {
  if (typeof json === 'string' || typeof json === 'number') return json;
  if (typeof json === 'object' && json !== null) {
    if ('big' in json && typeof json.big === 'string' && /^-?\d{1,19}$/.test(json.big)) return BigInt(json.big);
    // Instants that a DATETIME column can hold: years 1000 to 9999.
    if ('at' in json && Number.isInteger(json.at) && Math.abs(Number(json.at)) < 253_402_300_800_000)
      return new Date(Number(json.at));
  }
  throw invalidCursor();
}
