import type { Database } from '@souk/platform/database';
import { typeOfId } from '@souk/platform/id';
import type { Logger } from '@souk/platform/logger';
import type { Amount } from '@souk/platform/money';
import { and, asc, eq, gt, gte, lt } from 'drizzle-orm';
import { findPayments } from './payment-read.ts';
import { isOpen } from './payment-status.ts';
import type { ListedCharge, PaymentProvider, Providers } from './providers/provider.ts';
import { type Settlement, settle } from './settlement.ts';
import { type MismatchKind, type PaymentRow, payments } from './tables.ts';

/**
 * Holds a provider's own record against ours. Its record says where to look; where the two differ, the provider is asked about that one payment, and
 * its answer is settled like any other. So a callback that was lost is made up for, and a record that was read a while ago does no harm.
 */

export interface Span {
  from: Date;
  to: Date;
}

export interface Mismatch {
  kind: MismatchKind;
  paymentId: string | null;
  providerReference: string | null;
  expected: Amount | null;
  found: Amount | null;
}

export interface Comparison {
  matched: number;
  repaired: number;
  mismatchCount: number;
  /** The first of them. */
  mismatches: Mismatch[];
}

/** What came of one line. NOTHING: neither side has money here. */
type Verdict = 'MATCHED' | 'REPAIRED' | 'NOTHING' | Mismatch;

const MAX_MISMATCHES = 100;
const SLICE = 200;

/**
 * @param startedAt a payment that changed since then may have changed after the provider's record was read: what differs there is no disagreement
 * @throws {ProviderFailure} when the provider does not answer; what was repaired by then stays repaired
 */
export async function compare(
  db: Database,
  { providers, log }: { providers: Providers; log: Logger },
  provider: PaymentProvider,
  { from, to }: Span,
  startedAt: Date,
): Promise<Comparison> {
  const tally: Comparison = { matched: 0, repaired: 0, mismatchCount: 0, mismatches: [] };
  const seen = new Set<string>();

  for await (const lines of slices(provider.list({ from, to }))) {
    const ids = lines.flatMap(({ paymentId }) => (paymentId && typeOfId(paymentId) === 'Payment' ? [paymentId] : []));
    const ours = new Map((await findPayments(db, ids)).map((payment) => [payment.id, payment]));
    for (const line of lines) count(tally, await judge(line, ours.get(line.paymentId ?? '')));
  }
  for await (const payment of capturedWithin(db, provider, { from, to })) {
    if (!seen.has(payment.id)) count(tally, await lookFor(payment));
  }
  return tally;

  async function judge(line: ListedCharge, payment: PaymentRow | undefined): Promise<Verdict> {
    if (!payment || providers.get(payment.provider)?.account !== provider.account) {
      return line.isPaid ? mismatch('UNKNOWN_CHARGE', line, payment) : 'NOTHING';
    }
    // Another way to pay with the same account; it is compared on its own.
    if (payment.provider !== provider.name) return 'NOTHING';
    if (line.isPaid && seen.has(payment.id)) return mismatch('DUPLICATE_CHARGE', line, payment);
    if (line.isPaid) seen.add(payment.id);
    if (payment.capturedMinor === 0n) return repair(line, payment);

    const kind = disagreement(line, payment);
    if (!kind || payment.updatedAt > startedAt) return 'MATCHED';
    seen.add(payment.id);
    return mismatch(kind, line, payment);
  }

  /** Asks about a payment that we have no money of. */
  async function repair(line: ListedCharge, payment: PaymentRow): Promise<Verdict> {
    if (!line.isPaid && !isOpen(payment.status)) return 'NOTHING';
    const reference = line.reference ?? payment.providerReference;
    const word = await provider.find({ paymentId: payment.id, reference });
    if (!word) return line.isPaid ? mismatch('UNKNOWN_CHARGE', line, payment) : 'NOTHING';
    const settlement = await settle(db, log, { provider: provider.name, paymentId: payment.id }, word);
    if (settlement === 'MISMATCH') return mismatch('AMOUNT', line, payment);
    if (settling.has(settlement)) return 'REPAIRED';
    return line.isPaid ? 'MATCHED' : 'NOTHING';
  }

  /** A payment begun at midnight may be in the record of the other day. */
  async function lookFor(payment: PaymentRow): Promise<Verdict> {
    const { id: paymentId, providerReference: reference, capturedMinor, refundedMinor } = payment;
    const word = await provider.find({ paymentId, reference });
    const isThere = word?.status === 'CAPTURED' && word.amountMinor === capturedMinor;
    // Some providers close what was paid and went back.
    const isGone = word?.status === 'CANCELED' && refundedMinor === capturedMinor;
    return isThere || isGone ? 'MATCHED' : mismatch('MISSING_CHARGE', null, payment);
  }
}

