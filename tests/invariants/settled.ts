import { setTimeout as delay } from 'node:timers/promises';
import { producersFor } from '@souk/platform/events';
import { bytesToId } from '@souk/platform/id';
import type { IdKind } from '@souk/platform/id-prefixes';
import { type SubgraphName, subgraphNames } from '@souk/schema/subgraphs';
import type { Source } from './source.ts';

/** What has begun in a database and not come to its end. */
export interface UnderWay {
  subgraph: SubgraphName;
  what: string;
  count: number;
  /** The one that has been under way longest, as far as its name tells: an id, or the key that a client or provider gave it. */
  oldest: string;
}

/** Where things are under way. */
type Shop = Record<SubgraphName, Source>;

/** How rows show that something is under way. An order that awaits its payment is, even in its time: it holds stock, and its end is yet to come. */
interface Sign {
  what: string;
  in: readonly SubgraphName[];
  /** What names such a row, and of which kind it is if it is an id. */
  by: string;
  kind?: IdKind;
  from: string;
}

const signs: readonly Sign[] = [
  {
    what: 'an event is not delivered',
    in: subgraphNames,
    by: 'event_id',
    kind: 'Event',
    from: "outbox WHERE state IN ('PENDING', 'QUEUED')",
  },
  {
    what: 'a request is at work on its idempotency key',
    in: ['cart', 'catalog', 'order', 'payment'],
    by: "CONCAT_WS(' ', owner, operation, idempotency_key)",
    from: 'idempotency_keys WHERE answer IS NULL AND leased_until > CURRENT_TIMESTAMP(3)',
  },
  {
    what: 'a checkout is neither placed nor undone',
    in: ['order'],
    by: 'order_id',
    kind: 'Order',
    from: "checkouts WHERE state IN ('RUNNING', 'UNDOING')",
  },
  {
    what: 'an order awaits its payment',
    in: ['order'],
    by: 'id',
    kind: 'Order',
    from: "orders WHERE status = 'AWAITING_PAYMENT'",
  },
  {
    what: 'stock is held for an order',
    in: ['catalog'],
    by: 'order_id',
    kind: 'Order',
    from: "stock_reservations WHERE status = 'HELD'",
  },
  {
    what: 'a provider may still take money',
    in: ['payment'],
    by: 'id',
    kind: 'Payment',
    from: "payments WHERE status IN ('PROCESSING', 'REQUIRES_ACTION', 'AUTHORIZED')",
  },
  {
    what: 'a refund is on its way',
    in: ['payment'],
    by: 'id',
    kind: 'Refund',
    from: "refunds WHERE status = 'PENDING'",
  },
  {
    what: "a provider's event is not processed",
    in: ['payment'],
    by: 'event_id',
    from: 'provider_events WHERE processed_at IS NULL',
  },
  {
    what: 'a day is being reconciled',
    in: ['payment'],
    by: 'id',
    kind: 'Reconciliation',
    from: 'reconciliations WHERE is_running',
  },
];

const POLL_MS = 100;

/**
 * Waits until nothing is under way any more in a shop of which nobody asks anything new. A parked event is not: it waits for a person.
 *
 * @returns what still is when it gives up: nothing, when all has settled
 */
export async function untilSettled(shop: Shop, { timeoutMs }: { timeoutMs: number }): Promise<UnderWay[]> {
  const giveUpAt = Date.now() + timeoutMs;
  for (let before: Look | undefined; ; await delay(POLL_MS)) {
    const now = await look(shop);
    if (before && isQuiet(before) && isQuiet(now) && before.received === now.received) return [];
    if (Date.now() > giveUpAt && !isQuiet(now)) return now.underWay;
    before = now;
  }
}

interface Look {
  underWay: UnderWay[];
  /** How many events each listener has received. */
  received: string;
}

const isQuiet = ({ underWay }: Look) => underWay.length === 0;

/**
 * Looks at each database at one moment, but not at all of them at the same: what moved on from one that was not looked at yet to one that was
 * would be missed. It moves by events only, or by commands of something that stays under way meanwhile. So when a second look finds all as quiet as the first, and
 * no event was received between them, there was a moment between them at which nothing was under way anywhere.
 */
async function look(shop: Shop): Promise<Look> {
  const looks = await Promise.all(
    subgraphNames.map(async (subgraph) => {
      const mine = signs.filter((sign) => sign.in.includes(subgraph));
      const counts = mine.map(
        ({ by, from }, index) => `SELECT ${index} AS sign, COUNT(*) AS count, MIN(${by}) AS oldest FROM ${from}`,
      );
      if (producersFor(subgraph).length > 0) counts.push('SELECT NULL, COUNT(*), NULL FROM inbox');
      const rows = await shop[subgraph].rows<{ sign: number | null; count: string; oldest: Buffer | null }>(
        counts.join(' UNION ALL '),
      );
      const underWay = rows.flatMap(({ sign, count, oldest }) => {
        const found = sign === null ? undefined : mine[sign];
        if (!found || !oldest) return [];
        const { what, kind } = found;
        return { subgraph, what, count: Number(count), oldest: kind ? bytesToId(kind, oldest) : String(oldest) };
      });
      return { underWay, received: rows.find(({ sign }) => sign === null)?.count };
    }),
  );
  return {
    underWay: looks.flatMap(({ underWay }) => underWay),
    received: looks.map(({ received }) => received).join(' '),
  };
}
