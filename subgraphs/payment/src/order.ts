import { now, type Reader, type Transaction } from '@souk/platform/database';
import { type Amount, sum } from '@souk/platform/money';
import { desc, eq, inArray } from 'drizzle-orm';
import { lockOrder } from './lock.ts';
import { isOpen } from './payment-status.ts';
import { grantRefund, refundable } from './refund.ts';
import { orderStates, type PaymentRow, payments } from './tables.ts';

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
