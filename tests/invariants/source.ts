import { bytesToId } from '@souk/platform/id';
import type { IdKind } from '@souk/platform/id-prefixes';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { type Breaking, type Example, MAX_EXAMPLES } from './invariant.ts';

/** One database, seen through one connection that can only read. Questions asked at the same time are answered one after another. */
export interface Source {
  /** The rows of a SELECT. BIGINT, DECIMAL and SUM arrive as text, ids as bytes. */
  rows<Row>(sql: string, values?: unknown[]): Promise<Row[]>;
  /** The rows of a SELECT as rows that break an invariant: all counted, some shown. Columns named like ids in the API are shown like them. */
  breaking(sql: string, values?: unknown[]): Promise<Breaking>;
  /** The same database, for somebody who wants to hear how long each answer took. */
  timed(hear: (ms: number) => void): Source;
  /** Itself the same for all who look through it. */
  readonly connection: object;
  close(): Promise<void>;
}

const STATEMENT_LIMIT_SECONDS = 30;

/** Opens a database for reading. The account should have no other right; should it have more, the session still refuses to write. */
export async function openSource(url: string): Promise<Source> {
  const connection = await createConnection({
    uri: url,
    timezone: 'Z',
    supportBigNumbers: true,
    bigNumberStrings: true,
    connectTimeout: 5_000,
  });
  await prepareSession(connection);

  let last: Promise<unknown> = Promise.resolve();
  async function ask(sql: string, values: unknown[], hear: (ms: number) => void): Promise<RowDataPacket[]> {
    const before = last;
    const { promise, resolve } = Promise.withResolvers<void>();
    last = promise;
    await before;
    const startedAt = performance.now();
    try {
      const [rows] = await connection.query<RowDataPacket[]>(sql, values);
      return rows;
    } finally {
      hear(performance.now() - startedAt);
      resolve();
    }
  }

  const source = (hear: (ms: number) => void): Source => ({
    rows: async <Row>(sql: string, values: unknown[] = []) => (await ask(sql, values, hear)) as Row[],

    async breaking(sql, values = []) {
      const counted = `SELECT found.*, COUNT(*) OVER () AS total FROM (${sql}) found LIMIT ${MAX_EXAMPLES}`;
      const rows = await ask(counted, values, hear);
      return {
        count: Number(rows[0]?.['total'] ?? 0),
        examples: rows.map(({ total: _total, ...row }) => readable(row)),
      };
    },

    timed: (listener) => source(listener),
    connection,
    close: () => connection.end(),
  });
  return source(() => {});
}

async function prepareSession(connection: Connection): Promise<void> {
  await connection.query("SET time_zone = '+00:00'");
  await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY');
  const [rows] = await connection.query<RowDataPacket[]>('SELECT VERSION() AS version');
  const isMariaDb = String(rows[0]?.['version']).includes('MariaDB');
  await connection.query(
    isMariaDb
      ? `SET max_statement_time = ${STATEMENT_LIMIT_SECONDS}`
      : `SET max_execution_time = ${STATEMENT_LIMIT_SECONDS * 1_000}`,
  );
}

/** The kind of thing a column of this name is the id of. */
const idColumns: Record<string, IdKind> = {
  orderId: 'Order',
  variantId: 'ProductVariant',
  paymentId: 'Payment',
  refundId: 'Refund',
  transactionId: 'LedgerTransaction',
  eventId: 'Event',
  sessionId: 'Session',
  userId: 'User',
};

/** A row as a person reads it. */
export function readable(row: Record<string, unknown>): Example {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, readableValue(value, idColumns[name])]));
}

function readableValue(value: unknown, kind: IdKind | undefined): Example[string] {
  if (Buffer.isBuffer(value)) return kind && value.length === 16 ? bytesToId(kind, value) : value.toString('hex');
  if (value instanceof Date) return value.toISOString();
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  return JSON.stringify(value);
}

/** An instant that lies so long in the past, by the database's clock. */
export const ago = (seconds: number) => `(CURRENT_TIMESTAMP(3) - INTERVAL ${seconds} SECOND)`;

const CHUNK = 1_000;

/** Asks about many ids, some at a time: `sql` has one `IN (?)`. */
export async function rowsOf<Row>(source: Source, sql: string, ids: readonly Buffer[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (let start = 0; start < ids.length; start += CHUNK) {
    rows.push(...(await source.rows<Row>(sql, [ids.slice(start, start + CHUNK)])));
  }
  return rows;
}
