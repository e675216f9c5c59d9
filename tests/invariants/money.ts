import { subgraphNames } from '@souk/schema/subgraphs';
import { disagreeing } from './agreement.ts';
import { notTheSumOfItsLines, unsoundAmounts } from './amounts.ts';
import { type Breaking, breakingRows, CannotTell, type Invariant, none, type ShopRows, together } from './invariant.ts';
import { ledgerWriters } from './ledger-writers.ts';
import { calledOffStatuses, ordersEndedBefore, paidStatuses } from './order-states.ts';
import { ago, readable, rowsOf, type Source } from './source.ts';
import { haveSameWeight, noneIs, weighed, weightOf } from './tally.ts';
import { duplicates } from './unique.ts';

export const money: Invariant[] = [
  {
    id: 'M1',
    kind: 'S',
    says: 'Every ledger transaction, and so the ledger, sums to zero in each currency.',
    breaking: async ({ payment }) =>
      (await weightOf({
        of: payment,
        from: 'ledger_entries',
        sum: weighed('CONCAT(transaction_id, currency_code)', 'amount_minor'),
      })) === 0
        ? none
        : payment.breaking(`
            SELECT transaction_id AS transactionId, currency_code AS currencyCode, SUM(amount_minor) AS sumMinor
            FROM ledger_entries GROUP BY transaction_id, currency_code HAVING SUM(amount_minor) <> 0`),
  },
  {
    id: 'M3',
    kind: 'S',
    says: 'No account that serves the shop may change or remove a row of the ledger.',
    breaking: ({ payment }) => ledgerWriters(payment),
  },
  {
    id: 'M4',
    kind: 'S',
    says: 'Of each payment, 0 ≤ refunded ≤ captured ≤ amount, as the ledger has it.',
    breaking: async ({ payment }) => ((await agreesWithTheLedger(payment)) ? none : payment.breaking(unlikeTheLedger)),
  },
  {
    id: 'M5',
    kind: 'S',
    says: 'The refunds of a payment, pending and sent, are what the payment says, and no more than was captured.',
    breaking: async ({ payment }) => ((await agreesWithRefunds(payment)) ? none : payment.breaking(unlikeItsRefunds)),
  },
  {
    id: 'M6',
    kind: 'Q',
    says: 'A paid order has brought in its total in its currency, less what staff gave back; whatever else was captured has gone back.',
    breaking: async (shop) =>
      together(...(await Promise.all([unlikeTheirTotal(shop), keptWithoutAnOrder(shop.payment)]))),
  },
  {
    id: 'M7',
    kind: 'S',
    says: 'At most one payment holds money for an order.',
    // A payment that holds money names its order in `live_order_id`, which no two can do.
    breaking: async ({ payment }) => {
      const isProven = noneIs(payments(payment), `${holdsMoney} AND NOT (p.live_order_id <=> p.order_id)`);
      const twice = await duplicates(payment, 'payments', ['live_order_id']);
      return twice.count === 0 && (await isProven) ? none : payment.breaking(paidSeveralTimes);
    },
  },
  {
    id: 'M8',
    kind: 'D',
    withinSeconds: 60,
    says: 'What was captured for an order that was called off is promised back in the transaction that learns of both, and back within 60 s.',
    breaking: async (shop) =>
      together(
        ...(await Promise.all([
          notPromisedBack(shop.payment),
          shop.payment.breaking(promisedAndNotBack),
          notHeardOfTheEnd(shop),
        ])),
      ),
  },
  {
    id: 'M9',
    kind: 'Q',
    says: "The provider's own log and the payments tell the same, one to one.",
    breaking: unlikeTheProvider,
  },
  {
    id: 'M10',
    kind: 'S',
    says: 'The total of an order is its lines, shipping and tax; money is whole minor units, and none is below zero.',
    breaking: async (shop) =>
      together(
        ...(await Promise.all([
          notTheSumOfItsLines(shop.order),
          ...subgraphNames.map((name) => unsoundAmounts(name, shop[name])),
        ])),
      ),
  },
  {
    id: 'M11',
    kind: 'S',
    says: "A provider's event is kept once, and what follows from one source is booked once.",
    breaking: async ({ payment }) =>
      together(
        await duplicates(payment, 'provider_events', ['provider', 'event_id']),
        await duplicates(payment, 'ledger_transactions', ['payment_id', 'kind', 'source_event']),
      ),
  },
  {
    id: 'M12',
    kind: 'Q',
    says: 'No money is in suspense: nothing promised and not sent, nothing reported and not booked.',
    breaking: async ({ payment }) =>
      together(await payment.breaking(promisedAndNotSent), await payment.breaking(reportedAndNotBooked)),
  },
];

