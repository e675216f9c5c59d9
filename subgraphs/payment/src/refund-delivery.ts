import { affectedRows, type Database, must, now, type Transaction, transaction } from '@souk/platform/database';
import { wakeRelay } from '@souk/platform/jobs';
import type { Logger } from '@souk/platform/logger';
import { and, eq, inArray, lte } from 'drizzle-orm';
import { stateChange } from './change.ts';
import { book } from './ledger.ts';
import { lockPayment } from './lock.ts';
import { mayBecome } from './payment-status.ts';
import { ProviderFailure, type Providers, type RefundOutcome } from './providers/provider.ts';
import { nextTry } from './retry.ts';
import { payments, type RefundRow, refunds } from './tables.ts';

/** How promised money goes back: asked of the provider until it has sent it or refuses for good. The refund's id is the provider's key. */

/** Asks the provider to send a promised refund and books its answer. Without an answer nothing changes here: it will be asked again. */
export async function sendRefund(
  db: Database,
  { providers, log }: { providers: Providers; log: Logger },
  refundId: string,
): Promise<void> {
  const [row] = await db
    .select({ refund: refunds, provider: payments.provider, reference: payments.providerReference })
    .from(refunds)
    .innerJoin(payments, eq(payments.id, refunds.paymentId))
    .where(and(eq(refunds.id, refundId), eq(refunds.status, 'PENDING')));
  const provider = row && providers.get(row.provider);
  if (!provider) return;
  const { paymentId, amountMinor, currencyCode } = row.refund;
  try {
    const outcome = await provider.refund({ paymentId, reference: row.reference, refundId, amountMinor, currencyCode });
    if (outcome.status === 'FAILED')
      log.error({ paymentId, refundId, failure: outcome.failure }, 'refund refused for good');
    await transaction(db, (tx) => settleRefund(tx, row.refund, outcome));
    wakeRelay(db);
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    log.warn({ err: error, paymentId, refundId }, 'refund will be sent again');
  }
}

/** Books what became of a refund. Told twice, it is booked once. */
async function settleRefund(tx: Transaction, refund: RefundRow, outcome: RefundOutcome): Promise<void> {
  if (outcome.status === 'PENDING') return;
  const { id, paymentId, amountMinor, currencyCode } = refund;
  const payment = await lockPayment(tx, paymentId);
  const settled = await tx
    .update(refunds)
    .set({
      status: outcome.status,
      failure: outcome.status === 'FAILED' ? outcome.failure.slice(0, 200) : null,
      sendAt: null,
    })
    .where(must(and(eq(refunds.id, id), eq(refunds.status, 'PENDING'))));
  if (!payment || affectedRows(settled) === 0) return;
  await stateChange(tx, payment);

  const movement = { paymentId, sourceEvent: id, amountMinor, currencyCode };
  const refundPendingMinor = payment.refundPendingMinor - amountMinor;
  if (outcome.status === 'FAILED') {
    await tx.update(payments).set({ refundPendingMinor }).where(eq(payments.id, paymentId));
    await book(tx, { ...movement, kind: 'REFUND_FAILED' });
    return;
  }
  const refundedMinor = payment.refundedMinor + amountMinor;
  const status = refundedMinor === payment.capturedMinor ? 'REFUNDED' : 'PARTIALLY_REFUNDED';
  if (!mayBecome(payment.status, status))
    throw new Error(`A payment that is ${payment.status} cannot become ${status}.`);
  await tx.update(payments).set({ refundPendingMinor, refundedMinor, status }).where(eq(payments.id, paymentId));
  await book(tx, { ...movement, kind: 'REFUND_SENT' });
}

const SLICE = 50;

/** Sends what is still to be sent. Several instances may run it: each takes other rows, and a refund sent twice acts once. */
export async function sendDueRefunds(db: Database, work: { providers: Providers; log: Logger }): Promise<void> {
  const due = await transaction(db, async (tx) => {
    const rows = await tx
      .select({ id: refunds.id })
      .from(refunds)
      .where(lte(refunds.sendAt, now))
      .orderBy(refunds.sendAt)
      .limit(SLICE)
      .for('update', { skipLocked: true });
    const ids = rows.map((row) => row.id);
    if (ids.length > 0)
      await tx
        .update(refunds)
        .set({ sendAt: nextTry(refunds.createdAt) })
        .where(inArray(refunds.id, ids));
    return ids;
  });
  await Promise.all(due.map((id) => sendRefund(db, work, id)));
}
