import { setTimeout as delay } from 'node:timers/promises';
import { type SubgraphName, subgraphNames } from '@souk/schema/subgraphs';
import type { Sources } from './check.ts';

/** What is under way, by what it is and in whose database; the oldest tells who it waits for. */
export interface UnderWay {
  subgraph: SubgraphName;
  what: string;
  count: number;
}

/** Every kind of row that shows that something has begun and not ended. */
const signs: readonly { what: string; in: readonly SubgraphName[]; sql: string }[] = [
  { what: 'event not delivered', in: subgraphNames, sql: "FROM outbox WHERE state IN ('PENDING', 'QUEUED')" },
  {
    what: 'request at work',
    in: ['catalog', 'order', 'payment'],
    sql: 'FROM idempotency_keys WHERE answer IS NULL AND leased_until > CURRENT_TIMESTAMP(3)',
  },
  { what: 'checkout under way', in: ['order'], sql: "FROM checkouts WHERE state IN ('RUNNING', 'UNDOING')" },
  { what: 'order awaiting payment', in: ['order'], sql: "FROM orders WHERE status = 'AWAITING_PAYMENT'" },
  { what: 'stock held', in: ['catalog'], sql: "FROM stock_reservations WHERE status = 'HELD'" },
  {
    what: 'payment open',
    in: ['payment'],
    sql: "FROM payments WHERE status IN ('PROCESSING', 'REQUIRES_ACTION', 'AUTHORIZED')",
  },
  { what: 'refund on its way', in: ['payment'], sql: "FROM refunds WHERE status = 'PENDING'" },
  { what: 'provider event not processed', in: ['payment'], sql: 'FROM provider_events WHERE processed_at IS NULL' },
];

const POLL_MS = 100;

/** Waits until nothing is under way. Returns what still is when it gives up: nothing, when all has settled. */
export async function untilSettled(sources: Sources, { timeoutMs }: { timeoutMs: number }): Promise<UnderWay[]> {
  for (const giveUpAt = Date.now() + timeoutMs; ; await delay(POLL_MS)) {
    const found = await underWay(sources);
    if (found.length === 0 || Date.now() > giveUpAt) return found;
  }
}

/** One statement for each database, so that what moves within one is seen at one moment. Between two, the events that link them tell. */
async function underWay(sources: Sources): Promise<UnderWay[]> {
  const found = await Promise.all(
    subgraphNames.map(async (subgraph) => {
      const mine = signs.filter((sign) => sign.in.includes(subgraph));
      const sql = mine.map(({ what, sql }) => `SELECT '${what}' AS what, COUNT(*) AS count ${sql}`).join(' UNION ALL ');
      const rows = await sources[subgraph].rows<{ what: string; count: string }>(sql);
      return rows.map(({ what, count }) => ({ subgraph, what, count: Number(count) }));
    }),
  );
  return found.flat().filter(({ count }) => count > 0);
}
