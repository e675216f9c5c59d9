import { affectedRows, type Database, must, now, type Transaction, transaction } from '@souk/platform/database';
import { wakeRelay } from '@souk/platform/jobs';
import type { Logger } from '@souk/platform/logger';
import { append } from '@souk/platform/outbox';
import { and, eq, inArray, lte, sql } from 'drizzle-orm';
import { stateChange } from './change.ts';
import { book } from './ledger.ts';
import { lockWithOrder } from './lock.ts';
import { orderEnded } from './order.ts';
import { isOpen, mayBecome } from './payment-status.ts';
import {
  type Charge,
  type NextAction,
  type PaymentAtProvider,
  type PaymentProvider,
  ProviderFailure,
  type ProviderName,
  type Providers,
} from './providers/provider.ts';
import { grantRefund } from './refund.ts';
import { nextTry } from './retry.ts';
import {
  type OrderStateRow,
  orderStates,
  type PaymentRow,
  type PaymentStatus,
  payments,
  type StoredAction,
} from './tables.ts';

/**
 * How what a provider says becomes what the shop believes. It is said in the answer to a charge, in a webhook, and when we ask; any of them may come
 * first, twice, or never. So all of them end here, and the order in which they do makes no difference: the first word that settles a payment counts,
 * except that money taken is always believed.
 */

/** What came of the provider's word. MISMATCH: it speaks of another amount than ours, and a person has to look. */
export type Settlement =
  | 'CAPTURED'
  | 'CAPTURED_AND_RETURNED'
  | 'REQUIRES_ACTION'
  | 'FAILED'
  | 'CANCELED'
  | 'EXPIRED'
  | 'UNCHANGED'
  | 'MISMATCH'
  | 'UNKNOWN_PAYMENT';

/** Who speaks, and of which payment. Nobody is believed about the payments of another provider. */
export interface Subject {
  provider: ProviderName;
  paymentId: string;
}

/** Takes the provider's word, in the caller's transaction: payment, ledger, refund and event commit together or not at all. */
export async function settlePayment(tx: Transaction, subject: Subject, charge: Charge): Promise<Settlement> {
  const locked = await lockWithOrder(tx, subject.paymentId);
  if (locked?.payment.provider !== subject.provider) return 'UNKNOWN_PAYMENT';
  const { payment, order, isOverdue } = locked;
  switch (charge.status) {
    case 'PROCESSING':
      return 'UNCHANGED';
    case 'REQUIRES_ACTION':
      return awaitCustomer(tx, payment, charge);
    case 'CAPTURED':
      return capture(tx, payment, order, charge);
    case 'DECLINED':
      return end(tx, payment, 'FAILED', charge);
    case 'CANCELED':
      if (payment.cancelRequestedAt) return end(tx, payment, 'CANCELED', charge);
      if (order.state !== 'OPEN') return end(tx, payment, order.state, charge);
      if (isOverdue) return end(tx, payment, 'EXPIRED', charge);
      return end(tx, payment, 'FAILED', { ...charge, failure: notCharged });
  }
}

/** For a payment that we gave up because nobody knew about it: the customer may try again. */
const notCharged = {
  code: 'not_charged',
  message: 'The payment did not go through, and no money was taken.',
  isRetryable: true,
};

/** Money taken is booked in any case. It is kept when the order still wants it from this payment, otherwise it goes back in this transaction. */
async function capture(
  tx: Transaction,
  payment: PaymentRow,
  order: OrderStateRow,
  charge: Charge,
): Promise<Settlement> {
  const { id: paymentId, orderId, amountMinor, currencyCode } = payment;
  if (charge.amountMinor !== amountMinor || charge.currencyCode !== currencyCode) return 'MISMATCH';
  const isWanted = isOpen(payment.status) && order.state === 'OPEN';
  const captured = { ...payment, capturedMinor: amountMinor };
  const isNews = await move(tx, payment, 'CAPTURED', {
    capturedMinor: amountMinor,
    providerReference: charge.reference,
    liveOrderId: isWanted ? orderId : null,
    failureCode: null,
    failureMessage: null,
    failureIsRetryable: null,
  });
  if (!isNews) return 'UNCHANGED';

  await book(tx, { paymentId, kind: 'CAPTURE', sourceEvent: paymentId, amountMinor, currencyCode });
  if (isWanted) {
    const fact = { paymentId, orderId, amountMinor: String(amountMinor), currencyCode };
    await append(tx, { type: 'payment.captured', aggregateId: orderId, payload: fact });
    return 'CAPTURED';
  }
  const reason = order.state === 'OPEN' ? 'The payment had been given up.' : orderEnded[order.state];
  await grantRefund(tx, captured, amountMinor, reason);
  return 'CAPTURED_AND_RETURNED';
}

