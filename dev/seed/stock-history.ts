import type { movementKinds } from '@souk/catalog/tables';
import { demoId } from './demo-id.ts';
import { after, DAY_MS, LAST_DAY } from './demo-time.ts';
import type { DemoOrder } from './orders.ts';
import type { DemoVariant } from './product-variants.ts';
import type { DemoProduct } from './products.ts';

export interface StockHistory {
  onHand: number;
  reserved: number;
  movements: Movement[];
}

export interface Movement {
  id: string;
  kind: (typeof movementKinds)[number];
  quantity: number;
  reason: string | null;
  orderId: string | null;
  at: Date;
}

/** One order's part in the history of a variant. */
export interface Sale {
  order: DemoOrder;
  quantity: number;
}

/** Everything that orders did to each variant, by its id. */
export function salesByVariant(orders: readonly DemoOrder[]): Map<string, Sale[]> {
  const sales = new Map<string, Sale[]>();
  for (const order of orders) {
    for (const { variantId, quantity } of order.lines) {
      sales.set(variantId, [...(sales.get(variantId) ?? []), { order, quantity }]);
    }
  }
  return sales;
}

/**
 * How the stock of a variant came to be what it is. The end is given: so many are available. The delivery at the beginning is then what all orders
 * took together, whether or not they gave it back, so nothing was ever promised that was not there.
 */
export function historyOf(product: DemoProduct, variant: DemoVariant, sales: readonly Sale[]): StockHistory {
  const { available, correction } = variant.stock;
  const moves = sales.flatMap((sale) => movementsOf(variant, sale));
  const total = (kind: Movement['kind']) =>
    moves.filter((move) => move.kind === kind).reduce((sum, move) => sum + move.quantity, 0);
  const reserved = total('RESERVED') - total('RELEASED') - total('COMMITTED');
  const received = available + reserved + total('COMMITTED') - (correction?.quantity ?? 0);

  if (received > 0)
    moves.push(movement(variant, 'RECEIVED', received, product.createdAt, { reason: 'First delivery.' }));
  if (correction) {
    const { quantity, reason } = correction;
    moves.push(movement(variant, 'ADJUSTED', quantity, counted(product.createdAt), { reason }));
  }
  moves.sort((one, other) => one.at.getTime() - other.at.getTime());
  return {
    onHand: received + (correction?.quantity ?? 0) - total('COMMITTED') + total('RETURNED'),
    reserved,
    movements: moves,
  };
}

/** How many of a product were sold and not given back. */
export function soldOf(product: DemoProduct, sales: ReadonlyMap<string, readonly Sale[]>): number {
  const ofProduct = product.variants.flatMap(({ id }) => sales.get(id) ?? []);
  return ofProduct
    .filter(({ order }) => reservationStatusOf(order) === 'COMMITTED')
    .reduce((sum, { quantity }) => sum + quantity, 0);
}

/** What became of what an order held. */
export function reservationStatusOf({ status, events }: DemoOrder): 'HELD' | 'COMMITTED' | 'RELEASED' | 'RETURNED' {
  const wasPaid = events.some(({ to }) => to === 'CONFIRMED');
  if (status === 'CANCELED' || status === 'EXPIRED') return wasPaid ? 'RETURNED' : 'RELEASED';
  return wasPaid ? 'COMMITTED' : 'HELD';
}

/** When an order's hold last changed. */
export function heldUntil({ events, placedAt }: DemoOrder): Date {
  const last = events.findLast(({ to }) => to === 'CONFIRMED' || to === 'CANCELED' || to === 'EXPIRED');
  return last ? after(last.at, DELIVERY_MS) : placedAt;
}

/** How long a fact takes from the order service to the catalog. */
const DELIVERY_MS = 150;

function movementsOf(variant: DemoVariant, { order, quantity }: Sale): Movement[] {
  const wasPaid = order.events.some(({ to }) => to === 'CONFIRMED');
  return order.events.flatMap(({ to, at }) => {
    const kind = kindOf(to, wasPaid);
    const when = kind === 'RESERVED' ? after(at, -DELIVERY_MS) : after(at, DELIVERY_MS);
    return kind ? [movement(variant, kind, quantity, when, { orderId: order.id })] : [];
  });
}

function kindOf(to: DemoOrder['status'], wasPaid: boolean): Movement['kind'] | null {
  switch (to) {
    case 'AWAITING_PAYMENT':
      return 'RESERVED';
    case 'CONFIRMED':
      return 'COMMITTED';
    case 'CANCELED':
    case 'EXPIRED':
      return wasPaid ? 'RETURNED' : 'RELEASED';
    default:
      return null;
  }
}

function movement(
  { id: variantId }: DemoVariant,
  kind: Movement['kind'],
  quantity: number,
  at: Date,
  { reason = null, orderId = null }: { reason?: string | null; orderId?: string | null },
): Movement {
  const id = demoId('StockMovement', at, `${variantId} ${kind} ${orderId ?? ''}`);
  return { id, kind, quantity, reason, orderId, at };
}

/** The first stocktaking after a product arrived. */
function counted(createdAt: Date): Date {
  return new Date(Math.min(after(createdAt, 30 * DAY_MS).getTime(), LAST_DAY.getTime()));
}