/** The tables that several of these read, each once for all. */
const payments = (of: Source) => ({ of, from: 'payments p', by: 'p.live_order_id' });
const endedOrders = (of: Source) => ({
  of,
  from: "order_states s STRAIGHT_JOIN payments p ON p.order_id = s.order_id WHERE s.state <> 'OPEN'",
  by: 's.order_id',
});

const holdsMoney = 'p.captured_minor > p.refunded_minor + p.refund_pending_minor';

/** What the ledger knows of a payment. */
const booked = {
  captured: "IF(t.kind = 'CAPTURE', e.amount_minor, 0)",
  refunded: "IF(t.kind = 'REFUND_SENT', -e.amount_minor, 0)",
};
const bookings =
  "ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id AND e.account = 'provider_receivable'";

async function agreesWithTheLedger(payment: Source): Promise<boolean> {
  const all = await Promise.all([
    haveSameWeight(
      { ...payments(payment), sum: weighed('p.id', both('p.captured_minor', 'p.refunded_minor')) },
      {
        of: payment,
        from: bookings,
        sum: weighed('t.payment_id', both(booked.captured, booked.refunded)),
      },
    ),
    noneIs(payments(payment), `NOT (${isSound})`),
  ]);
  return all.every(Boolean);
}

/** Two amounts as one, from which neither can be taken without the other telling: the second counts some million times. */
const both = (one: string, other: string) => `(${one}) % 2147483647 + 1048583 * ((${other}) % 2147483647)`;

const isSound = '0 <= p.refunded_minor AND p.refunded_minor <= p.captured_minor AND p.captured_minor <= p.amount_minor';

const unlikeTheLedger = `
  SELECT p.id AS paymentId, p.captured_minor AS capturedMinor, p.refunded_minor AS refundedMinor, l.captured AS capturedByLedger, l.refunded AS refundedByLedger
  FROM payments p LEFT JOIN (
    SELECT t.payment_id, SUM(${booked.captured}) AS captured, SUM(${booked.refunded}) AS refunded FROM ${bookings} GROUP BY t.payment_id
  ) l ON l.payment_id = p.id
  WHERE p.captured_minor <> COALESCE(l.captured, 0) OR p.refunded_minor <> COALESCE(l.refunded, 0)
     OR NOT (${isSound})
  UNION ALL
  SELECT t.payment_id, NULL, NULL, SUM(${booked.captured}), SUM(${booked.refunded}) FROM ${bookings} LEFT JOIN payments p ON p.id = t.payment_id
  WHERE p.id IS NULL GROUP BY t.payment_id`;

async function agreesWithRefunds(payment: Source): Promise<boolean> {
  const amountIf = (status: string) => `IF(status = '${status}', amount_minor, 0)`;
  const all = await Promise.all([
    haveSameWeight(
      { ...payments(payment), sum: weighed('p.id', both('p.refund_pending_minor', 'p.refunded_minor')) },
      {
        of: payment,
        from: 'refunds',
        sum: weighed('payment_id', both(amountIf('PENDING'), amountIf('SUCCEEDED'))),
      },
    ),
    noneIs(payments(payment), 'p.refunded_minor + p.refund_pending_minor > p.captured_minor'),
  ]);
  return all.every(Boolean);
}

