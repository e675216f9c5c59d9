import type { Transaction } from './database.ts';
import type { ServiceName } from './identity.ts';

/**
 * Facts that one subgraph states and others react to. A fact is appended to the outbox in the transaction that makes it true,
 * and reaches each listener exactly once, in order per aggregate.
 *
 * Amounts are minor units as text, because JSON has no 64-bit integers.
 */
export interface EventPayloads {
  /** Someone signed in and brought a guest cart along. Aggregate: the user. */
  'user.signed-in': { userId: string; cartId: string };
  /** An account was deleted. Aggregate: the user. */
  'user.deleted': { userId: string };
  /** Price, title, availability or sellability of a variant changed; the whole present state. Aggregate: the variant. */
  'variant.changed': {
    variantId: string;
    productId: string;
    sku: string;
    title: string;
    priceMinor: string;
    currencyCode: string;
    /** What may still be promised: on hand less reserved. */
    available: number;
    /** False when the product is not published or was deleted. */
    isSellable: boolean;
  };
  /** An order is paid and will be delivered. Aggregate: the order. */
  'order.confirmed': {
    orderId: string;
    userId: string;
    cartId: string | null;
    lines: { variantId: string; quantity: number }[];
  };
  /** An order ended unpaid, or was called off: stock goes back, money goes back. Aggregate: the order. */
  'order.canceled': { orderId: string; userId: string; status: 'CANCELED' | 'EXPIRED' };
  /** An order is not what it was, in whatever respect. Aggregate: the order. */
  'order.changed': { orderId: string };
  /** A payment of an order or one of its refunds is not what it was. Aggregate: the order, whose payment status may be another now. */
  'payment.changed': { paymentId: string; orderId: string };
  /** Money for an order is ours. Aggregate: the order. */
  'payment.captured': { paymentId: string; orderId: string; amountMinor: string; currencyCode: string };
}

/**
 * Who states each fact, and who listens to it. A listener's `events.ts` has one function for each of its facts; gateways, which have no tables, are told by
 * announcement: see announcements.ts.
 */
export const eventRoutes = {
  'user.signed-in': { from: 'user', to: ['cart'] },
  'user.deleted': { from: 'user', to: ['cart'] },
  'variant.changed': { from: 'catalog', to: ['cart'] },
  'order.confirmed': { from: 'order', to: ['catalog', 'cart'] },
  'order.canceled': { from: 'order', to: ['catalog', 'payment'] },
  'order.changed': { from: 'order', to: ['gateway'] },
  'payment.changed': { from: 'payment', to: ['gateway'] },
  'payment.captured': { from: 'payment', to: ['order'] },
} as const satisfies Record<keyof EventPayloads, { from: ServiceName; to: readonly ServiceName[] }>;

export type EventType = keyof EventPayloads;

export interface SoukEvent<Type extends EventType = EventType> {
  /** TypeID with prefix `evnt`; the same for every listener and every delivery. */
  id: string;
  type: Type;
  aggregateId: string;
  occurredAt: Date;
  payload: EventPayloads[Type];
}

type HeardBy<Service extends ServiceName> = {
  [Type in EventType]: Service extends (typeof eventRoutes)[Type]['to'][number] ? Type : never;
}[EventType];

/** What a subgraph's `events.ts` exports: one function for every fact routed to it, no more and no fewer. */
export type EventHandlers<Service extends ServiceName> = {
  [Type in HeardBy<Service>]: (tx: Transaction, event: SoukEvent<Type>) => Promise<void>;
};

/** Event handlers of whichever service, as the machinery sees them. */
export type AnyEventHandlers = Partial<Record<EventType, (tx: Transaction, event: never) => Promise<void>>>;

/** Every service whose facts `service` listens to. */
export function producersFor(service: ServiceName): ServiceName[] {
  const routes = Object.values(eventRoutes).filter((route) => (route.to as readonly ServiceName[]).includes(service));
  return [...new Set(routes.map((route) => route.from))];
}

/** Every service that listens to facts of `service`. */
export function listenersOf(service: ServiceName): ServiceName[] {
  const routes = Object.values(eventRoutes).filter((route) => route.from === service);
  return [...new Set(routes.flatMap((route) => route.to))];
}
