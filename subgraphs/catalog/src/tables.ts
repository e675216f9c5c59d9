import { amountMinor, createdAt, instant, now, updatedAt } from '@souk/platform/database';
import { idColumn } from '@souk/platform/id';
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  char,
  check,
  customType,
  index,
  int,
  json,
  mediumtext,
  mysqlTable,
  primaryKey,
  smallint,
  text,
  tinyint,
  uniqueIndex,
  varchar,
} from 'drizzle-orm/mysql-core';

export { idempotencyKeys } from '@souk/platform/idempotency';
export { eventFailures, inbox } from '@souk/platform/inbox';
export { outbox } from '@souk/platform/outbox';

/**
 * Locks are taken in one order everywhere: categories, brands, reservations, stock levels by variant id, products by id, and the generation last.
 */

/** Slugs, article numbers, codes: ASCII, compared byte by byte. */
const code = customType<{ data: string; config: { length: number }; configRequired: true }>({
  dataType: ({ length }) => `varchar(${length}) CHARACTER SET ascii COLLATE ascii_bin`,
});
/** Text that is only equal to itself, case and accents included. */
const exactText = customType<{ data: string; config: { length: number }; configRequired: true }>({
  dataType: ({ length }) => `varchar(${length}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
});
/** Search terms, which are ASCII whatever script they came from: see search-terms.ts. */
const terms = customType<{ data: string }>({ dataType: () => 'mediumtext CHARACTER SET ascii COLLATE ascii_bin' });

/** One choice a customer makes, such as size M. */
export interface SelectedOption {
  name: string;
  value: string;
}

export const products = mysqlTable(
  'products',
  {
    id: idColumn('Product', 'id').primaryKey(),
    slug: code('slug', { length: 120 }).notNull(),
    title: varchar('title', { length: 200 }).notNull(),
    status: varchar('status', { length: 8 }).$type<'DRAFT' | 'ACTIVE' | 'ARCHIVED'>().notNull(),
    categoryId: idColumn('Category', 'category_id'),
    brandId: idColumn('Brand', 'brand_id'),
    tags: json('tags').$type<string[]>().notNull(),
    version: int('version').notNull().default(1),

    /** What its variants, their stock and their sales come to, kept here to sort and filter by: see product-summary.ts. */
    currencyCode: char('currency_code', { length: 3 }).notNull(),
    minPriceMinor: amountMinor('min_price_minor').notNull(),
    maxPriceMinor: amountMinor('max_price_minor').notNull(),
    isAvailable: boolean('is_available').notNull(),
    soldCount: int('sold_count').notNull().default(0),

    /** Something its search text is made of has changed elsewhere: the name of its brand or category. */
    isIndexStale: boolean('is_index_stale').notNull().default(false),
    deletedAt: instant('deleted_at'),
    createdAt: createdAt(),
    /** When staff last changed it; sales do not count. */
    updatedAt: instant('updated_at').notNull().default(now),
    /** Whether customers see it. */
    isListed: boolean('is_listed').generatedAlwaysAs(sql`(status = 'ACTIVE' AND deleted_at IS NULL)`, {
      mode: 'stored',
    }),
  },
  (table) => [
    uniqueIndex('products_by_slug').on(table.slug),
    index('products_listed_by_title').on(table.isListed, table.title, table.id),
    index('products_listed_by_price').on(table.isListed, table.currencyCode, table.minPriceMinor, table.id),
    index('products_listed_by_age').on(table.isListed, table.createdAt, table.id),
    index('products_listed_by_sales').on(table.isListed, table.soldCount, table.id),
    index('products_of_category_by_sales').on(table.categoryId, table.isListed, table.soldCount, table.id),
    index('products_of_brand_by_sales').on(table.brandId, table.isListed, table.soldCount, table.id),
    index('products_with_stale_index').on(table.isIndexStale, table.id),
  ],
);

/** Apart from the products, because lists read many products and no description. */
export const productDescriptions = mysqlTable('product_descriptions', {
  productId: idColumn('Product', 'product_id').primaryKey(),
  description: mediumtext('description').notNull(),
});

export const productVariants = mysqlTable(
  'product_variants',
  {
    id: idColumn('ProductVariant', 'id').primaryKey(),
    productId: idColumn('Product', 'product_id').notNull(),
    position: smallint('position').notNull(),
    sku: code('sku', { length: 64 }).notNull(),
    title: varchar('title', { length: 200 }).notNull(),
    priceMinor: amountMinor('price_minor').notNull(),
    compareAtPriceMinor: amountMinor('compare_at_price_minor'),
    currencyCode: char('currency_code', { length: 3 }).notNull(),
    selectedOptions: json('selected_options').$type<SelectedOption[]>().notNull(),
    imageId: idColumn('Media', 'image_id'),
    /** A variant taken out of its product stays, because orders speak of it; its article number is free again. */
    deletedAt: instant('deleted_at'),
    liveSku: code('live_sku', { length: 64 }).generatedAlwaysAs(sql`(IF(deleted_at IS NULL, sku, NULL))`, {
      mode: 'stored',
    }),
  },
  (table) => [
    uniqueIndex('variants_by_live_sku').on(table.liveSku),
    index('variants_by_product').on(table.productId, table.position),
  ],
);

export const productMedia = mysqlTable(
  'product_media',
  {
    id: idColumn('Media', 'id').primaryKey(),
    productId: idColumn('Product', 'product_id').notNull(),
    position: smallint('position').notNull(),
    kind: varchar('kind', { length: 5 }).$type<'IMAGE' | 'VIDEO'>().notNull(),
    url: varchar('url', { length: 2048 }).notNull(),
    altText: varchar('alt_text', { length: 500 }),
    width: int('width'),
    height: int('height'),
  },
  (table) => [index('media_by_product').on(table.productId, table.position)],
);

export const categories = mysqlTable(
  'categories',
  {
    id: idColumn('Category', 'id').primaryKey(),
    slug: code('slug', { length: 120 }).notNull(),
    name: varchar('name', { length: 100 }).notNull(),
    parentId: idColumn('Category', 'parent_id'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    uniqueIndex('categories_by_slug').on(table.slug),
    index('categories_by_parent').on(table.parentId, table.name),
  ],
);

/** Every way down the tree, the one from a category to itself included: who is below whom without walking. */
export const categoryPaths = mysqlTable(
  'category_paths',
  {
    ancestorId: idColumn('Category', 'ancestor_id').notNull(),
    descendantId: idColumn('Category', 'descendant_id').notNull(),
    distance: tinyint('distance').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.ancestorId, table.descendantId] }),
    index('paths_by_descendant').on(table.descendantId, table.distance, table.ancestorId),
  ],
);

export const brands = mysqlTable(
  'brands',
  {
    id: idColumn('Brand', 'id').primaryKey(),
    slug: code('slug', { length: 120 }).notNull(),
    name: varchar('name', { length: 100 }).notNull(),
    logoId: idColumn('Media', 'logo_id'),
    logoUrl: varchar('logo_url', { length: 2048 }),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [uniqueIndex('brands_by_slug').on(table.slug), index('brands_by_name').on(table.name)],
);

/** What a search looks through: the products on sale, and no others. The migration adds FULLTEXT indexes on the two kinds of terms. */
export const productSearch = mysqlTable('product_search', {
  productId: idColumn('Product', 'product_id').primaryKey(),
  titleTerms: terms('title_terms').notNull(),
  /** Of the description, the brand, the categories, the tags and the options. */
  bodyTerms: terms('body_terms').notNull(),
  /** All facets the product counts in, one line each: see facets.ts. A search counts by reading this and nothing else. */
  facets: text('facets').notNull(),
  isAvailable: boolean('is_available').notNull(),
});

/** Tags and options of every product, to filter by. */
export const productFacetValues = mysqlTable(
  'product_facet_values',
  {
    productId: idColumn('Product', 'product_id').notNull(),
    /** `tag`, or `option.` and the option's name. */
    facet: exactText('facet', { length: 60 }).notNull(),
    value: exactText('value', { length: 100 }).notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.productId, table.facet, table.value] }),
    index('facet_values_by_value').on(table.facet, table.value, table.productId),
  ],
);

/** Words of titles, to find what a misspelt word may have meant. Words are never removed; what is suggested is looked up first. */
export const searchWords = mysqlTable(
  'search_words',
  {
    word: exactText('word', { length: 30 }).primaryKey(),
    length: tinyint('length').notNull(),
  },
  (table) => [index('search_words_by_length').on(table.length, table.word)],
);

/** One row: grows with every change that can change a search result. It stands in the keys of cached results, so none outlives its truth. */
export const searchGeneration = mysqlTable('search_generation', {
  id: tinyint('id').primaryKey(),
  generation: bigint('generation', { mode: 'number' }).notNull(),
});

export const stockLevels = mysqlTable(
  'stock_levels',
  {
    variantId: idColumn('ProductVariant', 'variant_id').primaryKey(),
    onHand: int('on_hand').notNull(),
    reserved: int('reserved').notNull().default(0),
    updatedAt: updatedAt(),
  },
  (table) => [check('stock_levels_reserved', sql`${table.reserved} >= 0 AND ${table.reserved} <= ${table.onHand}`)],
);

export const movementKinds = ['RECEIVED', 'ADJUSTED', 'RESERVED', 'RELEASED', 'COMMITTED', 'RETURNED'] as const;

/** Every change of every stock; never altered. On hand = received + adjusted − committed + returned. */
export const stockMovements = mysqlTable(
  'stock_movements',
  {
    id: idColumn('StockMovement', 'id').primaryKey(),
    variantId: idColumn('ProductVariant', 'variant_id').notNull(),
    kind: varchar('kind', { length: 9, enum: movementKinds }).notNull(),
    /** Above zero, except for an ADJUSTED that takes away. */
    quantity: int('quantity').notNull(),
    reason: varchar('reason', { length: 500 }),
    orderId: idColumn('Order', 'order_id'),
    createdAt: createdAt(),
  },
  (table) => [
    uniqueIndex('movements_once_per_order').on(table.orderId, table.variantId, table.kind),
    index('movements_by_variant').on(table.variantId, table.createdAt, table.id),
  ],
);

/**
 * What an order holds: HELD → COMMITTED → RETURNED, or HELD → RELEASED. One without lines is RELEASED from the start: the order gave up
 * before its hold arrived, and the hold must not come to life afterwards.
 */
export const stockReservations = mysqlTable(
  'stock_reservations',
  {
    orderId: idColumn('Order', 'order_id').primaryKey(),
    id: idColumn('StockReservation', 'id').notNull(),
    status: varchar('status', { length: 9 }).$type<'HELD' | 'COMMITTED' | 'RELEASED' | 'RETURNED'>().notNull(),
    expiresAt: instant('expires_at').notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [index('reservations_by_expiry').on(table.status, table.expiresAt)],
);

/** The quote stays with the hold, so that a repeated call is told the same price. */
export const stockReservationLines = mysqlTable(
  'stock_reservation_lines',
  {
    orderId: idColumn('Order', 'order_id').notNull(),
    variantId: idColumn('ProductVariant', 'variant_id').notNull(),
    quantity: int('quantity').notNull(),
    unitPriceMinor: amountMinor('unit_price_minor').notNull(),
    currencyCode: char('currency_code', { length: 3 }).notNull(),
    title: varchar('title', { length: 500 }).notNull(),
    sku: code('sku', { length: 64 }).notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.orderId, table.variantId] }),
    check('stock_reservation_lines_quantity', sql`${table.quantity} > 0`),
  ],
);

export type ProductRow = typeof products.$inferSelect;
export type VariantRow = typeof productVariants.$inferSelect;
export type MediaRow = typeof productMedia.$inferSelect;
export type CategoryRow = typeof categories.$inferSelect;
export type BrandRow = typeof brands.$inferSelect;
export type StockLevelRow = typeof stockLevels.$inferSelect;
export type StockMovementRow = typeof stockMovements.$inferSelect;
export type ReservationLineRow = typeof stockReservationLines.$inferSelect;