const unlikeItsRefunds = `
  SELECT p.id AS paymentId, p.captured_minor AS capturedMinor, p.refunded_minor AS refundedMinor, p.refund_pending_minor AS pendingMinor, r.sent AS sentByRefunds, r.pending AS pendingByRefunds
  FROM payments p LEFT JOIN (
    SELECT payment_id, SUM(IF(status = 'PENDING', amount_minor, 0)) AS pending, SUM(IF(status = 'SUCCEEDED', amount_minor, 0)) AS sent FROM refunds GROUP BY payment_id
  ) r ON r.payment_id = p.id
  WHERE p.refunded_minor <> COALESCE(r.sent, 0) OR p.refund_pending_minor <> COALESCE(r.pending, 0) OR p.refunded_minor + p.refund_pending_minor > p.captured_minor
  UNION ALL
  SELECT r.payment_id, NULL, NULL, NULL, r.amount_minor, NULL FROM refunds r LEFT JOIN payments p ON p.id = r.payment_id WHERE p.id IS NULL`;

/** Paid orders against the payments that pay them. What staff give back of such a payment lessens neither side: it was captured all the same. */
async function unlikeTheirTotal({ order, payment }: ShopRows): Promise<Breaking> {
  const captured = {
    fact: 'CONCAT(p.captured_minor, p.currency_code)',
    where: 'p.live_order_id IS NOT NULL AND p.captured_minor > 0',
  };
  const suspects = await disagreeing(
    [
      {
        of: order,
        from: 'orders',
        by: 'id',
        fact: 'CONCAT(total_minor, currency_code)',
        where: `status IN ${paidStatuses}`,
      },
    ],
    [
      { ...payments(payment), ...captured },
      { ...endedOrders(payment), ...captured, times: '-1e0' },
    ],
  );
  type Sum = { orderId: Buffer; minor: string; currency: string };
  const due = await rowsOf<Sum>(
    order,
    `SELECT id AS orderId, total_minor AS minor, currency_code AS currency FROM orders WHERE status IN ${paidStatuses} AND id IN (?)`,
    suspects,
  );
  const paid = await rowsOf<Sum>(
    payment,
    `SELECT p.order_id AS orderId, SUM(p.captured_minor) AS minor, MIN(p.currency_code) AS currency FROM payments p
     LEFT JOIN order_states s ON s.order_id = p.order_id
     WHERE p.live_order_id IS NOT NULL AND p.captured_minor > 0 AND COALESCE(s.state, 'OPEN') = 'OPEN' AND p.order_id IN (?) GROUP BY p.order_id`,
    suspects,
  );
  const text = (sums: Sum[]) =>
    new Map(sums.map(({ orderId, minor, currency }) => [orderId.toString('hex'), `${minor} ${currency}`]));
  const [dueById, paidById] = [text(due), text(paid)];
  return breakingRows(
    suspects.flatMap((orderId) => {
      const id = orderId.toString('hex');
      const [owed, came] = [dueById.get(id) ?? null, paidById.get(id) ?? null];
      return owed === came ? [] : [readable({ orderId, total: owed, captured: came })];
    }),
  );
}

async function keptWithoutAnOrder(payment: Source): Promise<Breaking> {
  if (await noneIs(payments(payment), 'p.live_order_id IS NULL AND p.captured_minor > p.refunded_minor')) return none;
  return payment.breaking(`
    SELECT p.id AS paymentId, p.order_id AS orderId, p.captured_minor - p.refunded_minor AS keptMinor
    FROM payments p LEFT JOIN order_states s ON s.order_id = p.order_id
    WHERE p.captured_minor > p.refunded_minor AND p.live_order_id IS NULL AND COALESCE(s.state, 'OPEN') = 'OPEN'`);
}

const paidSeveralTimes = `
  SELECT p.order_id AS orderId, COUNT(*) AS payments FROM payments p
  JOIN (SELECT order_id FROM payments GROUP BY order_id HAVING COUNT(*) > 1) several ON several.order_id = p.order_id
  WHERE ${holdsMoney} GROUP BY p.order_id HAVING COUNT(*) > 1
  UNION ALL SELECT live_order_id, 1 FROM payments WHERE live_order_id <> order_id`;

/** Once payment knows that an order was called off, the money for it is promised back in the same transaction. */
async function notPromisedBack(payment: Source): Promise<Breaking> {
  if (await noneIs(endedOrders(payment), holdsMoney)) return none;
  return payment.breaking(`
    SELECT p.id AS paymentId, p.order_id AS orderId, 'not promised back' AS what, p.captured_minor - p.refunded_minor - p.refund_pending_minor AS amountMinor
    FROM order_states s JOIN payments p ON p.order_id = s.order_id WHERE s.state <> 'OPEN' AND ${holdsMoney}`);
}

