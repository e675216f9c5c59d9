import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '@souk/dev/seed/random';
import { idToBytes } from '@souk/platform/id';
import { ask, newCustomer, type Person, patiently } from '../../client.ts';
import { graphql } from '../../generated/gql.ts';
import { cancelOrder, cards, createProduct } from '../../shopping.ts';
import { atOnce } from '../at-once.ts';
import { openBadPost } from '../bad-post.ts';
import { orderOne, payOnce } from '../patiently.ts';
import { openRows } from '../races/rows.ts';
import type { Rig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

/** The time an order has to be paid, and longer: the provider approves when everybody has given up. */
const timing = { APPROVAL_DELAY: '1s', LATE_APPROVAL: '10s' };
const IN_FLIGHT = 50;
/** How far before and after its time is over an order is fought for. */
const [EARLIEST_MS, LATEST_MS] = [-2_000, 250];
/** A payment asks more people than a cancellation, so it needs a start. */
const START_MS = 500;

const delayed = '4000000000000077';
const late = '4000000000000259';

/** An order is paid, runs out of time and is called off, all at once; the provider's reports come when they like, and the money of some when it is too late. */
export const latePayments: Scenario = {
  fault:
    'Pay, sweep and cancel at the same instant; money that comes when the order has ended; reports lost, doubled, late and out of order',
  mustHold: 'one winner; every late payment refunded; stock untouched',
  rounds: { small: 50, full: 500 },
  env: { order: { ORDER_PAYMENT_WINDOW: '8s' }, 'test-card': timing },

  async run(rig, { rounds, random }) {
    const { variantIds } = await createProduct(rig.admin, [2 * rounds]);
    const customers = await Promise.all(Array.from({ length: 4 }, () => newCustomer(rig.shop.gatewayUrl)));
    const plans = Array.from({ length: rounds }, () => planOf(random, customers));
    await using post = await openBadPost(rig, random);
    await rig.restart('test-card', { ...timing, WEBHOOK_URL: post.url });
    const orders = await atOnce(IN_FLIGHT, rounds, (round) => collide(plans[round] as Plan, variantIds[0] as string));

    // A report that is lost when all is over comes to light only where the books are compared.
    await Promise.all(orders.flatMap(({ latePaymentId }) => (latePaymentId ? [post.wrote(latePaymentId)] : [])));
    await post.quiet();
    await ask(rig.admin, ReconciliationRun, { day: new Date().toISOString().slice(0, 10) });
    await rig.settle();
    await rig.restart('test-card');

    const { confirmed, canceled, expired, returned } = await outcomesOf(rig, orders);
    const { lost, doubled, delayed } = post.told;
    return {
      figures: [
        `${rounds} orders: ${confirmed} confirmed, ${canceled} called off, ${expired} expired, none both`,
        `${returned} payments came too late and went back whole`,
        `of ${post.told.written} reports ${lost} lost, ${doubled} doubled, ${delayed} delayed`,
      ],
      missed: [],
    };
  },
};

interface Plan {
  customer: Person;
  card: string;
  /** When, counted from the instant at which the order runs out of time; null: not at all. */
  payAtMs: number;
  cancelAtMs: number | null;
}

function planOf(random: Random, customers: readonly Person[]): Plan {
  const payAtMs = random.integer(EARLIEST_MS, LATEST_MS);
  return {
    customer: random.pick(customers),
    card: random.pick([cards.approved, cards.approved, delayed, late]),
    payAtMs,
    cancelAtMs: random.chance(50) ? payAtMs + random.integer(0, START_MS) : null,
  };
}

interface Collision {
  orderId: string;
  /** The payment whose money comes when the order has ended in any case. */
  latePaymentId: string | undefined;
}

async function collide({ customer, card, payAtMs, cancelAtMs }: Plan, variantId: string): Promise<Collision> {
  const { id: orderId, paymentDueAt } = await orderOne(customer, variantId);
  const dueAtMs = Date.parse(paymentDueAt ?? '');
  const until = (instantMs: number) => delay(Math.max(0, instantMs - Date.now()));
  const paying = async () => {
    // The late card would be refused at the last moment, so it is used at the first.
    if (card !== late) await until(dueAtMs + payAtMs);
    return (await payOnce(customer, orderId, card)).payment?.id;
  };
  const canceling = async () => {
    if (cancelAtMs === null) return;
    await until(dueAtMs + cancelAtMs);
    await patiently(() => cancelOrder(customer, orderId));
  };
  const [paymentId] = await Promise.all([paying(), canceling()]);
  return { orderId, latePaymentId: card === late ? paymentId : undefined };
}

const ReconciliationRun = graphql(`
  mutation LatePaymentsReconciliation($day: String!) {
    reconciliationRun(provider: TEST_CARD, day: $day) { reconciliation { id } userErrors { code message } }
  }
`);

/** @throws when money that came too late was not sent back whole, or when stock was taken for an order that was never confirmed */
async function outcomesOf(rig: Rig, collisions: readonly Collision[]) {
  const rows = openRows(rig);
  const ids = collisions.map(({ orderId }) => idToBytes('Order', orderId));
  const statuses = await rows.ask<{ status: string; count: string }>(
    'SELECT status, COUNT(*) AS count FROM souk_order.orders WHERE id IN (?) GROUP BY status',
    [ids],
  );
  const [paid] = await rows.ask<{ returned: string; kept: string }>(
    `SELECT SUM(p.captured_minor > 0 AND p.refunded_minor = p.captured_minor) AS returned, SUM(p.refunded_minor <> p.captured_minor) AS kept
     FROM souk_payment.payments p JOIN souk_order.orders o ON o.id = p.order_id WHERE o.status IN ('CANCELED', 'EXPIRED') AND o.id IN (?)`,
    [ids],
  );
  const lateIds = collisions.flatMap(({ latePaymentId }) => latePaymentId ?? []);
  const [late] = await rows.ask<{ returned: string }>(
    "SELECT COUNT(*) AS returned FROM souk_payment.payments WHERE status = 'REFUNDED' AND id IN (?)",
    [lateIds.map((id) => idToBytes('Payment', id))],
  );
  const [stock] = await rows.ask<{ taken: string }>(
    `SELECT COUNT(*) AS taken FROM souk_catalog.stock_movements WHERE kind = 'COMMITTED' AND order_id IN (?)
       AND order_id NOT IN (SELECT order_id FROM souk_order.order_events WHERE to_status = 'CONFIRMED')`,
    [ids],
  );
  await rows.close();
  const count = (status: string) => Number(statuses.find((each) => each.status === status)?.count ?? 0);
  const [confirmed, canceled, expired] = [count('CONFIRMED'), count('CANCELED'), count('EXPIRED')];
  if (confirmed + canceled + expired !== collisions.length)
    throw new Error(`Expected ${collisions.length} orders to be over, got ${JSON.stringify(statuses)}.`);
  if (Number(paid?.kept) !== 0) throw new Error(`Expected no money kept for an order that ended, got ${paid?.kept}.`);
  if (Number(late?.returned) !== lateIds.length || lateIds.length === 0)
    throw new Error(`Expected ${lateIds.length} late payments to be refunded, got ${late?.returned}.`);
  if (Number(stock?.taken) !== 0) throw new Error(`Expected no stock for unpaid orders, got ${stock?.taken}.`);
  return { confirmed, canceled, expired, returned: Number(paid?.returned) };
}
