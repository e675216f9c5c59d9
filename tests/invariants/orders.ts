import { idToBytes, typeOfId } from '@souk/platform/id';
import { disputedOrders } from './disputed-orders.ts';
import { type Breaking, breakingRows, type Invariant, none, type ShopRows, together } from './invariant.ts';
import { calledOffStatuses } from './order-states.ts';
import { ago, readable, rowsOf, type Source } from './source.ts';
import { noneIs } from './tally.ts';
import * as timelines from './timelines.ts';
import { duplicates } from './unique.ts';

export const orders: Invariant[] = [
  {
    id: 'O1',
    kind: 'S',
    says: 'The events of an order have no gap, each is allowed and begins where the one before ended; the order stands where the last one left it.',
    breaking: async ({ order }) => {
      const all = await Promise.all([timelines.leadToTheirOrders(order), timelines.areOrdinary(order)]);
      return all.every(Boolean) ? none : order.breaking(timelines.broken);
    },
  },
  {
    id: 'O2',
    kind: 'S',
    says: 'Nothing happens to an order after its end.',
    breaking: async ({ order }) =>
      (await timelines.areOrdinary(order)) ? none : order.breaking(timelines.afterTheEnd),
  },
  {
    id: 'O3',
    kind: 'S',
    says: 'A version of a cart, and a key of a user, make one order.',
    breaking: async (shop) =>
      together(
        ...(await Promise.all([
          duplicates(shop.order, 'orders', ['cart_id', 'live_cart_version']),
          ...keepers.map((name) =>
            duplicates(shop[name], 'idempotency_keys', ['owner', 'operation', 'idempotency_key']),
          ),
          ordersWithoutTheirCart(shop.order),
          shop.order.breaking(placedTwice),
        ])),
      ),
  },
  {
    id: 'O4',
    kind: 'S',
    says: 'The answer stored for an idempotency key names something that exists.',
    breaking: async (shop) =>
      together(...(await Promise.all(resources.map((each) => emptyAnswers(shop[each.of], each))))),
  },
  {
    id: 'O5',
    kind: 'D',
    withinSeconds: 60,
    says: 'An idempotency key is answered, or free to be taken up again, within 60 s; none is unanswered whose work is done.',
    breaking: async (shop) =>
      together(
        ...(await Promise.all(keepers.map((name) => shop[name].breaking(heldTooLong)))),
        await doneAndUnanswered(shop.order),
      ),
  },
  {
    id: 'O6',
    kind: 'D',
    withinSeconds: 60,
    says: 'Within 60 s every checkout is placed or undone: placed with its order, undone with nothing held.',
    breaking: async (shop) => together(await shop.order.breaking(unfinishedCheckouts), await undoneAndHeld(shop)),
  },
  {
    id: 'O7',
    kind: 'D',
    withinSeconds: 60,
    says: 'No order waits for its payment longer than 60 s past its time.',
    breaking: ({ order }) =>
      order.breaking(`
        SELECT id AS orderId, payment_due_at AS paymentDueAt FROM orders
        WHERE status = 'AWAITING_PAYMENT' AND (payment_due_at < ${ago(60)} OR payment_due_at IS NULL)`),
  },
  {
    id: 'O8',
    kind: 'S',
    says: 'The price of a line is the one that was quoted when the order was placed.',
    breaking: unlikeTheQuote,
  },
];

/** An order that lives holds its cart's version, where the unique index sees it. */
const isUnclaimed = `cart_id IS NOT NULL AND live_cart_version IS NULL AND status NOT IN ${calledOffStatuses}`;
async function ordersWithoutTheirCart(order: Source): Promise<Breaking> {
  if (await noneIs({ of: order, from: 'orders' }, isUnclaimed)) return none;
  return order.breaking(`SELECT id AS orderId, HEX(cart_id) AS cart, status FROM orders WHERE ${isUnclaimed}`);
}

/** Keys are remembered for a day; later they may be used for something else. */
const placedTwice = `
  SELECT a.order_id AS orderId, HEX(b.order_id) AS otherOrder, a.idempotency_key AS 'key'
  FROM (SELECT user_id, idempotency_key FROM checkouts GROUP BY user_id, idempotency_key HAVING COUNT(*) > 1) several
  JOIN checkouts a ON a.user_id = several.user_id AND a.idempotency_key = several.idempotency_key
  JOIN checkouts b ON b.user_id = a.user_id AND b.idempotency_key = a.idempotency_key AND b.order_id > a.order_id
  WHERE a.state = 'PLACED' AND b.state = 'PLACED' AND ABS(TIMESTAMPDIFF(SECOND, a.created_at, b.created_at)) < 86400`;

/** Who keeps idempotency keys. */
const keepers = ['cart', 'catalog', 'order', 'payment'] as const;

/** What the answers of each service name, and where that is kept. The cart's are left out: a cart is removed when its owner goes or another takes it in. */
const resources = [
  { of: 'order', tables: { orderId: 'orders' } },
  { of: 'payment', tables: { paymentId: 'payments', refundId: 'refunds' } },
  { of: 'catalog', tables: { variantId: 'product_variants' } },
] as const satisfies { of: (typeof keepers)[number]; tables: Record<string, string> }[];

interface StoredAnswer {
  owner: string;
  operation: string;
  key: string;
  answer: string;
}

