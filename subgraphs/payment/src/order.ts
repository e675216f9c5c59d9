import { now, type Reader, type Transaction } from '@souk/platform/database';
import { type Amount, sum } from '@souk/platform/money';
import { desc, eq, inArray, sql } from 'drizzle-orm';
import { isOpen } from './payment-status.ts';
import { grantRefund, refundable } from './refund.ts';
import { type OrderStateRow, orderStates, type PaymentRow, payments } from './tables.ts';

/**
 * What payment knows of an order and says about it.
 *
 * Locks are taken in one order everywhere: the state of the order, then its payments, then their refunds. So a capture and the end of its order
 * come one after the other, whichever is first, and the money goes back in both cases.
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

/** The order ended unpaid or was called off: what was paid for it goes back, and what is still with a provider is called off. */
export async function closeOrder(tx: Transaction, orderId: string, state: 'CANCELED' | 'EXPIRED'): Promise<void> {
  await lockOrder(tx, orderId);
  await tx.update(orderStates).set({ state }).where(eq(orderStates.orderId, orderId));
  const found = await tx
    .select()
    .from(payments)
    .where(eq(payments.orderId, orderId))
    .orderBy(payments.id)
    .for('update');
  for (const payment of found) {
    if (isOpen(payment.status)) await tx.update(payments).set({ checkAt: now }).where(eq(payments.id, payment.id));
    if (refundable(payment) > 0n) await grantRefund(tx, payment, refundable(payment), orderEnded[state]);
  }
}

/** Why money goes back without anybody asking for it. */
export const orderEnded = {
  CANCELED: 'The order was canceled.',
  EXPIRED: 'The order was not paid in time.',
} as const;

/** Every attempt to pay these orders, newest first. */
export function findPaymentsOfOrders(reader: Reader, orderIds: readonly string[]): Promise<PaymentRow[]> {
  return reader
    .select()
    .from(payments)
    .where(inArray(payments.orderId, [...orderIds]))
    .orderBy(desc(payments.id));
}

export type OrderPaymentStatus = 'UNPAID' | 'PARTIALLY_PAID' | 'PAID' | 'PARTIALLY_REFUNDED' | 'REFUNDED';

/** How far an order is paid. Money that came for an ended order or a second time counts only where there is no other. */
export function paymentStatusOf(found: readonly PaymentRow[]): OrderPaymentStatus {
  const paid = found.filter((payment) => payment.capturedMinor > 0n);
  const kept = paid.filter((payment) => payment.liveOrderId !== null);
  const counted = kept.length > 0 ? kept : paid;
  const captured = sum(counted.map((payment) => payment.capturedMinor));
  const refunded = sum(counted.map((payment) => payment.refundedMinor));
  if (captured === 0n) return 'UNPAID';
  if (refunded >= captured) return 'REFUNDED';
  if (refunded > 0n) return 'PARTIALLY_REFUNDED';
  return counted.some((payment) => captured >= payment.amountMinor) ? 'PAID' : 'PARTIALLY_PAID';
}

/** What is still to be paid of an order's total. What was paid and went back is not due again. */
export function amountDueOf(total: Amount, found: readonly PaymentRow[]): Amount {
  const kept = found.filter((payment) => payment.liveOrderId !== null && payment.currencyCode === total.currencyCode);
  const due = total.amountMinor - sum(kept.map((payment) => payment.capturedMinor));
  return { ...total, amountMinor: due > 0n ? due : 0n };
}
