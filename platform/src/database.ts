import { AsyncLocalStorage } from 'node:async_hooks';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type SQL, sql } from 'drizzle-orm';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { type AnyMySqlColumn, bigint, customType, datetime } from 'drizzle-orm/mysql-core';
import { drizzle, type MySql2Database } from 'drizzle-orm/mysql2';
import { migrate as applyMigrations } from 'drizzle-orm/mysql2/migrator';
import type { PoolConnection } from 'mysql2';
import { createConnection, createPool, type Pool, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise';
import { Counter } from 'prom-client';
import { type Bulkhead, createBulkhead } from './bulkhead.ts';
import { timeLeftMs } from './deadline.ts';
import { Patience } from './patience.ts';
import './sql-statements.ts';

/** A subgraph's own store. Reads outside a transaction go here. */
export type Database = MySql2Database;
/** What `transaction` hands to its work: everything done through it commits or rolls back together. */
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];
/** Whatever a read may go through: the store itself, or the transaction that must see its own writes. */
export type Reader = Database | Transaction;

export interface OpenDatabase {
  db: Database;
  /** Resolves when the store answers; rejects otherwise. For readiness. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

const redone = new Counter({
  name: 'souk_sql_redone_total',
  help: 'Transactions that were rolled back and done again, by reason. Deadlocks mean that locks are not taken in one order.',
  labelNames: ['reason'],
});

/** Opens a pool on one MySQL or MariaDB database. Times are UTC on both sides; BIGINT and DECIMAL arrive without loss. */
export function openDatabase({ url, poolSize = 10 }: { url: string; poolSize?: number }): OpenDatabase {
  const pool = createPool({
    uri: url,
    connectionLimit: poolSize,
    timezone: 'Z',
    supportBigNumbers: true,
    bigNumberStrings: true,
    enableKeepAlive: true,
    connectTimeout: 5_000,
    maxPreparedStatements: 500,
  });
  prepareSessions(pool);
  boundWaits(pool);
  const db = drizzle({ client: pool });
  turns.set(db, createBulkhead({ maxUnderWay: Math.ceil(poolSize * FOR_TRANSACTIONS), ...withoutLimit }));
  return {
    db,
    ping: async () => {
      await pool.query('SELECT 1');
    },
    close: () => pool.end(),
  };
}

/**
 * Every session speaks UTC, waits 1 s for a lock and gives a statement 2 s, whichever of the two servers it talks to. A lock must be given up
 * before the statement is, because MariaDB counts the wait as part of the statement, and only a lock wait is worth doing again.
 */
function prepareSessions(pool: Pool): void {
  pool.pool.on('connection', (connection) => {
    // All are queued before the first statement of whoever asked for the connection. A session that cannot be prepared must not be used.
    connection.query("SET time_zone = '+00:00', innodb_lock_wait_timeout = 1", (error) => {
      if (error) connection.destroy();
    });
    // The statement limit has another name and unit on each server: seconds on MariaDB, milliseconds (reads only) on MySQL. The other's is unknown.
    connection.query('SET max_statement_time = 2', () => {});
    connection.query('SET max_execution_time = 2000', () => {});
    cutWhenSilent(connection);
  });
}

/** No statement takes this long, so a server that is silent meanwhile is gone: without this, TCP would wait for it a quarter of an hour. */
const SILENCE_MS = 6_000;

function cutWhenSilent(connection: PoolConnection): void {
  const { stream } = connection as unknown as { stream: Socket };
  stream.setTimeout(SILENCE_MS, () => {
    // Nobody expects an idle connection to say anything.
    if ((connection as unknown as { _released?: boolean })._released) return;
    stream.destroy(Object.assign(new Error(`The store said nothing for ${SILENCE_MS} ms.`), { code: 'ETIMEDOUT' }));
  });
}

/**
 * Transactions wait for one another's locks, each with a connection in its hands. They get no more than this part of all, so that whoever only reads soon finds
 * one, however many want the same row.
 */
const FOR_TRANSACTIONS = 2 / 3;
const turns = new WeakMap<Database, Bulkhead>();
/** Who waits too long leaves by himself. */
const withoutLimit = { maxWaiting: Number.POSITIVE_INFINITY, onQueue() {} };

/** Waits until one more transaction may begin. Gives what says that it has ended. */
async function turnOf(db: Database): Promise<() => void> {
  const timeoutMs = acquireTimeoutMs();
  const patience = new Patience({ timeoutMs });
  try {
    return (await turns.get(db)?.enter(patience)) ?? (() => {});
  } catch {
    throw noConnection(timeoutMs);
  } finally {
    patience.end();
  }
}

/** Whoever waited this long for a free connection is told so: his client has given up long ago. */
const ACQUIRE_TIMEOUT_MS = 5_000;
/** Work that goes on after its deadline, such as giving back a lease, may wait this long. */
const ACQUIRE_TIMEOUT_WHEN_LATE_MS = 250;

function acquireTimeoutMs(): number {
  return Math.min(ACQUIRE_TIMEOUT_MS, Math.max(ACQUIRE_TIMEOUT_WHEN_LATE_MS, timeLeftMs()));
}

function noConnection(timeoutMs: number): Error {
  const error = new Error(`No connection became free within ${timeoutMs} ms.`);
  return Object.assign(error, { code: 'ETIMEDOUT', errno: 0 });
}

/**
 * The driver lets requests wait for a connection for ever, so that a store that hangs would gather them until memory ends.
 * Nor does anybody wait here for longer than somebody waits for the answer.
 */
function boundWaits({ pool }: Pool): void {
  const acquire = pool.getConnection.bind(pool);
  pool.getConnection = (done) => {
    // Else what follows would belong to whoever gave the connection back.
    const callback = AsyncLocalStorage.bind(done);
    let waiting = true;
    const timeoutMs = acquireTimeoutMs();
    const timer = setTimeout(() => {
      waiting = false;
      callback(noConnection(timeoutMs) as NodeJS.ErrnoException, undefined as never);
    }, timeoutMs);
    acquire((error, connection) => {
      clearTimeout(timer);
      if (waiting) callback(error, connection);
      else connection?.release();
    });
  };
}

/** Deadlock; lock wait timeout (rolls back one statement only, so the whole unit is redone); record changed since last read (MariaDB). */
const retryableErrors = new Map([
  [1213, 'deadlock'],
  [1205, 'lock_wait'],
  [1020, 'changed'],
]);
const MAX_ATTEMPTS = 4;

/** What is to be done after transactions under way. */
const afterwards = new WeakMap<Transaction, ((db: Database) => void)[]>();

/**
 * Has something done when a transaction has ended, however it ended: one whose connection is lost at COMMIT may have been committed. One that is done
 * again does so for each time. `effect` must not throw.
 */
export function afterTransaction(tx: Transaction, effect: (db: Database) => void): void {
  afterwards.set(tx, [...(afterwards.get(tx) ?? []), effect]);
}

/**
 * Runs `work` in one READ COMMITTED transaction. On a deadlock or a lock wait everything is rolled back and the *whole* unit is done again,
 * at most three times, after a short random pause: so `work` must touch nothing but the transaction and must make no network call.
 *
 * @throws whatever `work` throws, after the roll-back; the driver's error when the retries are used up
 */
export async function transaction<Result>(db: Database, work: (tx: Transaction) => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    let failure: { reason: unknown } | undefined;
    let begun: Transaction | undefined;
    const end = await turnOf(db);
    try {
      return await db.transaction(
        async (tx) => {
          begun = tx;
          try {
            return await work(tx);
          } catch (reason) {
            failure = { reason };
            throw reason;
          }
        },
        { isolationLevel: 'read committed' },
      );
    } catch (error) {
      // When the connection is lost, the roll-back fails as well and would hide why it was wanted. The server rolls back what it loses.
      const reason = failure ? failure.reason : error;
      const code = errorNumber(reason);
      const why = code === undefined ? undefined : retryableErrors.get(code);
      if (why === undefined || attempt === MAX_ATTEMPTS) throw reason;
      redone.inc({ reason: why });
    } finally {
      end();
      for (const effect of (begun && afterwards.get(begun)) ?? []) effect(db);
    }
    await delay(Math.random() * 20 * 2 ** attempt);
  }
}

