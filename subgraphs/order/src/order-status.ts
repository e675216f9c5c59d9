/**
 * Where an order stands, and who may move it. The table below is the only place that knows: whatever changes a status asks it.
 */
export const orderStatuses = [
  'AWAITING_PAYMENT',
  'CONFIRMED',
  'PROCESSING',
  'SHIPPED',
  'DELIVERED',
  'CANCELED',
  'EXPIRED',
] as const;

export type OrderStatus = (typeof orderStatuses)[number];
export type OrderActor = 'CUSTOMER' | 'STAFF' | 'SYSTEM' | 'PAYMENT_PROVIDER';
export type OrderAction = 'PAY' | 'CANCEL' | 'EDIT_ADDRESS' | 'CONFIRM_RECEIPT' | 'REQUEST_REFUND';

/**
 * From each status, where an order may go and who may send it there. Only money confirms an order, only the clock lets it expire.
 * A small shop packs and ships in one go, hence CONFIRMED → SHIPPED.
 */
export const transitions: Readonly<Record<OrderStatus, Partial<Record<OrderStatus, readonly OrderActor[]>>>> = {
  AWAITING_PAYMENT: { CONFIRMED: ['PAYMENT_PROVIDER'], CANCELED: ['CUSTOMER', 'STAFF'], EXPIRED: ['SYSTEM'] },
  CONFIRMED: { PROCESSING: ['STAFF'], SHIPPED: ['STAFF'], CANCELED: ['CUSTOMER', 'STAFF'] },
  PROCESSING: { SHIPPED: ['STAFF'], CANCELED: ['STAFF'] },
  SHIPPED: { DELIVERED: ['CUSTOMER', 'STAFF'] },
  DELIVERED: {},
  CANCELED: {},
  EXPIRED: {},
};

/** Who may still change where the parcel goes. Once packing has begun the shop has to reach for it, so customers ask. */
const addressEditors: Partial<Record<OrderStatus, readonly OrderActor[]>> = {
  AWAITING_PAYMENT: ['CUSTOMER', 'STAFF'],
  CONFIRMED: ['CUSTOMER', 'STAFF'],
  PROCESSING: ['STAFF'],
};

export function mayMove(from: OrderStatus, to: OrderStatus, actor: OrderActor): boolean {
  return transitions[from][to]?.includes(actor) ?? false;
}

export function mayEditAddress(status: OrderStatus, actor: OrderActor): boolean {
  return addressEditors[status]?.includes(actor) ?? false;
}

/** Whether an order ended without being delivered: its stock goes back, its cart may be ordered again. */
export function isCalledOff(status: OrderStatus): status is 'CANCELED' | 'EXPIRED' {
  return status === 'CANCELED' || status === 'EXPIRED';
}

/** What somebody can do with an order now; nothing for whoever only looks (`actor` null). */
export function allowedActions(
  { status, paymentDueAt }: { status: OrderStatus; paymentDueAt: Date | null },
  actor: OrderActor | null,
): OrderAction[] {
  if (!actor) return [];
  const isCustomer = actor === 'CUSTOMER';
  const mayCancel = mayMove(status, 'CANCELED', actor);
  // The sweep decides what has expired, by the store's clock; until then this only spares the customer a vain attempt.
  const isInTime = paymentDueAt !== null && paymentDueAt.getTime() > Date.now();
  const offered: Record<OrderAction, boolean> = {
    PAY: isCustomer && isInTime && mayMove(status, 'CONFIRMED', 'PAYMENT_PROVIDER'),
    CANCEL: mayCancel,
    EDIT_ADDRESS: mayEditAddress(status, actor),
    CONFIRM_RECEIPT: isCustomer && mayMove(status, 'DELIVERED', actor),
    REQUEST_REFUND: isCustomer && isPaid(status) && !mayCancel,
  };
  return (Object.keys(offered) as OrderAction[]).filter((action) => offered[action]);
}

function isPaid(status: OrderStatus): boolean {
  return status !== 'AWAITING_PAYMENT' && !isCalledOff(status);
}
