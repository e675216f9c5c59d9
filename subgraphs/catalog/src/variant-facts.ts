import type { Reader, Transaction } from '@souk/platform/database';
import type { EventPayloads } from '@souk/platform/events';
import { appendAll } from '@souk/platform/outbox';
import { and, eq, inArray, isNull, type SQL, sql } from 'drizzle-orm';
import { products, productVariants, stockLevels } from './tables.ts';

/** The whole present state of a variant, as carts and orders know it. */
export type VariantFacts = EventPayloads['variant.changed'];

/** Up to this many left, each sale is told, so that carts can warn in time. */
export const LOW_STOCK = 5;

/** Customers are shown no more than this, so that nobody reads our stock from the shop. */
export const MAX_SHOWN_QUANTITY = 20;

export type Availability = 'IN_STOCK' | 'LOW_STOCK' | 'OUT_OF_STOCK';

export function availabilityOf(available: number): Availability {
  return available <= 0 ? 'OUT_OF_STOCK' : available <= LOW_STOCK ? 'LOW_STOCK' : 'IN_STOCK';
}

/** The facts of variants by id, in no order; unknown ones are missing. */
export async function readVariantFacts(
  reader: Reader,
  of: { variantIds: readonly string[] } | { productIds: readonly string[] },
): Promise<Map<string, VariantFacts>> {
  const [column, ids] =
    'variantIds' in of ? [productVariants.id, of.variantIds] : [productVariants.productId, of.productIds];
  if (ids.length === 0) return new Map();
  const rows = await reader
    .select({
      variantId: productVariants.id,
      productId: products.id,
      sku: productVariants.sku,
      productTitle: products.title,
      variantTitle: productVariants.title,
      priceMinor: productVariants.priceMinor,
      currencyCode: productVariants.currencyCode,
      available: available(),
      isSellable: and(eq(products.isListed, true), isNull(productVariants.deletedAt)) as SQL<unknown>,
    })
    .from(productVariants)
    .innerJoin(products, eq(products.id, productVariants.productId))
    .innerJoin(stockLevels, eq(stockLevels.variantId, productVariants.id))
    .where(inArray(column, [...ids]));
  return new Map(
    rows.map(({ productTitle, variantTitle, priceMinor, available, isSellable, ...facts }) => [
      facts.variantId,
      {
        ...facts,
        title: fullTitle(productTitle, variantTitle),
        priceMinor: priceMinor.toString(),
        available: Number(available),
        isSellable: Number(isSellable) === 1,
      },
    ]),
  );
}

/** What can still be promised, in SQL. */
export function available(): SQL<number> {
  return sql<number>`${stockLevels.onHand} - ${stockLevels.reserved}`;
}

/** States the present facts of variants to whoever listens. */
export async function announce(tx: Transaction, facts: Iterable<VariantFacts>): Promise<void> {
  const events = [...facts].map((payload) => ({
    type: 'variant.changed' as const,
    aggregateId: payload.variantId,
    payload,
  }));
  await appendAll(tx, events);
}

/** Those whose facts differ from what they were; a variant nobody could buy before or after is no news. */
export function changedFacts(
  before: ReadonlyMap<string, VariantFacts>,
  after: ReadonlyMap<string, VariantFacts>,
): VariantFacts[] {
  return [...after.values()].filter((now) => {
    const then = before.get(now.variantId);
    if (!then?.isSellable && !now.isSellable) return false;
    return JSON.stringify(then) !== JSON.stringify(now);
  });
}

/** Name of product and variant in one; the variant of a product that has only one is called like the product. */
export function fullTitle(productTitle: string, variantTitle: string): string {
  return variantTitle === productTitle ? productTitle : `${productTitle} – ${variantTitle}`;
}
