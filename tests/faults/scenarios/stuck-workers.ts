import { setTimeout as delay } from 'node:timers/promises';
import { openEvents } from '@souk/dev/event-routes';
import { isAlive } from '@souk/dev/is-alive';
import { bytesToId, idToBytes } from '@souk/platform/id';
import { newCustomer, type Person, patiently } from '../../client.ts';
import { cancelOrder, createProduct } from '../../shopping.ts';
import type { HeldPoint } from '../control.ts';
import { orderOne, payOnce } from '../patiently.ts';
import { openRows, type Rows } from '../races/rows.ts';
import type { Rig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

/** After this long without a sign of life a worker has lost its job to another one: see LOCK_MS in platform/src/event-workers.ts. */
const LOST_AFTER_MS = 20_000;
/** One failure more, and an event is parked: see MAX_FAILURES there. */
const ALMOST_HOPELESS = 9;

/** Those who let facts take effect are killed and frozen in the middle of it, and one fact cannot take effect at all. */
export const stuckWorkers: Scenario = {
  fault:
    'Workers killed again and again in the middle of one event, and frozen until another has taken over; an event that cannot be handled',
  mustHold:
    'every effect exactly once; the poisoned event is parked while others flow, and heals when it is sent again',
  // Kills of the same job.
  rounds: { small: 1, full: 5 },

  async run(rig, { rounds, random }) {
    const { variantIds } = await createProduct(rig.admin, [10]);
    const rows = openRows(rig);
    const customer = await newCustomer(rig.shop.gatewayUrl);
    const story: Story = { rig, rows, customer, variantId: variantIds[0] as string };
    const point = random.pick(['inbox.commit', 'inbox.committed'] as const);
    const other = await rig.shop.services.payment.another({ ROLE: 'worker' });
    try {
      const poisoned = await poison(story);
      const canceled = await boughtOrder(story);
      const paid = await heldWhenPaid(story);
      const [killed, frozen] = await Promise.all([
        killAgainAndAgain(story, paid, rounds),
        freeze(story, { orderId: canceled, otherPid: other.pid, point }),
        heal(story, poisoned),
      ]);
      await expectOnce(rows, { confirmed: [poisoned.orderId, canceled, paid.orderId], canceled });
      return {
        figures: [
          `killed ${rounds} time(s) in the middle of one event, confirmed once ${seconds(killed)} s after the payment`,
          `frozen at ${point} for ${seconds(frozen)} s while another worker took over, refunded once and returned to stock once`,
          'the poisoned event was parked while others were delivered, sent again, and took effect once',
        ],
        missed: [],
      };
    } finally {
      await other.stop();
      await rows.close();
    }
  },
};

interface Story {
  rig: Rig;
  rows: Rows;
  customer: Person;
  variantId: string;
}

async function paidOrder({ customer, variantId }: Story): Promise<string> {
  const { id } = await orderOne(customer, variantId);
  const { payment, userErrors } = await payOnce(customer, id);
  if (payment?.status !== 'CAPTURED') throw new Error(`Expected to pay, got ${JSON.stringify(userErrors)}.`);
  return id;
}

/** An order whose payment has taken effect. */
async function boughtOrder(story: Story): Promise<string> {
  const id = await paidOrder(story);
  await untilConfirmed(story.rows, id);
  return id;
}

async function untilConfirmed(rows: Rows, orderId: string): Promise<void> {
  await rows.until("SELECT 1 FROM souk_order.orders WHERE id = ? AND status = 'CONFIRMED'", [
    idToBytes('Order', orderId),
  ]);
}

interface Poisoned {
  orderId: string;
  eventId: Buffer;
  /** What the event said before it was spoilt. */
  payload: string;
}

/** The payment of an order becomes an event that its listener cannot read. Nobody can carry it before it is spoilt, because Redis is away. */
async function poison(story: Story): Promise<Poisoned> {
  const { rig, rows } = story;
  await rig.network.redis.cut();
  const orderId = await paidOrder(story);
  const { eventId, payload } = await rows.until<Omit<Poisoned, 'orderId'>>(
    "SELECT event_id AS eventId, CAST(payload AS CHAR) AS payload FROM souk_payment.outbox WHERE aggregate_id = ? AND type = 'payment.captured' AND state = 'PENDING'",
    [orderId],
  );
  await rows.ask(
    "UPDATE souk_payment.outbox SET payload = JSON_SET(payload, '$.amountMinor', 'a lot') WHERE event_id = ?",
    [eventId],
  );
  await rig.network.redis.heal();
  return { orderId, eventId, payload };
}

/** Has failed so often that it is put aside; then somebody mends it and sends it again. */
async function heal({ rig, rows }: Story, { orderId, eventId, payload }: Poisoned): Promise<void> {
  await rows.until('SELECT 1 FROM souk_order.event_failures WHERE event_id = ?', [eventId]);
  await rows.ask('UPDATE souk_order.event_failures SET failures = ? WHERE event_id = ?', [ALMOST_HOPELESS, eventId]);
  await rows.until("SELECT 1 FROM souk_payment.outbox WHERE event_id = ? AND state = 'PARKED'", [eventId]);
  await rows.ask('UPDATE souk_payment.outbox SET payload = ? WHERE event_id = ?', [payload, eventId]);
  await using events = openEvents(rig.databaseUrls);
  await events.redrive({ eventId: bytesToId('Event', eventId) });
  await untilConfirmed(rows, orderId);
}

interface HeldWhenPaid {
  orderId: string;
  held: HeldPoint;
}

const takingEffect = { about: 'payment.captured' };

/** An order whose payment is about to take effect. */
async function heldWhenPaid(story: Story): Promise<HeldWhenPaid> {
  const held = await story.rig.hold('inbox.commit', takingEffect);
  return { orderId: await paidOrder(story), held };
}

/** Kills whoever is about to commit that the order is paid, and whoever tries it next. Returns how long it took, in ms. */
async function killAgainAndAgain(
  { rig, rows }: Story,
  { orderId, held: first }: HeldWhenPaid,
  kills: number,
): Promise<number> {
  const startedAt = performance.now();
  for (let held = first, killed = 0; ; ) {
    const { pid } = await held.reached;
    const next = killed + 1 < kills ? await rig.hold('inbox.commit', takingEffect) : undefined;
    if (isAlive(pid)) {
      process.kill(pid, 'SIGKILL');
      killed++;
      if (!next) break;
    }
    // It died of the kill before, with two events in hand: the one that takes its place comes by again.
    held = next ?? (await rig.hold('inbox.commit', takingEffect));
  }
  await untilConfirmed(rows, orderId);
  return performance.now() - startedAt;
}

/** Freezes whoever refunds a canceled order, until another worker has had the time to take its job. Returns for how long, in ms. */
async function freeze(
  { rig, rows, customer }: Story,
  { orderId, otherPid, point }: { orderId: string; otherPid: number; point: 'inbox.commit' | 'inbox.committed' },
): Promise<number> {
  const refunders = [rig.shop.services.payment.pid, otherPid];
  // The catalog hears of it, too, and is let go.
  const holds = await Promise.all([1, 2].map(() => rig.hold(point, { about: 'order.canceled' })));
  await patiently(() => cancelOrder(customer, orderId));
  const reached = await Promise.all(holds.map(async (hold) => ({ hold, ...(await hold.reached) })));
  for (const { hold, pid } of reached) if (!refunders.includes(pid)) hold.release();
  const stuck = reached.find(({ pid }) => refunders.includes(pid));
  if (!stuck) throw new Error('Expected a worker of payments to hear of the order.');

  process.kill(stuck.pid, 'SIGSTOP');
  const startedAt = performance.now();
  // Before its commit the frozen one holds its locks, so that the other can only wait; after it, the other finds that all is done.
  if (point === 'inbox.commit') await delay(LOST_AFTER_MS);
  else
    await rows.until(
      "SELECT 1 FROM souk_order.outbox WHERE aggregate_id = ? AND type = 'order.canceled' AND subscriber = 'payment' AND state = 'DELIVERED'",
      [orderId],
    );
  const frozenMs = performance.now() - startedAt;
  process.kill(stuck.pid, 'SIGCONT');
  stuck.hold.release();
  await rows.until(
    "SELECT 1 FROM souk_payment.payments WHERE order_id = ? AND status = 'REFUNDED' AND refunded_minor = captured_minor",
    [idToBytes('Order', orderId)],
  );
  return frozenMs;
}

async function expectOnce(rows: Rows, orders: { confirmed: string[]; canceled: string }): Promise<void> {
  const [found] = await rows.ask<Record<'confirmed' | 'refunds' | 'returned', number>>(
    `SELECT (SELECT COUNT(*) FROM souk_order.order_events WHERE to_status = 'CONFIRMED' AND order_id IN (?)) AS confirmed,
       (SELECT COUNT(*) FROM souk_payment.refunds r JOIN souk_payment.payments p ON p.id = r.payment_id WHERE p.order_id = ?) AS refunds,
       (SELECT COUNT(*) FROM souk_catalog.stock_movements WHERE kind = 'RETURNED' AND order_id = ?) AS returned`,
    [orders.confirmed.map((id) => idToBytes('Order', id)), ...Array(2).fill(idToBytes('Order', orders.canceled))],
  );
  const counted = [found?.confirmed, found?.refunds, found?.returned].map(Number);
  if (counted.join() !== [orders.confirmed.length, 1, 1].join())
    throw new Error(`Expected each effect once, got ${JSON.stringify(found)}.`);
}

function seconds(ms: number): number {
  return Math.round(ms / 1_000);
}
