import { customType } from 'drizzle-orm/mysql-core';
import { fromUUIDBytes, toUUIDBytes, typeidUnboxed } from 'typeid-js';
import { badUserInput } from './errors.ts';
import { type IdKind, idPrefixes } from './id-prefixes.ts';

/**
 * A new id of this kind, later in sort order than every id this process made before. That order is bought with predictability:
 * it is a name, never a secret, so knowing one must not be what grants access.
 */
export function newId(kind: IdKind): string {
  return typeidUnboxed(idPrefixes[kind]);
}

/**
 * Checks an id that came from outside.
 *
 * @returns the same string
 * @throws BAD_USER_INPUT naming the expected prefix, when it is of another kind or no id at all
 */
export function parseId(kind: IdKind, value: string): string {
  if (typeOfId(value) === kind) return value;
  const actual = typeof value === 'string' ? JSON.stringify(shorten(value)) : typeof value;
  throw badUserInput(`Expected the id of type ${kind}, which begins with "${idPrefixes[kind]}_", got ${actual}.`);
}

/** The kind a well-formed id names; undefined for anything else. Says nothing about whether the object exists. */
export function typeOfId(value: string): IdKind | undefined {
  return typeof value === 'string' && wellFormed.test(value)
    ? kindOfPrefix.get(value.slice(0, value.lastIndexOf('_')))
    : undefined;
}

/**
 * The 16 bytes stored for an id.
 *
 * @throws BAD_USER_INPUT when it is not an id of this kind
 */
export function idToBytes(kind: IdKind, id: string): Buffer {
  const bytes = toUUIDBytes(parseId(kind, id) as Parameters<typeof toUUIDBytes>[0]);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The id whose 16 bytes were stored. */
export function bytesToId(kind: IdKind, bytes: Uint8Array): string {
  return fromUUIDBytes(idPrefixes[kind], bytes);
}

/** When an id was made, in milliseconds since 1970: it stands in the first 48 bits of a UUIDv7 (RFC 9562, section 5.7). */
export function madeAtMs(kind: IdKind, id: string): number {
  return idToBytes(kind, id).readUIntBE(0, 6);
}

/** The lowest id that can be made at an instant: all that are made later sort after it. */
export function firstIdAt(kind: IdKind, instantMs: number): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(Math.max(0, Math.floor(instantMs)), 0, 6);
  return bytesToId(kind, bytes);
}

/**
 * A BINARY(16) column read and written as the TypeID string. What is not an id of this kind never reaches SQL:
 * building the statement throws BAD_USER_INPUT.
 */
export function idColumn(kind: IdKind, name?: string) {
  const column = customType<{ data: string; driverData: Buffer }>({
    dataType: () => 'binary(16)',
    toDriver: (id) => idToBytes(kind, id),
    fromDriver: (bytes) => bytesToId(kind, bytes),
  });
  return name === undefined ? column() : column(name);
}

/** Base 32 has no i, l, o, u; the first character holds only three bits of the 128. */
const wellFormed = /^[a-z_]{1,63}_[0-7][0-9a-hjkmnp-tv-z]{25}$/;

const kindOfPrefix = new Map(Object.entries(idPrefixes).map(([kind, prefix]) => [prefix as string, kind as IdKind]));

function shorten(text: string): string {
  return text.length > 64 ? `${text.slice(0, 64)}…` : text;
}
