import { disagreeing } from './agreement.ts';
import type { ShopRows } from './invariant.ts';
import { calledOffStatuses } from './order-states.ts';
import type { Source } from './source.ts';

/**
 * Orders about which the order service, the catalog and payment do not tell the same at this moment. Most of them only have news on the way. The
 * invariants of stock and prices look at these, and need not look at any other.
 */
export function disputedOrders(shop: ShopRows): Promise<Buffer[]> {
  return shop.once('disputed orders', async () => {
    const lists = await Promise.all([otherStatus(shop), otherMovements(shop), otherLines(shop), notCaptured(shop)]);
    return [...new Map(lists.flat().map((id) => [id.toString('hex'), id])).values()];
  });
}

/** A paid order has its stock committed, one that waits for its payment has it held. */
function otherStatus({ catalog, order }: ShopRows): Promise<Buffer[]> {
  const orders = { of: order, from: 'orders', by: 'id' };
  const reservations = { of: catalog, from: 'stock_reservations', by: 'order_id' };
  return disagreeing(
    [{ ...reservations, fact: 'status', where: "status IN ('HELD', 'COMMITTED')" }],
    [
      {
        ...orders,
        fact: "IF(status = 'AWAITING_PAYMENT', 'HELD', 'COMMITTED')",
        where: `status NOT IN ${calledOffStatuses}`,
      },
    ],
  );
}

/** What moved out of the stock for an order and did not come back is what its reservation has committed. */
function otherMovements({ catalog }: ShopRows): Promise<Buffer[]> {
  const isMoved = { fact: 'CONCAT(variant_id, quantity)', times: "IF(kind = 'RETURNED', -1e0, 1e0)" };
  const fact = 'CONCAT(l.variant_id, l.quantity)';
  return disagreeing(
    [{ ...movementsOnHand(catalog), ...isMoved, where: 'order_id IS NOT NULL' }],
    [
      { of: catalog, from: 'stock_reservation_lines l', by: 'l.order_id', fact },
      { of: catalog, from: uncommittedLines, by: 'l.order_id', fact, times: '-1e0' },
    ],
  );
}

/** What changed the stock on hand. */
export const movementsOnHand = (of: Source) => ({
  of,
  from: "stock_movements WHERE kind NOT IN ('RESERVED', 'RELEASED')",
  by: 'order_id',
});

/** To take the few away is less work than to pick the many. */
const uncommittedLines = `stock_reservations r STRAIGHT_JOIN stock_reservation_lines l ON l.order_id = r.order_id WHERE r.status IN ('HELD', 'RELEASED', 'RETURNED')`;
const calledOffLines = `orders o FORCE INDEX (orders_by_status) STRAIGHT_JOIN order_lines l ON l.order_id = o.id WHERE o.status IN ${calledOffStatuses}`;

/** The lines of an order are those that the catalog quoted, unless it was called off: of those, the catalog also has what never became an order. */
function otherLines({ order, catalog }: ShopRows): Promise<Buffer[]> {
  // No line has a thousand pieces, so the two numbers can be told from their sum.
  const line = { by: 'l.order_id', fact: 'CONCAT(l.variant_id, l.quantity + 1000 * l.unit_price_minor)' };
  return disagreeing(
    [
      { of: order, from: 'order_lines l', ...line },
      { of: order, from: calledOffLines, ...line, times: '-1e0' },
    ],
    [
      { of: catalog, from: 'stock_reservation_lines l', ...line },
      { of: catalog, from: uncommittedLines, ...line, where: "r.status <> 'HELD'", times: '-1e0' },
    ],
  );
}

/** Stock is or was committed for those orders of which a payment was captured. */
function notCaptured({ catalog, payment }: ShopRows): Promise<Buffer[]> {
  const reservations = { of: catalog, from: 'stock_reservations', by: 'order_id' };
  const payments = { of: payment, from: 'payments p', by: 'p.live_order_id' };
  return disagreeing(
    [{ ...reservations, fact: "''", where: "status IN ('COMMITTED', 'RETURNED')" }],
    [{ ...payments, fact: "''", where: 'p.live_order_id IS NOT NULL AND p.captured_minor > 0' }],
  );
}
