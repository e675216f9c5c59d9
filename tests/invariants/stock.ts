import { bytesToId, idToBytes } from '@souk/platform/id';
import { disputedOrders, movementsOnHand } from './disputed-orders.ts';
import { type Breaking, breakingRows, CannotTell, type Invariant, type ShopRows, together } from './invariant.ts';
import { ordersEndedBefore, ordersPaidBefore } from './order-states.ts';
import { ago, readable, rowsOf } from './source.ts';
import { haveSameWeight, noneIs, weighed } from './tally.ts';
import { duplicates } from './unique.ts';

export const stock: Invariant[] = [
  {
    id: 'S1',
    kind: 'S',
    says: '0 ≤ reserved ≤ on hand.',
    breaking: ({ catalog }) =>
      catalog.breaking(
        'SELECT variant_id AS variantId, on_hand AS onHand, reserved FROM stock_levels WHERE NOT (0 <= reserved AND reserved <= on_hand)',
      ),
  },
  {
    id: 'S2',
    kind: 'S',
    says: 'On hand is what was received and corrected, less what was committed, plus what came back.',
    breaking: async (shop) => {
      const variants = await unbalanced(shop);
      return breakingRows(
        variants.filter(({ onHand, stocked, sold }) => onHand !== stocked - sold).map(readableVariant),
      );
    },
  },
  {
    id: 'S3',
    kind: 'S',
    says: 'Reserved is the sum of the reservations that are held.',
    breaking: ({ catalog }) =>
      catalog.breaking(`
        SELECT COALESCE(l.variant_id, h.variant_id) AS variantId, l.reserved, h.quantity AS held
        FROM stock_levels l LEFT JOIN (${held}) h ON h.variant_id = l.variant_id WHERE l.reserved <> COALESCE(h.quantity, 0)
        UNION ALL SELECT h.variant_id, NULL, h.quantity FROM (${held}) h LEFT JOIN stock_levels l ON l.variant_id = h.variant_id WHERE l.variant_id IS NULL`),
  },
  {
    id: 'S4',
    kind: 'S',
    says: 'An order holds a variant once, and does each thing to its stock once.',
    breaking: async ({ catalog }) =>
      together(
        await duplicates(catalog, 'stock_reservations', ['order_id']),
        await duplicates(catalog, 'stock_reservation_lines', ['order_id', 'variant_id']),
        await duplicates(catalog, 'stock_movements', ['order_id', 'variant_id', 'kind']),
      ),
  },
  {
    id: 'S5',
    kind: 'S',
    says: 'Never was more sold of a variant than there ever was to sell.',
    breaking: async (shop) =>
      breakingRows((await unbalanced(shop)).filter(({ sold, stocked }) => sold > stocked).map(readableVariant)),
  },
  {
    id: 'S6',
    kind: 'D',
    withinSeconds: 30,
    says: 'Each line of a paid order is committed, exactly once and in its quantity, within 30 s.',
    breaking: async (shop) => {
      const orders = await disputedOrders(shop);
      const committed = await netCommitted(shop, orders);
      const due = await ordersPaidBefore(shop.order, 30, orders);
      const lines = await rowsOf<Line>(
        shop.order,
        'SELECT order_id AS orderId, variant_id AS variantId, quantity FROM order_lines WHERE order_id IN (?)',
        orders.filter((id) => due.has(id.toString('hex'))),
      );
      return breakingRows(
        unlike(
          lines,
          committed.filter(({ orderId }) => due.has(orderId.toString('hex'))),
        ),
      );
    },
  },
  {
    id: 'S7',
    kind: 'S',
    says: 'Stock is committed only for an order of which a payment was captured.',
    breaking: async (shop) => {
      const orders = await disputedOrders(shop);
      const committed = await rowsOf<{ orderId: Buffer }>(
        shop.catalog,
        "SELECT DISTINCT order_id AS orderId FROM stock_movements WHERE kind = 'COMMITTED' AND order_id IN (?)",
        orders,
      );
      const captured = await rowsOf<{ orderId: Buffer }>(
        shop.payment,
        'SELECT DISTINCT order_id AS orderId FROM payments WHERE captured_minor > 0 AND order_id IN (?)',
        committed.map(({ orderId }) => orderId),
      );
      const paid = new Set(captured.map(({ orderId }) => orderId.toString('hex')));
      return breakingRows(committed.filter(({ orderId }) => !paid.has(orderId.toString('hex'))).map(readable));
    },
  },
  {
    id: 'S8',
    kind: 'D',
    withinSeconds: 30,
    says: 'Of an order that was called off, nothing is held or committed after 30 s, and what was committed came back once.',
    breaking: async (shop) => {
      const orders = await disputedOrders(shop);
      const committed = await netCommitted(shop, orders);
      const stillHeld = await rowsOf<Line & { held: number }>(
        shop.catalog,
        `SELECT l.order_id AS orderId, l.variant_id AS variantId, l.quantity AS held FROM stock_reservations r
         JOIN stock_reservation_lines l ON l.order_id = r.order_id WHERE r.status = 'HELD' AND r.order_id IN (?)`,
        orders,
      );
      const ended = await ordersEndedBefore(shop.order, 30, orders);
      return breakingRows(
        [...committed.filter(({ quantity }) => quantity !== 0), ...stillHeld]
          .filter(({ orderId }) => ended.has(orderId.toString('hex')))
          .map((line) => readable({ ...line })),
      );
    },
  },
  {
    id: 'S9',
    kind: 'D',
    withinSeconds: 60,
    says: 'No hold outlives its time by 60 s.',
    breaking: ({ catalog }) =>
      catalog.breaking(
        `SELECT order_id AS orderId, expires_at AS expiresAt FROM stock_reservations WHERE status = 'HELD' AND expires_at < ${ago(60)}`,
      ),
  },
  {
    id: 'S10',
    kind: 'D',
    withinSeconds: 60,
    says: 'No stock is held for 60 s in the name of an order that does not exist.',
    breaking: async ({ catalog, order }) => {
      const held = await catalog.rows<{ orderId: Buffer }>(
        `SELECT order_id AS orderId FROM stock_reservations WHERE status = 'HELD' AND created_at < ${ago(60)}`,
      );
      const ids = held.map(({ orderId }) => orderId);
      const known = await rowsOf<{ id: Buffer }>(order, 'SELECT id FROM orders WHERE id IN (?)', ids);
      const exists = new Set(known.map(({ id }) => id.toString('hex')));
      return breakingRows(held.filter(({ orderId }) => !exists.has(orderId.toString('hex'))).map(readable));
    },
  },
  {
    id: 'S11',
    kind: 'Q',
    says: 'Nothing is reserved.',
    breaking: ({ catalog }) =>
      catalog.breaking(`
        SELECT variant_id AS variantId, NULL AS orderId, reserved FROM stock_levels WHERE reserved <> 0
        UNION ALL SELECT NULL, order_id, NULL FROM stock_reservations WHERE status = 'HELD'`),
  },
  {
    id: 'S12',
    kind: 'Q',
    says: 'Of a variant that was wanted more often than it was there, exactly all were sold.',
    breaking: notSoldOut,
  },
  {
    id: 'S13',
    kind: 'S',
    says: 'Stock is held for every order that waits for its payment.',
    breaking: waitingWithoutAHold,
  },
];

