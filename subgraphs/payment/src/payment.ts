import { type Database, now, nowPlus, type Reader, type Transaction, transaction } from '@souk/platform/database';
import { refuse } from '@souk/platform/errors';
import { newId, parseId } from '@souk/platform/id';
import { onceOnly } from '@souk/platform/idempotency';
import type { Logger } from '@souk/platform/logger';
import { eq, sql } from 'drizzle-orm';
import { parseCard, summarize } from './card.ts';
import { stateChange } from './change.ts';
import { lockOrder, lockPayment } from './lock.ts';
import { findPaymentsOfOrders } from './order.ts';
import { findPayments } from './payment-read.ts';
import { isOpen } from './payment-status.ts';
import type { Orders, OrderToPay } from './peers.ts';
import {
  type Card,
  type ChargeRequest,
  type PaymentProvider,
  ProviderFailure,
  type ProviderName,
  type Providers,
} from './providers/provider.ts';
import { checkPayment, settle } from './settlement.ts';
import { type PaymentRow, payments } from './tables.ts';

/** What the verbs need besides the database. */
export interface Cashier {
  orders: Orders;
  providers: Providers;
  log: Logger;
}

export interface StartInput {
  orderId: string;
  provider: ProviderName;
  testCard?: Card | null | undefined;
  returnUrl?: string | null | undefined;
  idempotencyKey: string;
}

const MAX_ATTEMPTS = 20;
/** By then the provider has answered the charge, or will be asked. */
const FIRST_CHECK_SECONDS = 10;

/**
 * Pays an order. The payment is on record before the provider hears of it, under an id that the provider charges once; what the provider answers is
 * booked in one transaction. Without an answer the payment stays PROCESSING, and a webhook or a look-up settles it; with REQUIRES_ACTION the customer goes on.
 *
 * @param userId who pays; it has to be their order
 * @throws {Refused} INVALID, REQUIRED, NOT_FOUND, ORDER_NOT_PAYABLE, ALREADY_PAID, PAYMENT_IN_PROGRESS, TOO_MANY_ATTEMPTS, IDEMPOTENCY_KEY_REUSED with
 * nothing done; DECLINED, PROVIDER_UNAVAILABLE with the failed payment
 */
export async function paymentStart(
  db: Database,
  cashier: Cashier,
  userId: string,
  input: StartInput,
): Promise<{ payment: PaymentRow }> {
  const orderId = parseId('Order', input.orderId);
  const provider = cashier.providers.get(input.provider);
  if (!provider) refuse('INVALID', 'This way to pay is not offered.', { field: ['input', 'provider'] });
  const means = meansFor(provider, input);

  let isNew = false;
  const begun = await onceOnly<{ paymentId: string }>({
    db,
    owner: userId,
    operation: 'paymentStart',
    key: input.idempotencyKey,
    // Not even a hash of the number: there are few enough numbers to try them all.
    body: {
      orderId,
      provider: provider.name,
      ...(means.card && summarize(means.card)),
      ...(means.returnUrl && { returnUrl: means.returnUrl }),
    },
    run: async ({ settle: answer }) => {
      const order = await cashier.orders.toPay(orderId, userId);
      if (!order) refuse('NOT_FOUND', 'There is no such order.', { field: ['input', 'orderId'] });
      const paymentId = await transaction(db, async (tx) => {
        const id = await begin(tx, { order, userId, provider, card: means.card });
        await answer(tx, { paymentId: id });
        return id;
      });
      isNew = true;
      return { paymentId };
    },
  });
  if (isNew) await charge(db, cashier, provider, begun.paymentId, means);
  return answerTo(await readPayment(db, begun.paymentId));
}

/** What the customer gives besides the order, as the provider needs it; what it does not need goes no further. */
type Means = Pick<ChargeRequest, 'card' | 'returnUrl'>;

/** As much as every provider takes. */
const MAX_RETURN_URL_LENGTH = 256;

function meansFor({ needs }: PaymentProvider, { testCard, returnUrl }: StartInput): Means {
  if (needs === 'testCard') {
    if (!testCard) refuse('REQUIRED', 'A card is needed to pay this way.', { field: ['input', 'testCard'] });
    return { card: parseCard(testCard), returnUrl: null };
  }
  if (needs === 'returnUrl') {
    const field = ['input', 'returnUrl'];
    if (!returnUrl) refuse('REQUIRED', 'An address to come back to is needed to pay this way.', { field });
    if (returnUrl.length > MAX_RETURN_URL_LENGTH) {
      refuse('INVALID', `Expected an address of at most ${MAX_RETURN_URL_LENGTH} characters.`, { field });
    }
    return { card: null, returnUrl };
  }
  return { card: null, returnUrl: null };
}

