import { eq, inArray } from 'drizzle-orm';
import { mysqlTable, QueryBuilder } from 'drizzle-orm/mysql-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesToId, firstIdAt, idColumn, idToBytes, madeAtMs, newId, parseId, typeOfId } from './id.ts';
import { type IdKind, idPrefixes } from './id-prefixes.ts';

const kinds = Object.keys(idPrefixes) as IdKind[];
const things = mysqlTable('things', { id: idColumn('Order', 'thing_id').notNull() });

describe('ids', () => {
  test('every kind has a prefix of its own', () => {
    expect(new Set(Object.values(idPrefixes)).size).toBe(kinds.length);
  });

  test('a new id names its kind and parses as it', () => {
    for (const kind of kinds) {
      const id = newId(kind);
      expect(typeOfId(id)).toBe(kind);
      expect(parseId(kind, id)).toBe(id);
    }
  });

  test('ids made later sort later, as text and as bytes', () => {
    const ids = Array.from({ length: 1_000 }, () => newId('Order'));
    expect([...ids].sort()).toEqual(ids);
    const bytes = ids.map((id) => idToBytes('Order', id));
    expect([...bytes].sort(Buffer.compare)).toEqual(bytes);
  });

  test('an id tells when it was made, and sorts after the first id of that instant and before the first of the next', () => {
    const before = Date.now();
    const id = newId('Event');
    const at = madeAtMs('Event', id);
    expect(at).toBeGreaterThanOrEqual(before);
    expect(at).toBeLessThanOrEqual(Date.now());
    expect(madeAtMs('Event', firstIdAt('Event', at))).toBe(at);
    expect(firstIdAt('Event', at) < id).toBe(true);
    expect(id < firstIdAt('Event', at + 1)).toBe(true);
  });

  test('bytes and text are the same id both ways', () => {
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.uint8Array({ minLength: 16, maxLength: 16 }), (kind, bytes) => {
        const id = bytesToId(kind, bytes);
        expect(parseId(kind, id)).toBe(id);
        expect(Buffer.compare(idToBytes(kind, id), bytes)).toBe(0);
      }),
    );
  });

  test('an id of another kind is refused, naming the expected prefix', () => {
    const id = newId('Product');
    expect(() => parseId('Order', id)).toThrow(
      `Expected the id of type Order, which begins with "ordr_", got "${id}".`,
    );
    expect(() => parseId('Order', id)).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT' }));
  });

  test.each([
    '',
    'ordr',
    'ordr_',
    'ordr_01h',
    `ordr_8${'0'.repeat(25)}`,
    `ordr_${'u'.repeat(26)}`,
    `ORDR_${'0'.repeat(26)}`,
    `ordr_${'0'.repeat(26)}\n`,
    `ordr_${'0'.repeat(27)}`,
    `nope_${'0'.repeat(26)}`,
    '0'.repeat(26),
    "ordr_' OR 1=1 --",
  ])('%j is no id', (text) => {
    expect(typeOfId(text)).toBeUndefined();
    expect(() => parseId('Order', text)).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT' }));
  });

  test('no text is both accepted and changed', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(typeOfId(text)).toBeUndefined();
        expect(typeOfId(`ordr_${text}`) === undefined || text.length === 26).toBe(true);
      }),
    );
  });

  test('a long wrong id is quoted in part only', () => {
    expect(() => parseId('Order', 'x'.repeat(10_000))).toThrow(/^.{1,160}$/);
  });
});

describe('an id column', () => {
  const query = new QueryBuilder();

  test('sends 16 bytes', () => {
    const id = newId('Order');
    const { params } = query
      .select()
      .from(things)
      .where(inArray(things.id, [id]))
      .toSQL();
    expect(params).toEqual([idToBytes('Order', id)]);
    expect(things.id.getSQLType()).toBe('binary(16)');
    expect(things.id.mapFromDriverValue(idToBytes('Order', id))).toBe(id);
  });

  test.each([newId('Product'), '0', 0, {}, true])('refuses %j before there is SQL', (value) => {
    expect(() =>
      query
        .select()
        .from(things)
        .where(eq(things.id, value as string))
        .toSQL(),
    ).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT' }));
  });
});