async function emptyAnswers(source: Source, { tables }: (typeof resources)[number]): Promise<Breaking> {
  const answers = await source.rows<StoredAnswer>(
    "SELECT owner, operation, idempotency_key AS 'key', CAST(answer AS CHAR) AS answer FROM idempotency_keys WHERE answer IS NOT NULL",
  );
  const fields = Object.keys(tables);
  const empty = new Set(answers.filter(({ answer }) => fields.every((field) => !idIn(answer, field))));
  for (const [field, table] of Object.entries(tables)) {
    const naming = answers.flatMap((row) => {
      const id = idIn(row.answer, field);
      return id ? [{ row, id }] : [];
    });
    const found = await rowsOf<{ id: Buffer }>(
      source,
      `SELECT id FROM ${table} WHERE id IN (?)`,
      naming.map(({ id }) => id),
    );
    const exists = new Set(found.map(({ id }) => id.toString('hex')));
    for (const { row, id } of naming) if (!exists.has(id.toString('hex'))) empty.add(row);
  }
  return breakingRows([...empty].map((row) => ({ ...row })));
}

/** What an answer names in a field, if it does. */
function idIn(answer: string, field: string): Buffer | undefined {
  const id = (JSON.parse(answer) as Record<string, unknown> | null)?.[field];
  const kind = typeof id === 'string' ? typeOfId(id) : undefined;
  return kind && idToBytes(kind, id as string);
}

/** A lease is much shorter than a minute. What nobody holds can be taken up by whoever sends the key again. */
const heldTooLong = `
  SELECT owner, operation, idempotency_key AS 'key', leased_until AS leasedUntil FROM idempotency_keys
  WHERE answer IS NULL AND leased_until > CURRENT_TIMESTAMP(3) + INTERVAL 60 SECOND`;

async function doneAndUnanswered(order: Source): Promise<Breaking> {
  const open = await order.rows<{ owner: string; name: string }>(
    `SELECT owner, idempotency_key AS name FROM idempotency_keys WHERE operation = 'orderPlace' AND answer IS NULL AND created_at < ${ago(60)}`,
  );
  const placed = await Promise.all(
    open
      .filter(({ owner }) => typeOfId(owner) === 'User')
      .map(({ owner, name }) =>
        order.rows<Record<string, unknown>>(
          "SELECT order_id AS orderId, ? AS owner, idempotency_key AS 'key' FROM checkouts WHERE user_id = ? AND idempotency_key = ? AND state = 'PLACED'",
          [owner, idToBytes('User', owner), name],
        ),
      ),
  );
  return breakingRows(placed.flat().map(readable));
}

const unfinishedCheckouts = `
  SELECT order_id AS orderId, state, reached, created_at AS createdAt, 'not at its end' AS what FROM checkouts
  WHERE state IN ('RUNNING', 'UNDOING') AND created_at < ${ago(60)}
  UNION ALL
  SELECT c.order_id, c.state, c.reached, c.created_at, 'has no order' FROM checkouts c LEFT JOIN orders o ON o.id = c.order_id WHERE c.state = 'PLACED' AND o.id IS NULL
  UNION ALL
  SELECT c.order_id, c.state, c.reached, c.created_at, 'has an order' FROM checkouts c JOIN orders o ON o.id = c.order_id WHERE c.state = 'UNDONE'`;

async function undoneAndHeld({ catalog, order }: ShopRows): Promise<Breaking> {
  const held = await catalog.rows<{ orderId: Buffer }>(
    "SELECT order_id AS orderId FROM stock_reservations WHERE status = 'HELD'",
  );
  // A hold that was seen before its checkout was undone may be gone by now.
  const undone = await rowsOf<{ id: Buffer }>(
    order,
    "SELECT order_id AS id FROM checkouts WHERE state = 'UNDONE' AND order_id IN (?)",
    held.map(({ orderId }) => orderId),
  );
  const stillHeld = await rowsOf<Record<string, unknown>>(
    catalog,
    "SELECT order_id AS orderId, 'undone, and still held' AS what FROM stock_reservations WHERE status = 'HELD' AND order_id IN (?)",
    undone.map(({ id }) => id),
  );
  return breakingRows(stillHeld.map(readable));
}

async function unlikeTheQuote(shop: ShopRows): Promise<Breaking> {
  const ids = await disputedOrders(shop);
  type Price = { orderId: Buffer; variantId: Buffer; price: string };
  const charged = await rowsOf<Price>(
    shop.order,
    `SELECT l.order_id AS orderId, l.variant_id AS variantId, CONCAT(l.unit_price_minor, ' ', o.currency_code) AS price
     FROM order_lines l JOIN orders o ON o.id = l.order_id WHERE l.order_id IN (?)`,
    ids,
  );
  const quoted = await rowsOf<Price>(
    shop.catalog,
    "SELECT order_id AS orderId, variant_id AS variantId, CONCAT(unit_price_minor, ' ', currency_code) AS price FROM stock_reservation_lines WHERE order_id IN (?)",
    ids,
  );
  const key = ({ orderId, variantId }: Price) => orderId.toString('hex') + variantId.toString('hex');
  const quotes = new Map(quoted.map((line) => [key(line), line.price]));
  return breakingRows(
    charged
      .filter((line) => quotes.get(key(line)) !== line.price)
      .map((line) => readable({ ...line, quoted: quotes.get(key(line)) ?? null })),
  );
}
