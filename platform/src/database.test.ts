import { setTimeout as delay } from 'node:timers/promises';
import { createEmptyDatabase, type TestDatabase } from '@souk/dev/test-database';
import { eq, sql } from 'drizzle-orm';
import { int, mysqlTable } from 'drizzle-orm/mysql-core';
import { createConnection } from 'mysql2/promise';
import { register } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTcpProxy } from '../test/tcp-proxy.ts';
import {
  affectedRows,
  amountMinor,
  createdAt,
  isDuplicateKey,
  isStoreAway,
  migrate,
  must,
  type OpenDatabase,
  openDatabase,
  type Transaction,
  transaction,
} from './database.ts';
import { withDeadline } from './deadline.ts';
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
        await add(from, -10n)(tx);
        // Neither asks for the other's lock before both have their own.
        if (++attempts === 2) meet.resolve();
        await meet.promise;
        await add(to, 10n)(tx);
      });

    await Promise.all([transfer(1, 2), transfer(2, 1)]);

    expect(attempts).toBeGreaterThan(2);
    const redone = await register.getSingleMetric('souk_sql_redone_total')?.get();
    expect(redone?.values).toEqual([{ labels: { reason: 'deadlock' }, value: attempts - 2 }]);
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

describe('a transaction whose connection is lost', () => {
  const cutOff = async (tx: Transaction) => {
    const [[row]] = (await tx.execute(sql`SELECT CONNECTION_ID() AS id`)) as unknown as [[{ id: number }]];
    await database.db.execute(sql.raw(`KILL ${row.id}`));
    await new Promise((resolve) => setTimeout(resolve, 50));
  };
  const failureOf = (work: (tx: Transaction) => Promise<unknown>) =>
    transaction(database.db, work).then(
      () => undefined,
      (reason: unknown) => reason,
    );

  it('fails at COMMIT with an error that says the store is away, and leaves nothing', async () => {
    const error = await failureOf(async (tx) => {
      await tx.insert(accounts).values({ id: 10, balanceMinor: 1n });
      await cutOff(tx);
    });
    expect(isStoreAway(error)).toBe(true);
    expect(await database.db.select().from(accounts).where(eq(accounts.id, 10))).toEqual([]);
  });

  it('keeps the reason why the work gave up, although the roll-back fails as well', async () => {
    const error = await failureOf(async (tx) => {
      await cutOff(tx);
      throw new Error('changed my mind');
    });
    expect(error).toMatchObject({ message: 'changed my mind' });
  });
});

it('does a transaction again that waited for a lock in vain', async () => {
  const { db } = database;
  await db.insert(accounts).values({ id: 20, balanceMinor: 1n });
  const release = Promise.withResolvers<void>();
  const locked = Promise.withResolvers<void>();
  const double = (tx: Transaction) =>
    tx
      .update(accounts)
      .set({ balanceMinor: sql`${accounts.balanceMinor} * 2` })
      .where(eq(accounts.id, 20));
  const holder = transaction(db, async (tx) => {
    await double(tx);
    locked.resolve();
    await release.promise;
  });
  await locked.promise;
  let attempts = 0;
  const waiting = transaction(db, (tx) => {
    if (++attempts === 2) release.resolve();
    return double(tx);
  });
  await Promise.all([holder, waiting]);
  expect(attempts).toBeGreaterThan(1);
  expect(await db.select().from(accounts).where(eq(accounts.id, 20))).toMatchObject([{ balanceMinor: 4n }]);
});

describe('a store that hangs', () => {
  it('is given up, by those who wait for a connection too, and used again when it is back', async () => {
    const url = new URL(store.url);
    const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
    url.host = `127.0.0.1:${proxy.port}`;
    const hanging = openDatabase({ url: url.href, poolSize: 1 });
    await hanging.ping();
    proxy.freeze();
    const started = Date.now();
    const outcomes = await Promise.allSettled([
      hanging.db.select().from(accounts),
      transaction(hanging.db, (tx) => tx.select().from(accounts)),
    ]);
    expect(Date.now() - started).toBeLessThan(9_000);
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && isStoreAway(outcome.reason))).toEqual([
      true,
      true,
    ]);
    await proxy.heal();
    await hanging.ping();
    await hanging.close();
    await proxy.close();
  });
});

describe('migrate', () => {
  it('does nothing while another process holds the lock, and says so', async () => {
    const other = await createConnection({ uri: store.adminUrl });
    await other.query('SELECT GET_LOCK(?, 0)', [`souk:migrate:${new URL(store.url).pathname.slice(1)}`]);
    await expect(migrate({ url: store.adminUrl, folder: '/nowhere', lockTimeoutSeconds: 0 })).rejects.toThrow(
      'Is another migration stuck?',
    );
    await other.end();
  });
});

describe('a pool', () => {
  it('keeps nobody waiting for a connection longer than somebody waits for the answer', async () => {
    const narrow = openDatabase({ url: store.url, poolSize: 1 });
    const { promise: done, resolve: finish } = Promise.withResolvers<void>();
    const { promise: held, resolve: hold } = Promise.withResolvers<void>();
    const holder = transaction(narrow.db, async () => {
      hold();
      await done;
    });
    await held;
    const patient = narrow.ping();
    const hurried = await withDeadline(Date.now() + 300, narrow.ping).catch((error: unknown) => error);
    expect(isStoreAway(hurried)).toBe(true);
    finish();
    await Promise.all([holder, patient]);
    await narrow.close();
  });

  it('lets nobody who reads wait for those who wait for a lock', async () => {
    const pool = openDatabase({ url: store.url, poolSize: 3 });
    await pool.db.insert(accounts).values({ id: 100, balanceMinor: 0n });
    const { promise: done, resolve: finish } = Promise.withResolvers<void>();
    const add = (tx: Transaction) =>
      tx
        .update(accounts)
        .set({ balanceMinor: sql`${accounts.balanceMinor} + 1` })
        .where(eq(accounts.id, 100));
    const holder = transaction(pool.db, async (tx) => {
      await add(tx);
      await done;
    });
    const others = Array.from({ length: 5 }, () => transaction(pool.db, add));
    // Both connections that transactions may have are taken.
    await delay(50);
    await withDeadline(Date.now() + 500, pool.ping);
    finish();
    await Promise.all([holder, ...others]);
    const [row] = await pool.db.select().from(accounts).where(eq(accounts.id, 100));
    expect(row?.balanceMinor).toBe(6n);
    await pool.close();
  });

  it('prepares a session before its first statement', async () => {
    const fresh = openDatabase({ url: store.url, poolSize: 1 });
    const [[row]] = (await fresh.db.execute(
      sql`SELECT @@time_zone AS zone, @@innodb_lock_wait_timeout AS lockSeconds, @@max_statement_time AS statementSeconds`,
    )) as unknown as [[Record<string, unknown>]];
    await fresh.close();
    expect(row).toMatchObject({ zone: '+00:00', lockSeconds: '1', statementSeconds: 2 });
  });

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
    // What was sent is repeated in the message and must not be mistaken for the index.
    expect(isDuplicateKey(error, '4')).toBe(false);
    expect(affectedRows(await database.db.delete(accounts).where(eq(accounts.id, 999)))).toBe(0);
  });
});

it('must refuses to leave a statement without a condition', () => {
  expect(() => must(undefined)).toThrow(TypeError);
});
