import { type LedgerKind, movements } from '@souk/payment/ledger';
import { ledgerEntries, ledgerTransactions, orderStates, payments, refunds } from '@souk/payment/tables';
import type { Transaction } from '@souk/platform/database';
import { demoId } from './demo-id.ts';
import type { DemoOrder, DemoPayment } from './orders.ts';
import { insertRows } from './rows.ts';

/** Writes every attempt to pay, what went back, and the ledger. */
export async function writePayments(tx: Transaction, orders: readonly DemoOrder[]): Promise<void> {
  const attempts = orders.flatMap((order) => order.payments.map((payment) => ({ order, payment })));
  await insertRows(tx, orderStates, orders.flatMap(stateOf));
  await insertRows(
    tx,
    payments,
    attempts.map(({ order, payment }) => {
      const { id, failure, refund, cardNumber } = payment;
      const capturedMinor = failure ? 0n : order.totalMinor;
      return {
        id,
        orderId: order.id,
        orderNumber: order.number,
        userId: order.customer.id,
        provider: 'TEST_CARD' as const,
        status: failure ? ('FAILED' as const) : refund ? ('REFUNDED' as const) : ('CAPTURED' as const),
        currencyCode: order.currencyCode,
        amountMinor: order.totalMinor,
        capturedMinor,
        refundedMinor: refund ? capturedMinor : 0n,
        failureCode: failure?.code ?? null,
        failureMessage: failure?.message ?? null,
        failureIsRetryable: failure?.isRetryable ?? null,
        providerReference: payment.chargeId,
        cardBrand: 'visa',
        cardLast4: cardNumber.slice(-4),
        liveOrderId: failure ? null : order.id,
        createdAt: payment.startedAt,
        updatedAt: refund?.sentAt ?? payment.settledAt,
      };
    }),
  );
  await insertRows(
    tx,
    refunds,
    attempts.flatMap(({ order: { totalMinor, currencyCode }, payment: { id: paymentId, refund } }) => {
      if (!refund) return [];
      const { id, reason, grantedAt, sentAt } = refund;
      const status = 'SUCCEEDED' as const;
      return [
        {
          id,
          paymentId,
          amountMinor: totalMinor,
          currencyCode,
          status,
          reason,
          createdAt: grantedAt,
          updatedAt: sentAt,
        },
      ];
    }),
  );
  await writeLedger(tx, attempts);
}

/** Of an order that nobody has tried to pay, and that has not ended, the payment service has not heard yet. */
function stateOf({ id: orderId, status, events, payments, placedAt }: DemoOrder): (typeof orderStates.$inferInsert)[] {
  const [first] = payments;
  if (status === 'CANCELED' || status === 'EXPIRED') {
    return [{ orderId, state: status, updatedAt: events.at(-1)?.at ?? placedAt }];
  }
  return first ? [{ orderId, state: 'OPEN', updatedAt: first.startedAt }] : [];
}

async function writeLedger(
  tx: Transaction,
  attempts: readonly { order: DemoOrder; payment: DemoPayment }[],
): Promise<void> {
  const booked = attempts.flatMap(({ order, payment }) =>
    bookingsOf(payment).map((booking) => ({ ...booking, order })),
  );
  await insertRows(
    tx,
    ledgerTransactions,
    booked.map(({ id, paymentId, kind, sourceEvent, at }) => ({ id, paymentId, kind, sourceEvent, createdAt: at })),
  );
  await insertRows(
    tx,
    ledgerEntries,
    booked.flatMap(({ id: transactionId, kind, order: { totalMinor, currencyCode } }) => {
      const { debit, credit } = movements[kind];
      return [
        { transactionId, account: debit, amountMinor: totalMinor, currencyCode },
        { transactionId, account: credit, amountMinor: -totalMinor, currencyCode },
      ];
    }),
  );
}

function bookingsOf({ id: paymentId, failure, settledAt, refund }: DemoPayment) {
  const booking = (kind: LedgerKind, sourceEvent: string, at: Date) => {
    return { id: demoId('LedgerTransaction', at, `${kind} ${sourceEvent}`), paymentId, kind, sourceEvent, at };
  };
  if (failure) return [];
  const capture = booking('CAPTURE', paymentId, settledAt);
  if (!refund) return [capture];
  return [
    capture,
    booking('REFUND_GRANTED', refund.id, refund.grantedAt),
    booking('REFUND_SENT', refund.id, refund.sentAt),
  ];
}
