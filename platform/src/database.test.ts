import { createEmptyDatabase, type TestDatabase } from '@souk/dev/test-database';
import { eq, sql } from 'drizzle-orm';
import { int, mysqlTable } from 'drizzle-orm/mysql-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  affectedRows,
  amountMinor,
  createdAt,
  isDuplicateKey,
  must,
  type OpenDatabase,
  openDatabase,
  transaction,
} from './database.ts';
import { createTables } from './test-tables.ts';

const accounts = mysqlTable('accounts', {
  id: int('id').primaryKey(),
  balanceMinor: amountMinor('balance_minor').notNull(),
  createdAt: createdAt(),
});

let store: TestDatabase;
let database: OpenDatabase;

beforeAll(async () => {
  store = await createEmptyDatabase();
  database = openDatabase({ url: store.url });
  await createTables(database.db, { accounts });
});

afterAll(async () => {
  await database.close();
  await store.drop();
});

describe('transaction', () => {
  it('does the whole unit again after a deadlock, so that no half of it stays', async () => {
    const { db } = database;
    await db.insert(accounts).values([
      { id: 1, balanceMinor: 100n },
      { id: 2, balanceMinor: 100n },
    ]);
    const add = (id: number, amount: bigint) => (tx: Parameters<Parameters<typeof db.transaction>[0]>[0]) =>
      tx
        .update(accounts)
        .set({ balanceMinor: sql`${accounts.balanceMinor} + ${amount}` })
        .where(eq(accounts.id, id));
    let attempts = 0;
    const meet = Promise.withResolvers<void>();
    const transfer = (from: number, to: number) =>
      transaction(db, async (tx) => {
        if (++attempts === 2) meet.resolve();
        await add(from, -10n)(tx);
        await meet.promise;
        await add(to, 10n)(tx);
      });

    await Promise.all([transfer(1, 2), transfer(2, 1)]);

    expect(attempts).toBeGreaterThan(2);
    const rows = await db.select({ balanceMinor: accounts.balanceMinor }).from(accounts).orderBy(accounts.id);
    expect(rows).toEqual([{ balanceMinor: 100n }, { balanceMinor: 100n }]);
  });

  it('rolls back everything when the work throws', async () => {
    const failing = transaction(database.db, async (tx) => {
      await tx.insert(accounts).values({ id: 3, balanceMinor: 1n });
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    expect(await database.db.select().from(accounts).where(eq(accounts.id, 3))).toEqual([]);
  });
});

describe('a pool', () => {
  it('reads what was committed, in UTC, with amounts beyond 2^53 intact', async () => {
    const large = 9_007_199_254_740_993n;
    await database.db.insert(accounts).values({ id: 4, balanceMinor: large });
    const [row] = await database.db.select().from(accounts).where(eq(accounts.id, 4));
    expect(row?.balanceMinor).toBe(large);
    expect(Math.abs((row?.createdAt.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it('gives a statement two seconds', async () => {
    await expect(database.db.execute(sql`SELECT SLEEP(4) FROM ${accounts}`)).rejects.toThrow();
  });

  it('tells a duplicate key by its index, and a matched row by its count', async () => {
    const insert = database.db.insert(accounts).values({ id: 4, balanceMinor: 1n });
    const error = await insert.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(isDuplicateKey(error, 'PRIMARY')).toBe(true);
    expect(isDuplicateKey(error, 'another_index')).toBe(false);
    expect(affectedRows(await database.db.delete(accounts).where(eq(accounts.id, 999)))).toBe(0);
  });
});

it('must refuses to leave a statement without a condition', () => {
  expect(() => must(undefined)).toThrow(TypeError);
});