/** The server's error number behind an error, however deep drizzle wrapped it; undefined when the server did not answer. */
export function errorNumber(error: unknown): number | undefined {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if ('errno' in cause && typeof cause.errno === 'number' && cause.errno > 0) return cause.errno;
  }
  return undefined;
}

/** Statement took longer than it may, on MariaDB and MySQL. */
const ER_STATEMENT_TIMEOUT = new Set([1969, 3024]);

/** Whether a statement was ended because it took too long: what it stood in was rolled back. */
export function isStatementTimeout(error: unknown): boolean {
  return ER_STATEMENT_TIMEOUT.has(errorNumber(error) ?? 0);
}

/** Server errors that mean "not now": too many connections, shutting down, connection killed, read only (a fail-over), and a lock that stayed taken. */
const passingErrors = new Set([1040, 1053, 1203, 1290, 1792, 1836, 1927, 3100, ...retryableErrors.keys()]);

/** Whether an error says that the store cannot be used at the moment, which passes, and says nothing about the statement. */
export function isStoreAway(error: unknown): boolean {
  const code = errorNumber(error);
  if (code !== undefined && passingErrors.has(code)) return true;
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string' && socketErrors.test(cause.code)) return true;
    // The driver gives these no code.
    if (
      /^(Can't add new command when connection is in closed state|Connection lost|Pool is closed)/.test(cause.message)
    )
      return true;
  }
  return false;
}

