import { newId } from '@souk/platform/id';
import { describe, expect, it } from 'vitest';
import { type UnderWay, untilSettled } from './settled.ts';
import { type TestShop, useTestShop } from './test-shop.ts';

const shop = useTestShop();

const lookOnce = () => untilSettled(shop.sources, { timeoutMs: 0 });

it('a shop in which everything has come to its end has settled', async () => {
  await shop.begin({ isSettled: true });
  expect(await lookOnce()).toEqual([]);
});

it('what is under way when it gives up is told, with the oldest of each kind', async () => {
  await shop.begin({ isSettled: false });
  const { id, paymentId } = shop.orders.awaiting;
  expect(await lookOnce()).toEqual<UnderWay[]>([
    { subgraph: 'catalog', what: 'stock is held for an order', count: 1, oldest: id },
    { subgraph: 'order', what: 'an order awaits its payment', count: 1, oldest: id },
    { subgraph: 'payment', what: 'a provider may still take money', count: 1, oldest: paymentId },
  ]);
});

it('it waits for what is under way to come to its end', async () => {
  await shop.begin({ isSettled: true });
  const { confirmed } = shop.orders.delivered.events;
  await shop.change('order', "UPDATE outbox SET state = 'QUEUED' WHERE event_id = ?", confirmed);
  let isOver = false;
  const settled = untilSettled(shop.sources, { timeoutMs: 60_000 }).finally(() => {
    isOver = true;
  });
  // It answers the first question before this one, which is asked on the same connection.
  await shop.sources.order.rows('SELECT 1');
  expect(isOver).toBe(false);
  await shop.change('order', "UPDATE outbox SET state = 'DELIVERED' WHERE event_id = ?", confirmed);
  expect(await settled).toEqual([]);
});

it('what moves to a database after that was looked at, from one that was not yet, is not missed', async () => {
  await shop.begin({ isSettled: true });
  const { events } = shop.orders.refunded;
  await shop.change('order', "UPDATE outbox SET state = 'QUEUED' WHERE event_id = ?", events.canceled);
  await shop.change('payment', 'DELETE FROM inbox WHERE event_id = ?', events.canceled);
  const { order, payment } = shop.sources;
  let hasMoved = false;
  const rows: typeof order.rows = async (sql, values) => {
    if (!hasMoved) {
      hasMoved = true;
      await payment.rows('SELECT 1');
      await shop.change('payment', "INSERT INTO inbox (event_id, type) VALUES (?, 'order.canceled')", events.canceled);
      await shop.change('payment', "UPDATE refunds SET status = 'PENDING'");
      await shop.change('order', "UPDATE outbox SET state = 'DELIVERED' WHERE event_id = ?", events.canceled);
    }
    return order.rows(sql, values);
  };
  const found = await untilSettled({ ...shop.sources, order: { ...order, rows } }, { timeoutMs: 0 });
  expect(found.map(({ what }) => what)).toEqual(['a refund is on its way']);
});

interface Beginning {
  what: string;
  begin(shop: TestShop): Promise<void>;
}

const beginnings: Beginning[] = [
  {
    what: 'an event is not delivered',
    begin: ({ change }) => change('payment', "UPDATE outbox SET state = 'PENDING'"),
  },
  {
    what: 'a request is at work on its idempotency key',
    begin: ({ change, users }) =>
      change(
        'catalog',
        `INSERT INTO idempotency_keys (owner, operation, idempotency_key, fingerprint, leased_until)
         VALUES ('${users.eve}', 'stockAdjust', 'k', 'f', CURRENT_TIMESTAMP(3) + INTERVAL 10 SECOND)`,
      ),
  },
  {
    what: 'a checkout is neither placed nor undone',
    begin: ({ change, orders }) =>
      change('order', "UPDATE checkouts SET state = 'UNDOING' WHERE order_id = ?", orders.delivered.id),
  },
  {
    what: 'an order awaits its payment',
    begin: ({ change, orders }) =>
      change('order', "UPDATE orders SET status = 'AWAITING_PAYMENT' WHERE id = ?", orders.delivered.id),
  },
  {
    what: 'stock is held for an order',
    begin: ({ change, orders }) =>
      change('catalog', "UPDATE stock_reservations SET status = 'HELD' WHERE order_id = ?", orders.delivered.id),
  },
  {
    what: 'a provider may still take money',
    begin: ({ change, orders }) =>
      change('payment', "UPDATE payments SET status = 'REQUIRES_ACTION' WHERE id = ?", orders.delivered.paymentId),
  },
  { what: 'a refund is on its way', begin: ({ change }) => change('payment', "UPDATE refunds SET status = 'PENDING'") },
  {
    what: "a provider's event is not processed",
    begin: ({ change }) => change('payment', 'UPDATE provider_events SET processed_at = NULL'),
  },
  {
    what: 'a day is being reconciled',
    begin: ({ change }) =>
      change(
        'payment',
        "INSERT INTO reconciliations (id, provider, day, is_running) VALUES (?, 'TEST_CARD', '2026-11-21', TRUE)",
        newId('Reconciliation'),
      ),
  },
];

describe('not settled is a shop in which', () => {
  it.each(beginnings)('$what', async ({ what, begin }) => {
    await shop.begin({ isSettled: true });
    await begin(shop);
    expect((await lookOnce()).map((found) => found.what)).toEqual([what]);
  });
});

it('what waits for a person is not under way', async () => {
  await shop.begin({ isSettled: true });
  await shop.change('payment', "UPDATE outbox SET state = 'PARKED'");
  await shop.change('payment', "UPDATE provider_events SET outcome = 'MISMATCH'");
  expect(await lookOnce()).toEqual([]);
});
