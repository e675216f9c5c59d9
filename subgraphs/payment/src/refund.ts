import {
  affectedRows,
  type Database,
  must,
  now,
  type Reader,
  type Transaction,
  transaction,
} from '@souk/platform/database';
import { refuse } from '@souk/platform/errors';
import { newId, parseId } from '@souk/platform/id';
import { onceOnly } from '@souk/platform/idempotency';
import type { Logger } from '@souk/platform/logger';
import { type Money, parseMoney } from '@souk/platform/money';
import { requiredText } from '@souk/platform/typed-text';
import { and, count, eq, inArray, sql } from 'drizzle-orm';
import { stateChange } from './change.ts';
import { book } from './ledger.ts';
import { lockPayment } from './lock.ts';
import type { Providers } from './providers/provider.ts';
import { sendRefund } from './refund-delivery.ts';
import { type PaymentRow, payments, type RefundRow, refunds } from './tables.ts';

/** A list of refunds stays short; the last one has to take everything that is left. */
const MAX_REFUNDS = 50;
const MAX_REASON_LENGTH = 500;

export interface RefundInput {
  paymentId: string;
  /** Everything that is left when absent. */
  amount?: Money | null | undefined;
  reason: string;
  idempotencyKey: string;
}

/**
 * Sends money back, wholly or in part: granted first, in one transaction that several at once cannot overdraw, then sent. When the provider does not
 * answer, the refund stays PENDING and is sent again until it does.
 *
 * @param staffId who grants it, and whose the idempotency key is
 * @throws {Refused} INVALID, REQUIRED, NOT_FOUND, NOT_REFUNDABLE, AMOUNT_MISMATCH, REFUND_EXCEEDS_CAPTURED, IDEMPOTENCY_KEY_REUSED
 */
export async function paymentRefund(
  db: Database,
  { providers, log }: { providers: Providers; log: Logger },
  staffId: string,
  { paymentId, amount, reason: typedReason, idempotencyKey }: RefundInput,
): Promise<{ payment: PaymentRow; refund: RefundRow }> {
  parseId('Payment', paymentId);
  const wanted = amount ? parseMoney(amount) : null;
  if (wanted?.amountMinor === 0n)
    refuse('INVALID', 'Expected more than nothing.', { field: ['input', 'amount', 'amount'] });
  const reason = requiredText(typedReason, { field: ['input', 'reason'], maximumLength: MAX_REASON_LENGTH });

  const granted = await onceOnly<{ refundId: string }>({
    db,
    owner: staffId,
    operation: 'paymentRefund',
    key: idempotencyKey,
    body: { paymentId, amount: wanted, reason },
    run: ({ settle }) =>
      transaction(db, async (tx) => {
        const payment = await lockPayment(tx, paymentId);
        if (!payment) refuse('NOT_FOUND', 'There is no such payment.', { field: ['input', 'paymentId'] });
        if (payment.capturedMinor === 0n)
          refuse('NOT_REFUNDABLE', 'No money was taken that could go back.', {}, { payment });
        if (wanted && wanted.currencyCode !== payment.currencyCode) {
          const message = `The payment is in ${payment.currencyCode}.`;
          refuse('AMOUNT_MISMATCH', message, { field: ['input', 'amount', 'currencyCode'] }, { payment });
        }
        const left = refundable(payment);
        const amountMinor = wanted?.amountMinor ?? left;
        if (amountMinor < left && (await countRefunds(tx, paymentId)) >= MAX_REFUNDS - 1) {
          const message = `The last of ${MAX_REFUNDS} refunds has to send back everything that is left.`;
          refuse('NOT_REFUNDABLE', message, { field: ['input', 'amount'] }, { payment });
        }
        const refundId = await grantRefund(tx, payment, amountMinor, reason);
        if (!refundId) {
          const message = 'Together with earlier refunds this is more than was taken.';
          refuse('REFUND_EXCEEDS_CAPTURED', message, { field: ['input', 'amount'] }, { payment });
        }
        await settle(tx, { refundId });
        return { refundId };
      }),
  });

  await sendRefund(db, { providers, log }, granted.refundId);
  const [row] = await db
    .select({ payment: payments, refund: refunds })
    .from(refunds)
    .innerJoin(payments, eq(payments.id, refunds.paymentId))
    .where(eq(refunds.id, granted.refundId));
  if (!row) throw new Error('A refund once granted stays on record.');
  return row;
}

/** What may still be promised to go back. */
export function refundable({ capturedMinor, refundedMinor, refundPendingMinor }: PaymentRow): bigint {
  return capturedMinor - refundedMinor - refundPendingMinor;
}

/**
 * Promises money back, in the transaction of the reason for it. The update itself decides whether there is enough left.
 *
 * @returns the id of the refund; null when there is not enough
 */
export async function grantRefund(
  tx: Transaction,
  { id: paymentId, orderId, currencyCode }: PaymentRow,
  amountMinor: bigint,
  reason: string,
): Promise<string | null> {
  if (amountMinor <= 0n) return null;
  const left = sql`${payments.capturedMinor} - ${payments.refundedMinor} - ${payments.refundPendingMinor}`;
  const reserved = await tx
    .update(payments)
    .set({ refundPendingMinor: sql`${payments.refundPendingMinor} + ${amountMinor}` })
    .where(must(and(eq(payments.id, paymentId), sql`${left} >= ${amountMinor}`)));
  if (affectedRows(reserved) === 0) return null;

  const id = newId('Refund');
  await tx.insert(refunds).values({ id, paymentId, amountMinor, currencyCode, status: 'PENDING', reason, sendAt: now });
  await book(tx, { paymentId, kind: 'REFUND_GRANTED', sourceEvent: id, amountMinor, currencyCode });
  await stateChange(tx, { id: paymentId, orderId });
  return id;
}

async function countRefunds(reader: Reader, paymentId: string): Promise<number> {
  const [row] = await reader.select({ count: count() }).from(refunds).where(eq(refunds.paymentId, paymentId));
  return row?.count ?? 0;
}

export function findRefunds(reader: Reader, ids: readonly string[]): Promise<RefundRow[]> {
  return reader
    .select()
    .from(refunds)
    .where(inArray(refunds.id, [...ids]));
}

/** What was sent back of these payments, oldest first. */
export function findRefundsOfPayments(reader: Reader, paymentIds: readonly string[]): Promise<RefundRow[]> {
  return reader
    .select()
    .from(refunds)
    .where(inArray(refunds.paymentId, [...paymentIds]))
    .orderBy(refunds.id);
}
