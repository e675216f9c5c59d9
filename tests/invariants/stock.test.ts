import { newId } from '@souk/platform/id';
import { describe, expect, it } from 'vitest';
import { brokenOf, type Corruption, expectBroken, type TestShop, useTestShop } from './test-shop.ts';

const shop = useTestShop();

/** A hold in the name of an order that nobody knows. */
function holdForNobody({ change }: TestShop, createdAt: string): Promise<void> {
  return change(
    'catalog',
    `INSERT INTO stock_reservations (order_id, id, status, expires_at, created_at) VALUES (?, ?, 'HELD', CURRENT_TIMESTAMP(3) + INTERVAL 10 MINUTE, ${createdAt})`,
    newId('Order'),
    newId('StockReservation'),
  );
}

const corruptions: Corruption[] = [
  {
    breaks: 'S1',
    by: 'the database lets more be reserved than is on hand, and it is',
    async change({ change, variants }) {
      await change('catalog', 'ALTER TABLE stock_levels DROP CONSTRAINT stock_levels_reserved');
      await change(
        'catalog',
        `INSERT INTO stock_movements (id, variant_id, kind, quantity) SELECT ?, variant_id, 'ADJUSTED', -on_hand FROM stock_levels WHERE variant_id = ?`,
        newId('StockMovement'),
        variants.mug,
      );
      await change('catalog', 'UPDATE stock_levels SET on_hand = 0 WHERE variant_id = ?', variants.mug);
    },
    restore: ({ change }) =>
      change(
        'catalog',
        'ALTER TABLE stock_levels ADD CONSTRAINT stock_levels_reserved CHECK (reserved >= 0 AND reserved <= on_hand)',
      ),
  },
  {
    breaks: 'S2',
    by: 'there is one more on hand than came',
    change: ({ change, variants }) =>
      change('catalog', 'UPDATE stock_levels SET on_hand = on_hand + 1 WHERE variant_id = ?', variants.tea),
  },
  {
    breaks: 'S2',
    by: 'something came and is not on hand',
    change: ({ change, variants }) =>
      change(
        'catalog',
        "INSERT INTO stock_movements (id, variant_id, kind, quantity) VALUES (?, ?, 'ADJUSTED', -3)",
        newId('StockMovement'),
        variants.tea,
      ),
  },
  {
    breaks: 'S3',
    by: 'more is reserved than is held',
    change: ({ change, variants }) =>
      change('catalog', 'UPDATE stock_levels SET reserved = reserved + 1 WHERE variant_id = ?', variants.tea),
  },
  {
    breaks: 'S4',
    by: 'the database lets an order hold a variant twice, and it does',
    async change({ change, orders }) {
      await change('catalog', 'ALTER TABLE stock_reservation_lines DROP PRIMARY KEY');
      await change(
        'catalog',
        'INSERT INTO stock_reservation_lines SELECT * FROM stock_reservation_lines WHERE order_id = ?',
        orders.expired.id,
      );
    },
    restore: ({ change }) =>
      change('catalog', 'ALTER TABLE stock_reservation_lines ADD PRIMARY KEY (order_id, variant_id)'),
  },
  {
    breaks: 'S5',
    by: 'less came than was sold',
    // What came is also a part of what is on hand.
    alsoBreaks: ['S2'],
    change: ({ change, variants }) =>
      change(
        'catalog',
        "UPDATE stock_movements SET quantity = 1 WHERE kind = 'RECEIVED' AND variant_id = ?",
        variants.mug,
      ),
  },
  {
    breaks: 'S6',
    by: 'a line was committed for another paid order',
    change: ({ change, orders, variants }) =>
      change(
        'catalog',
        "UPDATE stock_movements SET order_id = ? WHERE order_id = ? AND variant_id = ? AND kind = 'COMMITTED'",
        orders.confirmed.id,
        orders.delivered.id,
        variants.tea,
      ),
  },
  {
    breaks: 'S7',
    by: 'an order that nobody has paid is committed',
    // Of no piece, so that the sums of the stock stay as they are.
    change: ({ change, orders, variants }) =>
      change(
        'catalog',
        "INSERT INTO stock_movements (id, variant_id, kind, quantity, order_id) VALUES (?, ?, 'COMMITTED', 0, ?)",
        newId('StockMovement'),
        variants.mug,
        orders.awaiting.id,
      ),
  },
  {
    breaks: 'S7',
    by: 'the payment of a committed order belongs to another order',
    // Two payments hold money for that other order then.
    alsoBreaks: ['M7'],
    change: ({ change, orders }) =>
      change(
        'payment',
        'UPDATE payments SET order_id = ?, live_order_id = NULL WHERE id = ?',
        orders.delivered.id,
        orders.confirmed.paymentId,
      ),
  },
  {
    breaks: 'S8',
    by: 'what a called-off order gave back came back for another',
    change: ({ change, orders }) =>
      change(
        'catalog',
        "UPDATE stock_movements SET order_id = ? WHERE order_id = ? AND kind = 'RETURNED'",
        orders.canceled.id,
        orders.refunded.id,
      ),
  },
  {
    breaks: 'S8',
    by: 'an order that was called off still holds its stock',
    async change({ change, orders, variants }) {
      await change(
        'catalog',
        "UPDATE stock_reservations SET status = 'HELD', expires_at = CURRENT_TIMESTAMP(3) + INTERVAL 5 MINUTE WHERE order_id = ?",
        orders.canceled.id,
      );
      await change('catalog', 'UPDATE stock_levels SET reserved = reserved + 2 WHERE variant_id = ?', variants.tea);
    },
  },
  {
    breaks: 'S9',
    by: 'a hold has expired and is still there',
    change: ({ change, orders }) =>
      change(
        'catalog',
        'UPDATE stock_reservations SET expires_at = CURRENT_TIMESTAMP(3) - INTERVAL 5 MINUTE WHERE order_id = ?',
        orders.awaiting.id,
      ),
  },
  {
    breaks: 'S10',
    by: 'stock is held for an order that does not exist',
    change: (it) => holdForNobody(it, 'CURRENT_TIMESTAMP(3) - INTERVAL 5 MINUTE'),
  },
  {
    breaks: 'S11',
    by: 'something is held after everything has settled',
    isSettled: true,
    change: (it) => holdForNobody(it, 'CURRENT_TIMESTAMP(3)'),
  },
  {
    breaks: 'S13',
    by: 'the stock of an order that waits for its payment was given back',
    async change({ change, orders, variants }) {
      await change(
        'catalog',
        "UPDATE stock_reservations SET status = 'RELEASED' WHERE order_id = ?",
        orders.awaiting.id,
      );
      await change('catalog', 'UPDATE stock_levels SET reserved = reserved - 1 WHERE variant_id = ?', variants.mug);
    },
  },
];