interface Line {
  orderId: Buffer;
  variantId: Buffer;
  quantity: number;
}

const held = `SELECT l.variant_id, SUM(l.quantity) AS quantity FROM stock_reservations r JOIN stock_reservation_lines l ON l.order_id = r.order_id
  WHERE r.status = 'HELD' GROUP BY l.variant_id`;

interface VariantFlow {
  variantId: Buffer;
  /** Null when the variant has no level at all. */
  onHand: number | null;
  /** Received and corrected. */
  stocked: number;
  /** Committed and not returned. */
  sold: number;
}

const stocked = "CAST(SUM(IF(kind IN ('RECEIVED', 'ADJUSTED'), quantity, 0)) AS SIGNED)";
const sold = "CAST(SUM(CASE kind WHEN 'COMMITTED' THEN quantity WHEN 'RETURNED' THEN -quantity ELSE 0 END) AS SIGNED)";

/** Variants whose movements do not come to what is on hand, or to less than nothing. */
function unbalanced(shop: ShopRows): Promise<VariantFlow[]> {
  return shop.once('unbalanced variants', async () => {
    const levels = { of: shop.catalog, from: 'stock_levels' };
    const moved = weighed('variant_id', "IF(kind = 'COMMITTED', -quantity, quantity)");
    const all = await Promise.all([
      haveSameWeight(
        { ...movementsOnHand(shop.catalog), sum: moved },
        { ...levels, sum: weighed('variant_id', 'on_hand') },
      ),
      noneIs(levels, 'on_hand < 0'),
    ]);
    if (all.every(Boolean)) return [];
    const rows = await shop.catalog.rows<Record<keyof VariantFlow, unknown>>(`
      SELECT m.variant_id AS variantId, l.on_hand AS onHand, m.stocked, m.sold
      FROM (SELECT variant_id, ${stocked} AS stocked, ${sold} AS sold FROM stock_movements IGNORE INDEX (movements_by_variant) GROUP BY variant_id) m
      LEFT JOIN stock_levels l ON l.variant_id = m.variant_id
      WHERE COALESCE(l.on_hand, 0) <> m.stocked - m.sold OR m.sold > m.stocked
      UNION ALL
      SELECT l.variant_id, l.on_hand, 0, 0 FROM stock_levels l
      WHERE l.on_hand <> 0 AND NOT EXISTS (SELECT 1 FROM stock_movements m WHERE m.variant_id = l.variant_id)`);
    return rows.map(({ variantId, onHand, stocked: put, sold: taken }) => ({
      variantId: variantId as Buffer,
      onHand: onHand === null ? null : Number(onHand),
      stocked: Number(put),
      sold: Number(taken),
    }));
  });
}