const promisedAndNotBack = `
  SELECT r.payment_id AS paymentId, p.order_id AS orderId, 'not back yet' AS what, r.amount_minor AS amountMinor
  FROM refunds r JOIN payments p ON p.id = r.payment_id JOIN order_states s ON s.order_id = p.order_id
  WHERE r.status = 'PENDING' AND r.created_at < ${ago(60)} AND s.state <> 'OPEN'`;

/** Orders called off a minute ago, of which payment does not know although it holds money for them. */
async function notHeardOfTheEnd({ order, payment }: ShopRows): Promise<Breaking> {
  const suspects = await disagreeing(
    [{ of: payment, from: 'order_states', by: 'order_id', fact: 'state', where: "state <> 'OPEN'" }],
    [{ of: order, from: 'orders', by: 'id', fact: 'status', where: `status IN ${calledOffStatuses}` }],
  );
  const kept = await rowsOf<{ orderId: Buffer; paymentId: Buffer; amountMinor: string }>(
    payment,
    `SELECT p.order_id AS orderId, p.id AS paymentId, p.captured_minor - p.refunded_minor AS amountMinor FROM payments p
     LEFT JOIN order_states s ON s.order_id = p.order_id
     WHERE p.captured_minor > p.refunded_minor AND COALESCE(s.state, 'OPEN') = 'OPEN' AND p.order_id IN (?)`,
    suspects,
  );
  const ended = await ordersEndedBefore(
    order,
    60,
    kept.map(({ orderId }) => orderId),
  );
  return breakingRows(
    kept
      .filter(({ orderId }) => ended.has(orderId.toString('hex')))
      .map((row) => readable({ ...row, what: 'payment does not know that the order ended' })),
  );
}

const promisedAndNotSent = `
  SELECT t.payment_id AS paymentId, -SUM(e.amount_minor) AS promisedMinor, e.currency_code AS currencyCode
  FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id AND e.account = 'refunds_payable'
  WHERE t.kind <> 'CAPTURE' GROUP BY t.payment_id, e.currency_code HAVING SUM(e.amount_minor) <> 0`;

/** Providers repeat and delay their reports as they like, so one may come in at any moment, also when all has settled; it is acted upon within seconds. */
const reportedAndNotBooked = `
  SELECT payment_id AS paymentId, event_id AS providerEvent, outcome FROM provider_events
  WHERE (processed_at IS NULL AND received_at < ${ago(20)}) OR outcome IN ('MISMATCH', 'UNKNOWN_PAYMENT')`;

/** Each charge that went through is a payment with that much captured and refunded, and the other way round. */
async function unlikeTheProvider({ payment, providerLog }: ShopRows): Promise<Breaking> {
  if (!providerLog) {
    throw new CannotTell('nobody said where the provider is: set TEST_PROVIDER_URL and TEST_PROVIDER_SECRET');
  }
  const told = new Map<string, string>();
  for (const charge of await providerLog.charges()) {
    if (charge.status !== 'SUCCEEDED') continue;
    const { paymentId, amountMinor, currencyCode, refundedMinor, chargeId } = charge;
    told.set(paymentId, `${amountMinor} ${currencyCode}, ${refundedMinor} refunded, ${chargeId}`);
  }
  const booked = await payment.rows<Record<string, unknown>>(`
    SELECT id AS paymentId, CONCAT(captured_minor, ' ', currency_code, ', ', refunded_minor, ' refunded, ', provider_reference) AS fact
    FROM payments WHERE provider = 'TEST_CARD' AND captured_minor > 0`);
  const ours = new Map(booked.map(readable).map(({ paymentId, fact }) => [String(paymentId), String(fact)]));
  const ids = [...new Set([...told.keys(), ...ours.keys()])];
  return breakingRows(
    ids
      .map((paymentId) => ({ paymentId, provider: told.get(paymentId) ?? null, payment: ours.get(paymentId) ?? null }))
      .filter(({ provider, payment: ourFact }) => provider !== ourFact),
  );
}
