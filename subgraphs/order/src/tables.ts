import { amountMinor, exactText, instant, now, updatedAt } from '@souk/platform/database';
import { idColumn } from '@souk/platform/id';
import { sql } from 'drizzle-orm';
import { char, check, index, int, mysqlTable, smallint, uniqueIndex, varchar } from 'drizzle-orm/mysql-core';
import type { OrderActor, OrderStatus } from './order-status.ts';

export { idempotencyKeys } from '@souk/platform/idempotency';
export { eventFailures, inbox } from '@souk/platform/inbox';
export { outbox } from '@souk/platform/outbox';

export type OrderCancelReason =
  | 'CUSTOMER_REQUEST'
  | 'PAYMENT_TIMEOUT'
  | 'PAYMENT_FAILED'
  | 'OUT_OF_STOCK'
  | 'FRAUD'
  | 'OTHER';

const status = (name: string) => varchar(name, { length: 16 }).$type<OrderStatus>();

/** What somebody ordered, at the prices and to the address of that moment. */
export const orders = mysqlTable(
  'orders',
  {
    id: idColumn('Order', 'id').primaryKey(),
    number: exactText('number', 12).notNull(),
    userId: idColumn('User', 'user_id').notNull(),
    status: status('status').notNull(),
    /** One more with every row in `order_events`. */
    version: int('version').notNull(),
    email: varchar('email', { length: 254 }),
    currencyCode: char('currency_code', { length: 3 }).notNull(),
    subtotalMinor: amountMinor('subtotal_minor').notNull(),
    shippingMinor: amountMinor('shipping_minor').notNull(),
    taxMinor: amountMinor('tax_minor').notNull(),
    totalMinor: amountMinor('total_minor').notNull(),
    recipient: varchar('recipient', { length: 200 }).notNull(),
    phone: varchar('phone', { length: 64 }),
    line1: varchar('line1', { length: 300 }).notNull(),
    line2: varchar('line2', { length: 300 }),
    city: varchar('city', { length: 200 }).notNull(),
    region: varchar('region', { length: 200 }),
    postalCode: varchar('postal_code', { length: 40 }),
    countryCode: char('country_code', { length: 2 }).notNull(),
    note: varchar('note', { length: 500 }),
    staffNote: varchar('staff_note', { length: 500 }),
    cancelReason: varchar('cancel_reason', { length: 20 }).$type<OrderCancelReason>(),
    /** Null once the order is paid or over. */
    paymentDueAt: instant('payment_due_at'),
    cartId: idColumn('Cart', 'cart_id'),
    /** The version of the cart that this order took; null once it is called off, so that the cart can be ordered again. */
    liveCartVersion: int('live_cart_version'),
    placedAt: instant('placed_at').notNull().default(now),
    updatedAt: updatedAt(),
  },
  (table) => [
    uniqueIndex('orders_by_number').on(table.number),
    uniqueIndex('orders_live_by_cart').on(table.cartId, table.liveCartVersion),
    index('orders_by_user').on(table.userId, table.placedAt, table.id),
    index('orders_by_placing').on(table.placedAt, table.id),
    index('orders_by_status').on(table.status, table.placedAt, table.id),
    index('orders_by_total').on(table.totalMinor, table.id),
    index('orders_by_email').on(table.email),
    index('orders_by_due').on(table.status, table.paymentDueAt),
    check('orders_total', sql`total_minor = subtotal_minor + shipping_minor + tax_minor`),
    check('orders_amounts', sql`subtotal_minor >= 0 AND shipping_minor >= 0 AND tax_minor >= 0`),
  ],
);

/** One variant in an order, as it was quoted. Its currency is the order's. */
export const orderLines = mysqlTable(
  'order_lines',
  {
    id: idColumn('OrderLine', 'id').primaryKey(),
    orderId: idColumn('Order', 'order_id').notNull(),
    position: smallint('position').notNull(),
    variantId: idColumn('ProductVariant', 'variant_id').notNull(),
    sku: varchar('sku', { length: 200 }).notNull(),
    title: varchar('title', { length: 500 }).notNull(),
    unitPriceMinor: amountMinor('unit_price_minor').notNull(),
    quantity: int('quantity').notNull(),
  },
  (table) => [
    uniqueIndex('order_lines_by_order').on(table.orderId, table.position),
    uniqueIndex('order_lines_by_variant').on(table.orderId, table.variantId),
    check('order_lines_amounts', sql`unit_price_minor >= 0 AND quantity BETWEEN 1 AND 999`),
  ],
);

/** Everything that ever happened to an order, numbered without gaps: the version the order had after it. */
export const orderEvents = mysqlTable(
  'order_events',
  {
    id: idColumn('OrderEvent', 'id').primaryKey(),
    orderId: idColumn('Order', 'order_id').notNull(),
    version: int('version').notNull(),
    from: status('from_status'),
    to: status('to_status').notNull(),
    actor: varchar('actor', { length: 16 }).$type<OrderActor>().notNull(),
    message: varchar('message', { length: 500 }),
    /** The fact of another service that led to this, if one did. */
    causedBy: idColumn('Event', 'caused_by'),
    createdAt: instant('created_at').notNull().default(now),
  },
  (table) => [
    uniqueIndex('order_events_by_order').on(table.orderId, table.version),
    uniqueIndex('order_events_by_cause').on(table.causedBy),
  ],
);

/** One attempt to place an order: what it has set out to do elsewhere, and who is at it. See checkout.ts. */
export const checkouts = mysqlTable(
  'checkouts',
  {
    /** The order this attempt would make; what it does elsewhere is done in this name. */
    orderId: idColumn('Order', 'order_id').primaryKey(),
    userId: idColumn('User', 'user_id').notNull(),
    idempotencyKey: exactText('idempotency_key', 128).notNull(),
    state: varchar('state', { length: 16 }).$type<'RUNNING' | 'PLACED' | 'UNDOING' | 'UNDONE'>().notNull(),
    /** The last step that may have been taken: written before the step is. */
    reached: varchar('reached', { length: 32 }).notNull(),
    /** Tells a holder whose lease ran out from the one who took over. */
    fence: int('fence').notNull().default(1),
    leasedUntil: instant('leased_until').notNull(),
    createdAt: instant('created_at').notNull().default(now),
    updatedAt: updatedAt(),
  },
  (table) => [
    index('checkouts_by_lease').on(table.state, table.leasedUntil),
    index('checkouts_by_key').on(table.userId, table.idempotencyKey),
    index('checkouts_by_age').on(table.state, table.updatedAt),
  ],
);

export type OrderRow = typeof orders.$inferSelect;
export type OrderLineRow = typeof orderLines.$inferSelect;
export type OrderEventRow = typeof orderEvents.$inferSelect;
export type CheckoutRow = typeof checkouts.$inferSelect;