const readableVariant = (variant: VariantFlow) => readable({ ...variant });

/** What was committed and did not come back, by order and variant. */
async function netCommitted({ catalog }: ShopRows, orders: readonly Buffer[]): Promise<Line[]> {
  const rows = await rowsOf<Omit<Line, 'quantity'> & { quantity: string }>(
    catalog,
    `SELECT order_id AS orderId, variant_id AS variantId, ${sold} AS quantity FROM stock_movements
     WHERE kind IN ('COMMITTED', 'RETURNED') AND order_id IN (?) GROUP BY order_id, variant_id`,
    orders,
  );
  return rows.map((row) => ({ ...row, quantity: Number(row.quantity) }));
}

/** Lines of which another quantity was committed than was ordered. */
function unlike(lines: readonly Line[], committed: readonly Line[]) {
  const key = ({ orderId, variantId }: Line) => orderId.toString('hex') + variantId.toString('hex');
  const orderedByKey = new Map(lines.map((line) => [key(line), line]));
  const committedByKey = new Map(committed.map((line) => [key(line), line]));
  return [...new Map([...committedByKey, ...orderedByKey])].flatMap(([name, { orderId, variantId }]) => {
    const [ordered, taken] = [orderedByKey.get(name)?.quantity ?? 0, committedByKey.get(name)?.quantity ?? 0];
    return ordered === taken ? [] : [readable({ orderId, variantId, ordered, committed: taken })];
  });
}

/** No order begins to wait a second time, so one that waits before its hold was looked for and afterwards did so meanwhile. */
async function waitingWithoutAHold(shop: ShopRows): Promise<Breaking> {
  const amongWaiting = (ids: readonly Buffer[]) =>
    rowsOf<{ orderId: Buffer }>(
      shop.order,
      "SELECT id AS orderId FROM orders WHERE status = 'AWAITING_PAYMENT' AND id IN (?)",
      ids,
    );
  const waiting = (await amongWaiting(await disputedOrders(shop))).map(({ orderId }) => orderId);
  const held = await rowsOf<{ orderId: Buffer }>(
    shop.catalog,
    "SELECT order_id AS orderId FROM stock_reservations WHERE status = 'HELD' AND order_id IN (?)",
    waiting,
  );
  const holds = new Set(held.map(({ orderId }) => orderId.toString('hex')));
  const unheld = waiting.filter((orderId) => !holds.has(orderId.toString('hex')));
  return breakingRows((await amongWaiting(unheld)).map(readable));
}

async function notSoldOut({ catalog, demand }: ShopRows): Promise<Breaking> {
  if (!demand)
    throw new CannotTell('nobody said how much was wanted: give --demand <variant id>=<quantity> for each variant');
  const rows = await rowsOf<{ variantId: Buffer; stocked: string; sold: string }>(
    catalog,
    `SELECT variant_id AS variantId, ${stocked} AS stocked, ${sold} AS sold FROM stock_movements WHERE variant_id IN (?) GROUP BY variant_id`,
    [...demand.keys()].map((id) => idToBytes('ProductVariant', id)),
  );
  return breakingRows(
    rows
      .map((row) => readable({ ...row, wanted: demand.get(bytesToId('ProductVariant', row.variantId)) ?? 0 }))
      .filter((row) => Number(row['wanted']) >= Number(row['stocked']) && row['sold'] !== row['stocked']),
  );
}
