import { newId } from '@souk/platform/id';
import { describe, expect, it } from 'vitest';
import { brokenOf, type Corruption, expectBroken, useTestShop } from './test-shop.ts';

const shop = useTestShop();

const corruptions: Corruption[] = [
  {
    breaks: 'O1',
    by: 'an event is missing',
    change: ({ change, orders }) =>
      change('order', 'DELETE FROM order_events WHERE order_id = ? AND version = 3', orders.delivered.id),
  },
  {
    breaks: 'O1',
    by: 'an order is not where its last event led',
    change: ({ change, orders }) =>
      change('order', "UPDATE orders SET status = 'SHIPPED' WHERE id = ?", orders.delivered.id),
  },
  {
    breaks: 'O1',
    by: 'an order counts one version too many',
    change: ({ change, orders }) =>
      change('order', 'UPDATE orders SET version = version + 1 WHERE id = ?', orders.delivered.id),
  },
  {
    breaks: 'O1',
    by: 'an event begins where the one before did not end',
    change: ({ change, orders }) =>
      change(
        'order',
        "UPDATE order_events SET from_status = 'PROCESSING' WHERE order_id = ? AND version = 3",
        orders.delivered.id,
      ),
  },
  {
    breaks: 'O1',
    by: 'somebody moved an order along who may not',
    change: ({ change, orders }) =>
      change(
        'order',
        "UPDATE order_events SET actor = 'CUSTOMER' WHERE order_id = ? AND to_status = 'SHIPPED'",
        orders.delivered.id,
      ),
  },
  {
    breaks: 'O2',
    by: 'something happens to an order that was called off',
    async change({ change, orders }) {
      await change(
        'order',
        "INSERT INTO order_events (id, order_id, version, from_status, to_status, actor) VALUES (?, ?, 3, 'CANCELED', 'CANCELED', 'STAFF')",
        newId('OrderEvent'),
        orders.canceled.id,
      );
      await change('order', 'UPDATE orders SET version = 3 WHERE id = ?', orders.canceled.id);
    },
  },
  {
    breaks: 'O3',
    by: 'one key has placed two orders',
    change: ({ change, orders }) =>
      change(
        'order',
        "UPDATE checkouts SET idempotency_key = 'key of delivered' WHERE order_id = ?",
        orders.confirmed.id,
      ),
  },
  {
    breaks: 'O3',
    by: 'the database lets a key of a payment be taken twice, and it was',
    async change({ change, users }) {
      await change('payment', 'ALTER TABLE idempotency_keys DROP PRIMARY KEY');
      const taken = `('${users.ada}', 'paymentStart', 'k', 'f', CURRENT_TIMESTAMP(3))`;
      await change(
        'payment',
        `INSERT INTO idempotency_keys (owner, operation, idempotency_key, fingerprint, leased_until) VALUES ${taken}, ${taken}`,
      );
    },
    restore: ({ change }) =>
      change('payment', 'ALTER TABLE idempotency_keys ADD PRIMARY KEY (owner, operation, idempotency_key)'),
  },
  {
    breaks: 'O3',
    by: 'an order does not hold the version of its cart',
    change: ({ change, orders }) =>
      change('order', 'UPDATE orders SET live_cart_version = NULL WHERE id = ?', orders.delivered.id),
  },
  {
    breaks: 'O4',
    by: 'an answer names an order that does not exist',
    change: ({ change }) =>
      change(
        'order',
        `UPDATE idempotency_keys SET answer = '${JSON.stringify({ orderId: newId('Order') })}' WHERE idempotency_key = 'key of delivered'`,
      ),
  },
  {
    breaks: 'O4',
    by: 'an answer names nothing',
    change: ({ change }) =>
      change('order', "UPDATE idempotency_keys SET answer = '{}' WHERE idempotency_key = 'key of delivered'"),
  },
  {
    breaks: 'O5',
    by: 'a key of a cart is held for an hour',
    change: ({ change, users }) =>
      change(
        'cart',
        `INSERT INTO idempotency_keys (owner, operation, idempotency_key, fingerprint, leased_until)
         VALUES ('${users.ada}', 'cartLinesAdd', 'k', 'f', CURRENT_TIMESTAMP(3) + INTERVAL 1 HOUR)`,
      ),
  },
  {
    breaks: 'O5',
    by: 'a key is held for an hour',
    change: ({ change, users }) =>
      change(
        'payment',
        `INSERT INTO idempotency_keys (owner, operation, idempotency_key, fingerprint, leased_until)
         VALUES ('${users.ada}', 'paymentStart', 'k', 'f', CURRENT_TIMESTAMP(3) + INTERVAL 1 HOUR)`,
      ),
  },
  {
    breaks: 'O5',
    by: 'an order was placed and its key has no answer',
    change: ({ change }) =>
      change('order', "UPDATE idempotency_keys SET answer = NULL WHERE idempotency_key = 'key of delivered'"),
  },
  {
    breaks: 'O6',
    by: 'a checkout came to no end',
    change: ({ change, users }) =>
      change(
        'order',
        `INSERT INTO checkouts (order_id, user_id, idempotency_key, state, reached, leased_until, created_at)
         VALUES (?, ?, 'k', 'UNDOING', 'RESERVE_STOCK', CURRENT_TIMESTAMP(3), CURRENT_TIMESTAMP(3) - INTERVAL 5 MINUTE)`,
        newId('Order'),
        users.ada,
      ),
  },
  {
    breaks: 'O6',
    by: 'a checkout was undone and its stock is held',
    change: ({ change, orders }) =>
      change('order', "UPDATE checkouts SET state = 'UNDONE' WHERE order_id = ?", orders.awaiting.id),
  },
  {
    breaks: 'O6',
    by: 'a checkout was placed and has no order',
    change: ({ change, orders }) =>
      change('order', 'UPDATE checkouts SET order_id = ? WHERE order_id = ?', newId('Order'), orders.delivered.id),
  },
  {
    breaks: 'O7',
    by: 'an order still waits for a payment whose time is over',
    change: ({ change, orders }) =>
      change(
        'order',
        'UPDATE orders SET payment_due_at = CURRENT_TIMESTAMP(3) - INTERVAL 5 MINUTE WHERE id = ?',
        orders.awaiting.id,
      ),
  },
  {
    breaks: 'O8',
    by: 'a line costs something else than was quoted',
    change: ({ change, orders }) =>
      change(
        'catalog',
        'UPDATE stock_reservation_lines SET unit_price_minor = unit_price_minor + 1 WHERE order_id = ?',
        orders.delivered.id,
      ),
  },
];

describe('an invariant of orders goes red, and no other, when', () => {
  it.each(corruptions)('$breaks: $by', (corruption) => expectBroken(shop, corruption));
});

it('O3: the database itself refuses a second live order of one version of a cart', async () => {
  await shop.begin({ isSettled: true });
  const { delivered, confirmed } = shop.orders;
  const twice = shop.change(
    'order',
    'UPDATE orders o JOIN orders d ON d.id = ? SET o.cart_id = d.cart_id, o.live_cart_version = d.live_cart_version WHERE o.id = ?',
    delivered.id,
    confirmed.id,
  );
  await expect(twice).rejects.toThrow('Duplicate entry');
  expect(brokenOf(await shop.check())).toEqual([]);
});
