import { invalidate } from '@souk/platform/cache-invalidation';
import { affectedRows, type Database, type Transaction, transaction } from '@souk/platform/database';
import { and, asc, eq, inArray, isNull, sql } from 'drizzle-orm';
import { facetValuesOf } from './facets.ts';
import { type OptionsOf, writeSearchTexts } from './search-index.ts';
import {
  type ProductRow,
  productFacetValues,
  productSearch,
  products,
  productVariants,
  searchGeneration,
  stockLevels,
  type VariantRow,
} from './tables.ts';
import { available } from './variant-facts.ts';

/**
 * What is kept about products so that lists and searches need not look further: price range, availability, search text, facets.
 * Everything here can be made again from the rest, and is made in the transaction of what it is made from.
 */

/** Products summarised by one statement each of reading and writing. */
const CHUNK = 250;

/** Makes the summaries of these products, however many, and lets no cached search result or answer outlive it. */
export async function summarise(tx: Transaction, productIds: readonly string[]): Promise<void> {
  const sorted = [...new Set(productIds)].sort();
  for (let start = 0; start < sorted.length; start += CHUNK)
    await summariseChunk(tx, sorted.slice(start, start + CHUNK));
  if (sorted.length > 0) await nextGeneration(tx);
  invalidate(tx, 'product', sorted);
}

async function summariseChunk(tx: Transaction, ids: string[]): Promise<void> {
  const rows = await lockProducts(tx, ids);
  const variants = await tx
    .select({ variant: productVariants, available: available() })
    .from(productVariants)
    .innerJoin(stockLevels, eq(stockLevels.variantId, productVariants.id))
    .where(and(inArray(productVariants.productId, ids), isNull(productVariants.deletedAt)))
    .orderBy(asc(productVariants.position));
  const ofProduct = Map.groupBy(variants, ({ variant }) => variant.productId);
  const summaries = rows.map((row) => withPrices(row, ofProduct.get(row.id) ?? []));
  await writeProducts(tx, summaries);
  const optionsOf = (id: string) => (ofProduct.get(id) ?? []).flatMap(({ variant }) => variant.selectedOptions);
  await writeFacetValues(tx, summaries, optionsOf);
  await writeSearchTexts(tx, summaries, optionsOf);
}

/** Products by id, locked in that order. */
export function lockProducts(tx: Transaction, ids: readonly string[]): Promise<ProductRow[]> {
  return tx
    .select()
    .from(products)
    .where(inArray(products.id, [...ids]))
    .orderBy(asc(products.id))
    .for('update');
}

function withPrices(row: ProductRow, variants: readonly { variant: VariantRow; available: number }[]): ProductRow {
  const prices = variants.map(({ variant }) => variant.priceMinor).sort((a, b) => (a < b ? -1 : 1));
  return {
    ...row,
    currencyCode: variants[0]?.variant.currencyCode ?? row.currencyCode,
    minPriceMinor: prices[0] ?? row.minPriceMinor,
    maxPriceMinor: prices.at(-1) ?? row.maxPriceMinor,
    isAvailable: variants.some((each) => Number(each.available) > 0),
    isIndexStale: false,
  };
}

/** One statement for all: the rows are locked, so nothing is inserted and nothing else is overwritten. */
async function writeProducts(tx: Transaction, rows: readonly ProductRow[]): Promise<void> {
  if (rows.length === 0) return;
  await tx
    .insert(products)
    .values([...rows])
    .onDuplicateKeyUpdate({
      set: {
        currencyCode: sql`VALUES(currency_code)`,
        minPriceMinor: sql`VALUES(min_price_minor)`,
        maxPriceMinor: sql`VALUES(max_price_minor)`,
        isAvailable: sql`VALUES(is_available)`,
        isIndexStale: false,
      },
    });
}

async function writeFacetValues(tx: Transaction, rows: readonly ProductRow[], optionsOf: OptionsOf): Promise<void> {
  const ids = rows.map(({ id }) => id);
  if (ids.length === 0) return;
  await tx.delete(productFacetValues).where(inArray(productFacetValues.productId, ids));
  const values = rows.flatMap((row) =>
    facetValuesOf(row.tags, optionsOf(row.id)).map((each) => ({ productId: row.id, ...each })),
  );
  if (values.length > 0) await tx.insert(productFacetValues).values(values);
}

/**
 * Brings the availability of products up to date after stock of theirs ran out or came back. The caller has changed the stock levels in this transaction.
 * Whoever locks a product last sees everybody's changes, because the levels are read after the lock.
 */
export async function refreshAvailability(tx: Transaction, productIds: readonly string[]): Promise<void> {
  const rows = await lockProducts(tx, productIds);
  const levels = await tx
    .select({ productId: productVariants.productId, available: sql<number>`MAX(${available()})` })
    .from(productVariants)
    .innerJoin(stockLevels, eq(stockLevels.variantId, productVariants.id))
    .where(and(inArray(productVariants.productId, [...productIds]), isNull(productVariants.deletedAt)))
    .groupBy(productVariants.productId);
  const most = new Map(levels.map((level) => [level.productId, Number(level.available)]));
  const changed = rows.filter((row) => row.isAvailable !== (most.get(row.id) ?? 0) > 0);
  for (const isAvailable of [true, false]) {
    const ids = changed.filter((row) => row.isAvailable !== isAvailable).map(({ id }) => id);
    if (ids.length === 0) continue;
    await tx.update(products).set({ isAvailable }).where(inArray(products.id, ids));
    await tx.update(productSearch).set({ isAvailable }).where(inArray(productSearch.productId, ids));
  }
  if (changed.some((row) => row.isListed)) await nextGeneration(tx);
  invalidate(
    tx,
    'product',
    changed.map(({ id }) => id),
  );
}

/** Makes every cached search result old. The last lock a transaction takes, and the shortest held. */
export async function nextGeneration(tx: Transaction): Promise<void> {
  await tx
    .insert(searchGeneration)
    .values({ id: 1, generation: 1 })
    .onDuplicateKeyUpdate({ set: { generation: sql`generation + 1` } });
}

/**
 * Summarises products whose search text has become stale, up to `limit` of them. Safe to run in several instances at once.
 *
 * @returns how many there were
 */
export async function summariseStale(db: Database, limit = CHUNK): Promise<number> {
  return transaction(db, async (tx) => {
    const stale = await tx
      .select({ id: products.id })
      .from(products)
      .where(eq(products.isIndexStale, true))
      .orderBy(asc(products.id))
      .limit(limit)
      .for('update', { skipLocked: true });
    await summarise(
      tx,
      stale.map(({ id }) => id),
    );
    return stale.length;
  });
}

/** Until none is stale: for a sweep. */
export async function summariseAllStale(db: Database): Promise<void> {
  while ((await summariseStale(db)) > 0);
}

/** Marks the products of a brand, or of all categories at and below one, for a new search text. */
export async function markStale(tx: Transaction, of: { brandId: string } | { categoryIds: readonly string[] }) {
  const condition =
    'brandId' in of ? eq(products.brandId, of.brandId) : inArray(products.categoryId, [...of.categoryIds]);
  return affectedRows(await tx.update(products).set({ isIndexStale: true }).where(condition));
}