describe('an invariant of stock goes red, and no other, when', () => {
  it.each(corruptions)('$breaks: $by', (corruption) => expectBroken(shop, corruption));
});

it('S12 goes red when a variant was wanted more often than it was there, and is not sold out', async () => {
  await shop.begin({ isSettled: true });
  const { last, mug } = shop.variants;
  const demand = new Map([
    [last, 5],
    [mug, 50],
  ]);
  expect(brokenOf(await shop.check({ demand }))).toEqual([]);
  await shop.change(
    'catalog',
    "UPDATE stock_movements SET quantity = 2 WHERE kind = 'RECEIVED' AND variant_id = ?",
    last,
  );
  await shop.change('catalog', 'UPDATE stock_levels SET on_hand = on_hand + 1 WHERE variant_id = ?', last);
  const findings = await shop.check({ demand });
  expect(brokenOf(findings)).toEqual(['S12']);
  expect(findings.find(({ id }) => id === 'S12')?.examples).toEqual([
    { variantId: last, stocked: '2', sold: '1', wanted: 5 },
  ]);
});

describe('a lack of time is no fault:', () => {
  it('what happened within the time of an invariant does not break it', async () => {
    await shop.begin({ isSettled: false });
    await holdForNobody(shop, 'CURRENT_TIMESTAMP(3)');
    const { confirmed } = shop.orders;
    await shop.change('catalog', "DELETE FROM stock_movements WHERE order_id = ? AND kind = 'COMMITTED'", confirmed.id);
    await shop.change(
      'catalog',
      "UPDATE stock_reservations SET status = 'HELD', expires_at = CURRENT_TIMESTAMP(3) - INTERVAL 30 SECOND WHERE order_id = ?",
      confirmed.id,
    );
    await shop.change(
      'catalog',
      'UPDATE stock_levels l JOIN stock_reservation_lines r ON r.variant_id = l.variant_id SET l.on_hand = l.on_hand + r.quantity, l.reserved = l.reserved + r.quantity WHERE r.order_id = ?',
      confirmed.id,
    );
    await shop.change(
      'order',
      "UPDATE order_events SET created_at = CURRENT_TIMESTAMP(3) - INTERVAL 20 SECOND WHERE order_id = ? AND to_status = 'CONFIRMED'",
      confirmed.id,
    );
    expect(brokenOf(await shop.check())).toEqual([]);
    await shop.change(
      'order',
      "UPDATE order_events SET created_at = CURRENT_TIMESTAMP(3) - INTERVAL 40 SECOND WHERE order_id = ? AND to_status = 'CONFIRMED'",
      confirmed.id,
    );
    expect(brokenOf(await shop.check())).toEqual(['S6']);
  });
});

describe('the database itself refuses', () => {
  it.each([
    ['S1: more reserved than is on hand', 'UPDATE stock_levels SET reserved = on_hand + 1'],
    ['S1: less than nothing reserved', 'UPDATE stock_levels SET reserved = -1'],
    ['S4: a variant twice in an order', 'INSERT INTO stock_reservation_lines SELECT * FROM stock_reservation_lines'],
    ['S4: two reservations of an order', 'INSERT INTO stock_reservations SELECT * FROM stock_reservations'],
  ])('%s', async (_, sql) => {
    await shop.begin({ isSettled: true });
    await expect(shop.change('catalog', sql)).rejects.toThrow();
    expect(brokenOf(await shop.check())).toEqual([]);
  });
});