/** The rest is up to the customer. Until then the payment is looked after like any other that is open. */
async function awaitCustomer(
  tx: Transaction,
  payment: PaymentRow,
  { reference, nextAction }: Charge,
): Promise<Settlement> {
  if (!nextAction || !mayBecome(payment.status, 'REQUIRES_ACTION')) return 'UNCHANGED';
  await tx
    .update(payments)
    .set({ status: 'REQUIRES_ACTION', nextAction: withoutSecret(nextAction), providerReference: reference })
    .where(must(and(eq(payments.id, payment.id), eq(payments.status, payment.status))));
  await stateChange(tx, payment);
  return 'REQUIRES_ACTION';
}

function withoutSecret(action: NextAction): StoredAction {
  return action.kind === 'CLIENT_SECRET' ? { kind: action.kind } : action;
}

/** No money was taken: the order is free for another payment. */
async function end(
  tx: Transaction,
  payment: PaymentRow,
  to: 'FAILED' | 'CANCELED' | 'EXPIRED',
  { reference, failure }: Charge,
): Promise<Settlement> {
  const why = failure ?? { code: 'declined', message: 'The payment was declined.', isRetryable: false };
  const ended = await move(tx, payment, to, {
    liveOrderId: null,
    providerReference: reference ?? payment.providerReference,
    ...(to === 'FAILED' && {
      failureCode: why.code,
      failureMessage: why.message,
      failureIsRetryable: why.isRetryable,
    }),
  });
  return ended ? to : 'UNCHANGED';
}

/** Compare-and-set by the table of transitions. A settled payment needs no more looking after. */
async function move(
  tx: Transaction,
  { id, orderId, status }: PaymentRow,
  to: PaymentStatus,
  more: Partial<PaymentRow>,
): Promise<boolean> {
  if (!mayBecome(status, to)) return false;
  const moved = await tx
    .update(payments)
    .set({ status: to, expiresAt: null, checkAt: null, nextAction: null, ...more })
    .where(must(and(eq(payments.id, id), eq(payments.status, status))));
  if (affectedRows(moved) !== 1) return false;
  await stateChange(tx, { id, orderId });
  return true;
}

/** Takes the provider's word in a transaction of its own, and says aloud what a person has to know. */
export async function settle(db: Database, log: Logger, subject: Subject, charge: Charge): Promise<Settlement> {
  const settlement = await transaction(db, (tx) => settlePayment(tx, subject, charge));
  wakeRelay(db);
  report(log, subject.paymentId, settlement);
  return settlement;
}

export function report(log: Logger, paymentId: string, settlement: Settlement): void {
  if (settlement === 'MISMATCH') log.error({ paymentId }, 'the provider took another amount than was asked for');
  else if (settlement === 'CAPTURED_AND_RETURNED') log.warn({ paymentId }, 'money came too late and goes back');
  else log.debug({ paymentId, settlement }, 'provider spoke');
}

/**
 * Asks the provider how an open payment stands. One that nobody wants any more is called off instead, and so is one that the provider has not heard of:
 * a charge still on its way then takes no money. Only where the customer has yet to act, there may be nothing to hear of.
 */
export async function checkPayment(
  db: Database,
  { providers, log }: { providers: Providers; log: Logger },
  paymentId: string,
): Promise<void> {
  const [row] = await db
    .select({
      payment: payments,
      isUnwanted: sql<number>`${payments.cancelRequestedAt} IS NOT NULL OR ${payments.expiresAt} <= ${now} OR ${orderStates.state} <> 'OPEN'`,
    })
    .from(payments)
    .innerJoin(orderStates, eq(orderStates.orderId, payments.orderId))
    .where(eq(payments.id, paymentId));
  const provider = row && isOpen(row.payment.status) && providers.get(row.payment.provider);
  if (!provider) return;
  try {
    const word = await ask(provider, row.payment, Number(row.isUnwanted) === 1);
    if (word) await settle(db, log, { provider: provider.name, paymentId }, word);
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    log.warn({ err: error, paymentId }, 'payment will be checked again');
  }
}

async function ask(provider: PaymentProvider, payment: PaymentRow, isUnwanted: boolean): Promise<Charge | null> {
  const theirs: PaymentAtProvider = { paymentId: payment.id, reference: payment.providerReference };
  if (isUnwanted) return provider.cancel(theirs);
  const known = await provider.find(theirs);
  return known || payment.status === 'REQUIRES_ACTION' ? known : provider.cancel(theirs);
}

const SLICE = 50;

/** Looks after payments whose provider has not spoken. Several instances may run it: each takes other rows. */
export async function checkDuePayments(db: Database, work: { providers: Providers; log: Logger }): Promise<void> {
  const due = await transaction(db, async (tx) => {
    const rows = await tx
      .select({ id: payments.id })
      .from(payments)
      .where(lte(payments.checkAt, now))
      .orderBy(payments.checkAt)
      .limit(SLICE)
      .for('update', { skipLocked: true });
    const ids = rows.map((row) => row.id);
    if (ids.length > 0)
      await tx
        .update(payments)
        .set({ checkAt: nextTry(payments.createdAt) })
        .where(inArray(payments.id, ids));
    return ids;
  });
  await Promise.all(due.map((id) => checkPayment(db, work, id)));
}
