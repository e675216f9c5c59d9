import { now, type Transaction } from '@souk/platform/database';
import { eq, sql } from 'drizzle-orm';
import { type OrderStateRow, orderStates, type PaymentRow, payments } from './tables.ts';

/**
 * Locks are taken in one order everywhere: the state of the order, then its payments, then their refunds. So the capture of a payment and the end of
 * its order come one after the other, whichever is first.
 */

/** Locks the state of an order, which is OPEN when nothing was heard of it yet. */
export async function lockOrder(tx: Transaction, orderId: string): Promise<OrderStateRow> {
  await tx
    .insert(orderStates)
    .values({ orderId, state: 'OPEN' })
    .onDuplicateKeyUpdate({ set: { orderId: sql`order_id` } });
  const [order] = await tx.select().from(orderStates).where(eq(orderStates.orderId, orderId)).for('update');
  if (!order) throw new Error('A row just inserted is there.');
  return order;
}

/** Locks a payment alone, where nothing is decided about its order. */
export async function lockPayment(tx: Transaction, paymentId: string): Promise<PaymentRow | undefined> {
  const [payment] = await tx.select().from(payments).where(eq(payments.id, paymentId)).for('update');
  return payment;
}

/** Locks a payment after its order. `isOverdue`: its time is over by the clock of the database. */
export async function lockWithOrder(
  tx: Transaction,
  paymentId: string,
): Promise<{ payment: PaymentRow; order: OrderStateRow; isOverdue: boolean } | null> {
  const [found] = await tx.select({ orderId: payments.orderId }).from(payments).where(eq(payments.id, paymentId));
  if (!found) return null;
  const order = await lockOrder(tx, found.orderId);
  const [row] = await tx
    .select({ payment: payments, isOverdue: sql<number | null>`${payments.expiresAt} <= ${now}` })
    .from(payments)
    .where(eq(payments.id, paymentId))
    .for('update');
  return row ? { payment: row.payment, order, isOverdue: Number(row.isOverdue) === 1 } : null;
}
