import { amountMinor, createdAt, instant, now, updatedAt } from '@souk/platform/database';
import { idColumn } from '@souk/platform/id';
import { sql } from 'drizzle-orm';
import { boolean, char, check, index, int, mysqlTable, uniqueIndex, varchar } from 'drizzle-orm/mysql-core';

export { idempotencyKeys } from '@souk/platform/idempotency';
export { eventFailures, inbox } from '@souk/platform/inbox';
export { outbox } from '@souk/platform/outbox';

/** What somebody means to buy. Every change locks this row first, so the changes of one cart happen one after another. */
export const carts = mysqlTable(
  'carts',
  {
    id: idColumn('Cart', 'id').primaryKey(),
    /** Null for a guest's cart. */
    ownerId: idColumn('User', 'owner_id'),
    currencyCode: char('currency_code', { length: 3 }).notNull(),
    note: varchar('note', { length: 500 }),
    version: int('version').notNull().default(1),
    expiresAt: instant('expires_at').notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [uniqueIndex('carts_by_owner').on(table.ownerId), index('carts_by_expiry').on(table.expiresAt)],
);

/** One variant in a cart. Its price is not here: it is what the shop asks at the moment of reading. */
export const cartLines = mysqlTable(
  'cart_lines',
  {
    id: idColumn('CartLine', 'id').primaryKey(),
    cartId: idColumn('Cart', 'cart_id').notNull(),
    variantId: idColumn('ProductVariant', 'variant_id').notNull(),
    quantity: int('quantity').notNull(),
    isSelected: boolean('is_selected').notNull().default(true),
    addedUnitPriceMinor: amountMinor('added_unit_price_minor').notNull(),
    addedAt: instant('added_at').notNull().default(now),
  },
  (table) => [
    uniqueIndex('cart_lines_by_cart_and_variant').on(table.cartId, table.variantId),
    check('cart_lines_quantity', sql`quantity BETWEEN 1 AND 999`),
  ],
);

/** Where the lines of a claimed guest cart went, for whoever still speaks of the guest cart: a repeated claim, an order that is under way. */
export const mergedCarts = mysqlTable(
  'merged_carts',
  {
    guestCartId: idColumn('Cart', 'guest_cart_id').primaryKey(),
    ownerId: idColumn('User', 'owner_id').notNull(),
    mergedAt: instant('merged_at').notNull().default(now),
  },
  (table) => [index('merged_carts_by_owner').on(table.ownerId), index('merged_carts_by_age').on(table.mergedAt)],
);

/** What the catalog last said about each variant: a copy, so that reading a cart asks nobody. */
export const variantFacts = mysqlTable('variant_facts', {
  variantId: idColumn('ProductVariant', 'variant_id').primaryKey(),
  title: varchar('title', { length: 500 }).notNull(),
  priceMinor: amountMinor('price_minor').notNull(),
  currencyCode: char('currency_code', { length: 3 }).notNull(),
  available: int('available').notNull(),
  isSellable: boolean('is_sellable').notNull(),
  /** When the catalog said so; an older word never replaces a newer one. */
  statedAt: instant('stated_at').notNull(),
});

export type CartRow = typeof carts.$inferSelect;
export type CartLineRow = typeof cartLines.$inferSelect;
export type VariantFacts = typeof variantFacts.$inferSelect;
