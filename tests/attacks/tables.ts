import { setTimeout as delay } from 'node:timers/promises';
import { type SubgraphName, subgraphNames } from '@souk/schema/subgraphs';
import { openSource, type Source } from '../invariants/source.ts';

/** What stands in all tables of a shop, as one number for each. */
export interface Tables {
  /** What stands there once nothing moves any more: what was done before is delivered to everybody whom it concerns. */
  settled(): Promise<Contents>;
  /** The tables that have changed since, but for those that may. Waits a moment, for what is written after the answer. */
  changedSince(before: Contents, mayChange: readonly string[]): Promise<string[]>;
  close(): Promise<void>;
}

/** Checksums by `subgraph.table`. */
type Contents = ReadonlyMap<string, string>;

const POLL_MS = 20;
const SETTLE_TIMEOUT_MS = 15_000;

export async function openTables(databaseUrls: Record<SubgraphName, string>): Promise<Tables> {
  const databases = await Promise.all(
    subgraphNames.map(async (name) => {
      const source = await openSource(databaseUrls[name]);
      const tables = await source.rows<{ name: string }>(
        "SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE'",
      );
      const names = tables
        .map((table) => table.name)
        .filter((table) => !(table in changedByTheClock) && !writtenByTheClock.has(table));
      return { name, source, checksum: `CHECKSUM TABLE ${names.join(', ')}` };
    }),
  );

  async function look(): Promise<Contents> {
    const looks = databases.map(async ({ name, source, checksum }) =>
      (await source.rows<{ Table: string; Checksum: string }>(checksum)).map(
        (row) => [`${name}.${row.Table.split('.').at(-1)}`, row.Checksum] as const,
      ),
    );
    const clocked = Object.entries(changedByTheClock).map(async ([table, { of, columns }]) => {
      const source = databases.find(({ name }) => name === of)?.source as Source;
      const sum = `SELECT COUNT(*) AS count, BIT_XOR(CRC32(CONCAT_WS('|', ${columns}))) AS checksum FROM ${table}`;
      return [`${of}.${table}`, JSON.stringify(await source.rows(sum))] as const;
    });
    return new Map([...(await Promise.all(looks)).flat(), ...(await Promise.all(clocked))]);
  }

  return {
    async settled() {
      const giveUpAt = Date.now() + SETTLE_TIMEOUT_MS;
      for (let before = await look(); ; ) {
        await delay(POLL_MS);
        // In this order: what is delivered meanwhile is seen by the look that follows.
        const waiting = await undelivered(databases);
        const now = await look();
        if (waiting === 0 && difference(before, now).length === 0) return now;
        if (Date.now() > giveUpAt)
          throw new Error(`Expected the shop to settle, but there is no end to changes of ${difference(before, now)}.`);
        before = now;
      }
    },
    async changedSince(before, mayChange) {
      await delay(POLL_MS);
      return difference(before, await look()).filter((table) => !mayChange.includes(table.split('.')[1] ?? ''));
    },
    async close() {
      await Promise.all(databases.map(({ source }) => source.close()));
    },
  };
}

/** Days are compared with the provider’s record when the clock says so, and after a start at once. */
const writtenByTheClock: ReadonlySet<string> = new Set(['reconciliations']);

/** Tables in which something changes long after the fact, and the columns that do not. */
const changedByTheClock: Record<string, { of: SubgraphName; columns: string }> = {
  // A sealed successor is erased when its time of grace is over.
  refresh_tokens: { of: 'user', columns: 'HEX(hash), HEX(session_id), expires_at, used_at, HEX(successor_hash)' },
  // An open payment is looked after every now and then, and its order is locked for that.
  order_states: { of: 'payment', columns: 'HEX(order_id), state' },
  payments: {
    of: 'payment',
    columns:
      'HEX(id), status, captured_minor, refunded_minor, refund_pending_minor, HEX(live_order_id), provider_reference, cancel_requested_at',
  },
};

const stillToDo: Partial<Record<SubgraphName, string>> = {
  user: "SELECT COUNT(*) AS count FROM mails WHERE state = 'QUEUED'",
  payment: 'SELECT COUNT(*) AS count FROM provider_events WHERE processed_at IS NULL',
};

async function undelivered(databases: readonly { name: SubgraphName; source: Source }[]): Promise<number> {
  const counts = databases.flatMap(({ name, source }) =>
    ["SELECT COUNT(*) AS count FROM outbox WHERE state IN ('PENDING', 'QUEUED')", stillToDo[name] ?? []]
      .flat()
      .map((question) => source.rows<{ count: string }>(question)),
  );
  return (await Promise.all(counts)).flat().reduce((sum, { count }) => sum + Number(count), 0);
}

function difference(before: Contents, now: Contents): string[] {
  return [...now].filter(([table, checksum]) => before.get(table) !== checksum).map(([table]) => table);
}
