import { setTimeout as delay } from 'node:timers/promises';
import type { SubgraphName } from '@souk/schema/subgraphs';
import { createPool, type RowDataPacket } from 'mysql2/promise';
import type { Rig } from '../rig.ts';

/** The rows of a rig, past the shop: to see what has happened, and to turn the clock. Tables are named with their database, as `souk_order.orders`. */
export interface Rows {
  /** The rows of a SELECT, or nothing for a statement that writes. */
  ask<Row>(sql: string, values?: unknown[]): Promise<Row[]>;
  /** Resolves to the first row of a SELECT as soon as it has one. */
  until<Row>(sql: string, values?: unknown[]): Promise<Row>;
  /** Resolves when a statement in the database of this subgraph waits for a lock. */
  untilOneWaits(subgraph: SubgraphName): Promise<void>;
  close(): Promise<void>;
}

const POLL_MS = 20;
/** InnoDB renews its list of transactions only for those who have not asked for it within 100 ms. */
const WAITS_POLL_MS = 110;
const PATIENCE_MS = 60_000;

export function openRows(rig: Rig): Rows {
  const pool = createPool({ uri: rig.databaseUrls.order, timezone: 'Z', supportBigNumbers: true });

  async function ask<Row>(sql: string, values: unknown[] = []): Promise<Row[]> {
    const [rows] = await pool.query<RowDataPacket[]>(sql, values);
    return Array.isArray(rows) ? (rows as Row[]) : [];
  }

  async function until<Row>(sql: string, values: unknown[] = []): Promise<Row> {
    for (const giveUpAt = Date.now() + PATIENCE_MS; ; await delay(POLL_MS)) {
      const [row] = await ask<Row>(sql, values);
      if (row) return row;
      if (Date.now() > giveUpAt) throw new Error(`Expected a row within ${PATIENCE_MS} ms of: ${sql}`);
    }
  }

  let looking: Promise<string[]> | undefined;
  /** Where somebody waits. All who want to know ask together: if they asked one after another, nobody would see anything new. */
  function databasesWithWaits(): Promise<string[]> {
    looking ??= delay(WAITS_POLL_MS)
      .then(() => ask<{ name: string }>(waits))
      .then((found) => found.map(({ name }) => name))
      .finally(() => {
        looking = undefined;
      });
    return looking;
  }

  return {
    ask,
    until,
    async untilOneWaits(subgraph) {
      const giveUpAt = Date.now() + PATIENCE_MS;
      while (!(await databasesWithWaits()).includes(`souk_${subgraph}`)) {
        if (Date.now() > giveUpAt) throw new Error(`Nobody waited for a lock in ${subgraph} within ${PATIENCE_MS} ms.`);
      }
    },
    close: () => pool.end(),
  };
}

const waits = `
  SELECT p.db AS name FROM information_schema.innodb_trx t
  JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id WHERE t.trx_state = 'LOCK WAIT'`;
