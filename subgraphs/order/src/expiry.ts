import { type Database, now, transaction } from '@souk/platform/database';
import { wakeRelay } from '@souk/platform/jobs';
import { and, asc, eq, lte, type SQL } from 'drizzle-orm';
import { changeOrder } from './order.ts';
import { orders } from './tables.ts';

/**
 * Orders that were not paid in time expire. A reminder looks at each order when its time is over, for speed; a sweep looks at all of them,
 * for truth. Both ask the store's clock, and both lose to a payment or a cancellation that was faster.
 */

const BATCH = 50;

/** Lets every overdue order expire. Safe in several instances at once: what one has locked, the others skip. */
export async function expireOverdueOrders(db: Database): Promise<number> {
  for (let total = 0; ; ) {
    const expired = await expireSome(db);
    total += expired;
    if (expired < BATCH) return total;
  }
}

/** Lets one order expire if it is overdue. */
export async function expireOrder(db: Database, orderId: string): Promise<boolean> {
  return (await expireSome(db, eq(orders.id, orderId))) === 1;
}

async function expireSome(db: Database, which?: SQL): Promise<number> {
  const expired = await transaction(db, async (tx) => {
    const overdue = await tx
      .select({ id: orders.id })
      .from(orders)
      .where(and(eq(orders.status, 'AWAITING_PAYMENT'), lte(orders.paymentDueAt, now), which))
      .orderBy(asc(orders.paymentDueAt))
      .limit(BATCH)
      .for('update', { skipLocked: true });
    for (const { id } of overdue) {
      await changeOrder(tx, id, () => ({
        to: 'EXPIRED',
        actor: 'SYSTEM',
        set: { cancelReason: 'PAYMENT_TIMEOUT' },
      }));
    }
    return overdue.length;
  });
  if (expired > 0) wakeRelay(db);
  return expired;
}