const settling = new Set<Settlement>(['CAPTURED', 'CAPTURED_AND_RETURNED', 'FAILED', 'CANCELED', 'EXPIRED']);

/** In what a line differs from a payment whose money we have; null when it does not. What is on its way back may have arrived. */
function disagreement(line: ListedCharge, payment: PaymentRow): MismatchKind | null {
  if (!line.isPaid) return 'MISSING_CHARGE';
  if (line.amountMinor !== payment.capturedMinor || line.currencyCode !== payment.currencyCode) return 'AMOUNT';
  const { refundedMinor, refundPendingMinor } = payment;
  const isRefunded = line.refundedMinor >= refundedMinor && line.refundedMinor <= refundedMinor + refundPendingMinor;
  return isRefunded ? null : 'REFUND';
}

function mismatch(kind: MismatchKind, line: ListedCharge | null, payment: PaymentRow | undefined): Mismatch {
  const isRefund = kind === 'REFUND';
  const named = line?.paymentId && typeOfId(line.paymentId) === 'Payment' ? line.paymentId : null;
  const { amountMinor, refundedMinor, currencyCode } = payment ?? {};
  const expectedMinor = isRefund ? refundedMinor : amountMinor;
  return {
    kind,
    paymentId: payment?.id ?? named,
    providerReference: line?.reference ?? payment?.providerReference ?? null,
    expected: expectedMinor !== undefined && currencyCode ? { amountMinor: expectedMinor, currencyCode } : null,
    found: line?.isPaid
      ? { amountMinor: isRefund ? line.refundedMinor : line.amountMinor, currencyCode: line.currencyCode }
      : null,
  };
}

function count(tally: Comparison, verdict: Verdict): void {
  if (verdict === 'MATCHED') tally.matched++;
  else if (verdict === 'REPAIRED') tally.repaired++;
  else if (verdict !== 'NOTHING') {
    tally.mismatchCount++;
    if (tally.mismatches.length < MAX_MISMATCHES) tally.mismatches.push(verdict);
  }
}

/** Our payments of a provider that were begun within a span and have taken money, a slice at a time. */
async function* capturedWithin(
  db: Database,
  { name }: PaymentProvider,
  { from, to }: Span,
): AsyncGenerator<PaymentRow> {
  const wanted = and(
    eq(payments.provider, name),
    gte(payments.createdAt, from),
    lt(payments.createdAt, to),
    gt(payments.capturedMinor, 0n),
  );
  for (let after: string | undefined; ; ) {
    const rows = await db
      .select()
      .from(payments)
      .where(and(wanted, after ? gt(payments.id, after) : undefined))
      .orderBy(asc(payments.id))
      .limit(SLICE);
    yield* rows;
    after = rows.at(-1)?.id;
    if (rows.length < SLICE) return;
  }
}

async function* slices<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item[]> {
  let slice: Item[] = [];
  for await (const item of items) {
    slice.push(item);
    if (slice.length < SLICE) continue;
    yield slice;
    slice = [];
  }
  if (slice.length > 0) yield slice;
}