/** Puts a payment on record as the only one the order may have under way. */
async function begin(
  tx: Transaction,
  {
    order,
    userId,
    provider,
    card,
  }: { order: OrderToPay; userId: string; provider: PaymentProvider; card: Card | null },
): Promise<string> {
  const orderId = order.id;
  const { state } = await lockOrder(tx, orderId);
  const earlier = await findPaymentsOfOrders(tx, [orderId]);
  const live = earlier.find((payment) => payment.liveOrderId !== null);
  if (live && isOpen(live.status)) {
    const message = 'Another payment of this order is under way. Wait for it or cancel it.';
    refuse('PAYMENT_IN_PROGRESS', message);
  }
  if (live) refuse('ALREADY_PAID', 'The order is paid.');
  if (!provider.supports(order.total.currencyCode)) {
    refuse('INVALID', `This way to pay does not take ${order.total.currencyCode}.`, { field: ['input', 'provider'] });
  }
  const field = ['input', 'orderId'];
  if (state !== 'OPEN' || order.status !== 'AWAITING_PAYMENT' || (await isPast(tx, order.paymentDueAt))) {
    refuse('ORDER_NOT_PAYABLE', 'The order cannot be paid any more.', { field });
  }
  if (earlier.length >= MAX_ATTEMPTS) {
    refuse('TOO_MANY_ATTEMPTS', `The order has seen ${MAX_ATTEMPTS} payments and cannot be paid any more.`, { field });
  }

  const id = newId('Payment');
  const kept = card && summarize(card);
  await tx.insert(payments).values({
    id,
    orderId,
    orderNumber: order.number,
    userId,
    provider: provider.name,
    status: 'PROCESSING',
    ...order.total,
    cardBrand: kept?.brand ?? null,
    cardLast4: kept?.last4 ?? null,
    liveOrderId: orderId,
    expiresAt: order.paymentDueAt,
    checkAt: nowPlus(FIRST_CHECK_SECONDS),
  });
  await stateChange(tx, { id, orderId });
  return id;
}

async function isPast(tx: Transaction, instant: Date | null): Promise<boolean> {
  if (!instant) return false;
  const [rows] = await tx.execute(sql`SELECT ${now} >= ${instant} AS is_past`);
  return Number((rows as unknown as { is_past: unknown }[])[0]?.is_past) === 1;
}

async function charge(
  db: Database,
  { log }: Cashier,
  provider: PaymentProvider,
  paymentId: string,
  means: Means,
): Promise<void> {
  const { orderNumber, amountMinor, currencyCode, expiresAt } = await readPayment(db, paymentId);
  const subject = { provider: provider.name, paymentId };
  try {
    const request = { paymentId, orderNumber, amountMinor, currencyCode, expiresAt, ...means };
    await settle(db, log, subject, await provider.charge(request));
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    log.warn({ err: error, paymentId, outcome: error.outcome }, 'charge not answered');
    if (error.outcome === 'unknown') return;
    const failure = {
      code: 'provider_unavailable',
      message: 'The provider cannot be reached just now.',
      isRetryable: true,
    };
    await settle(db, log, subject, { status: 'DECLINED', reference: null, amountMinor, currencyCode, failure });
  }
}

/** A payment that failed is shown and named as an error, on the first answer and on every repetition. */
function answerTo(payment: PaymentRow): { payment: PaymentRow } {
  if (payment.status !== 'FAILED') return { payment };
  const isOurs = payment.failureCode === 'provider_unavailable' || payment.failureCode === 'not_charged';
  refuse(
    isOurs ? 'PROVIDER_UNAVAILABLE' : 'DECLINED',
    payment.failureMessage ?? 'The payment failed.',
    {},
    { payment },
  );
}

/**
 * Calls off one's own payment before money was taken. The wish is on record before the provider hears of it; without an answer the payment stays
 * PROCESSING and the provider is asked again.
 *
 * @throws {Refused} NOT_FOUND, NOT_CANCELABLE, IDEMPOTENCY_KEY_REUSED
 */
export async function paymentCancel(
  db: Database,
  cashier: Cashier,
  userId: string,
  input: { paymentId: string; idempotencyKey: string },
): Promise<{ payment: PaymentRow }> {
  const paymentId = parseId('Payment', input.paymentId);
  await onceOnly<{ paymentId: string }>({
    db,
    owner: userId,
    operation: 'paymentCancel',
    key: input.idempotencyKey,
    body: { paymentId },
    run: ({ settle: answer }) =>
      transaction(db, async (tx) => {
        const payment = await lockPayment(tx, paymentId);
        if (payment?.userId !== userId) {
          refuse('NOT_FOUND', 'There is no such payment.', { field: ['input', 'paymentId'] });
        }
        if (!isOpen(payment.status)) refuse('NOT_CANCELABLE', notCancelable, {}, { payment });
        await tx.update(payments).set({ cancelRequestedAt: now, checkAt: now }).where(eq(payments.id, paymentId));
        await answer(tx, { paymentId });
        return { paymentId };
      }),
  });
  await checkPayment(db, cashier, paymentId);
  const payment = await readPayment(db, paymentId);
  if (payment.capturedMinor > 0n) refuse('NOT_CANCELABLE', notCancelable, {}, { payment });
  return { payment };
}

const notCancelable = 'The payment is over: it cannot be called off any more.';

async function readPayment(reader: Reader, paymentId: string): Promise<PaymentRow> {
  const [payment] = await findPayments(reader, [paymentId]);
  if (!payment) throw new Error('A payment once begun stays on record.');
  return payment;
}