const socketErrors = /^(ECONN|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|PROTOCOL_CONNECTION_LOST)/;

/** MySQL: duplicate entry. */
const ER_DUP_ENTRY = 1062;

/** Whether a statement failed on a unique index; with `index`, on that one. */
export function isDuplicateKey(error: unknown, index?: string): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    // "Duplicate entry 'what was sent' for key 'index'", or 'table.index' on MySQL: only the end is the server's own word.
    if ('errno' in cause && cause.errno === ER_DUP_ENTRY)
      return !index || /for key '(?:[^'.]*\.)?([^']*)'$/.exec(cause.message)?.[1] === index;
  }
  return false;
}

/** How many rows a write matched and changed: 1 means a compare-and-set won. */
export function affectedRows([result]: [ResultSetHeader, unknown]): number {
  return result.affectedRows;
}

/**
 * Guards a WHERE clause that must not be empty: drizzle drops an undefined condition, and the statement would then touch every row.
 *
 * @throws {TypeError} when there is no condition
 */
export function must(condition: SQL | undefined): SQL {
  if (!condition) throw new TypeError('Expected a condition for WHERE, got none: the statement would touch every row.');
  return condition;
}

/**
 * A column to compare with, but not to search by. A compare-and-set finds its row by the primary key; where the server found it by an index on the status
 * instead, it would lock the index first and the row second, the other way round than those who have locked the row, and both would wait in a circle.
 */
export function notSearched(column: AnyMySqlColumn): SQL<string> {
  return sql`CONCAT(${column})`;
}

/** The store's clock, the only one that decides what has expired. Milliseconds, UTC. */
export const now: SQL<Date> = sql`CURRENT_TIMESTAMP(3)`;

/** The store's clock plus some seconds (minus, when negative). */
export function nowPlus(seconds: number): SQL<Date> {
  return sql`(CURRENT_TIMESTAMP(3) + INTERVAL ${seconds} SECOND)`;
}

/** An instant column, UTC, in milliseconds. */
export const instant = (name: string) => datetime(name, { mode: 'date', fsp: 3 });
/** When the row was inserted. */
export const createdAt = () => instant('created_at').notNull().default(now);
/** When the row was last written. Drizzle sets it, because the two servers spell ON UPDATE differently. */
export const updatedAt = () =>
  instant('updated_at')
    .notNull()
    .default(now)
    .$onUpdate(() => now as unknown as Date);
/** Text that is compared to the letter: keys, hashes, codes. The databases' default would call `abc` and `ABC` the same. */
export const exactText = (name: string, length: number) =>
  customType<{ data: string }>({ dataType: () => `varchar(${length}) COLLATE utf8mb4_bin` })(name);
/** An amount of money in minor units; the currency stands in a column of its own. */
export const amountMinor = (name: string) => bigint(name, { mode: 'bigint' });

/**
 * Applies the migrations of `folder` in order. Safe to call from several processes at once: a named lock on the server lets one through.
 * `url` is the migration account's, which may change tables; the subgraph's own account may not.
 *
 * @returns how many migrations the folder holds
 * @throws when another process keeps the lock for `lockTimeoutSeconds`
 */
export async function migrate({
  url,
  folder,
  lockTimeoutSeconds = 60,
}: {
  url: string;
  folder: string;
  lockTimeoutSeconds?: number;
}): Promise<number> {
  const connection = await createConnection({ uri: url, timezone: 'Z', multipleStatements: false });
  const lock = `souk:migrate:${new URL(url).pathname.slice(1)}`;
  try {
    const [[row]] = await connection.query<RowDataPacket[]>('SELECT GET_LOCK(?, ?) AS locked', [
      lock,
      lockTimeoutSeconds,
    ]);
    if (Number(row?.['locked']) !== 1) {
      throw new Error(`Expected ${lock} to become free within ${lockTimeoutSeconds} s. Is another migration stuck?`);
    }
    await applyMigrations(drizzle({ client: connection }), { migrationsFolder: folder });
    return readMigrationFiles({ migrationsFolder: folder }).length;
  } finally {
    await connection.query('SELECT RELEASE_LOCK(?)', [lock]).catch(() => {});
    await connection.end();
  }
}
