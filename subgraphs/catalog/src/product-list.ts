import { type Connection, type PageArguments, pageOfTable } from '@souk/platform/connection';
import type { Reader } from '@souk/platform/database';
import { badUserInput } from '@souk/platform/errors';
import { parseId } from '@souk/platform/id';
import { openWindow } from '@souk/platform/keyset';
import { parseMoney } from '@souk/platform/money';
import { once } from '@souk/platform/once';
import { and, count, eq, exists, getTableColumns, gte, inArray, isNull, lte, type SQL, sql } from 'drizzle-orm';
import { type ProductSortKey, productOrder } from './product-order.ts';
import { categoryPaths, type ProductRow, productFacetValues, products, productVariants } from './tables.ts';
import { normaliseTag } from './text-input.ts';

export interface ProductFilter {
  categoryId?: string | null | undefined;
  brandId?: string | null | undefined;
  tags?: readonly string[] | null | undefined;
  status?: ProductRow['status'] | null | undefined;
  includeDeleted?: boolean | null | undefined;
  price?: PriceSpan | null | undefined;
  isAvailable?: boolean | null | undefined;
}

export interface PriceSpan {
  min?: string | null | undefined;
  max?: string | null | undefined;
  currencyCode: string;
}

export interface ProductListArguments extends PageArguments {
  sortKey?: ProductSortKey | null | undefined;
  reverse?: boolean | null | undefined;
  filter?: ProductFilter | null | undefined;
}

const MAX_TAGS = 10;

/**
 * A page of products. Customers see what is on sale; who prepares products sees drafts and archived ones too, and deleted ones on request.
 *
 * @throws BAD_USER_INPUT on a malformed filter or cursor
 */
export function listProducts(
  reader: Reader,
  args: ProductListArguments,
  { seesUnlisted }: { seesUnlisted: boolean },
): Promise<Connection<ProductRow>> {
  const { sortKey, reverse, filter, ...page } = args;
  return pageOfTable({
    db: reader,
    table: products,
    where: and(sight(filter ?? {}, seesUnlisted), ...conditions(reader, filter ?? {})),
    args: page,
    name: 'products',
    filter: { ...filter, seesUnlisted },
    order: productOrder(sortKey ?? 'BEST_SELLING', reverse ?? false),
  });
}

function sight({ status, includeDeleted }: ProductFilter, seesUnlisted: boolean): SQL | undefined {
  if (!seesUnlisted || (status === 'ACTIVE' && !includeDeleted)) return eq(products.isListed, true);
  return and(status ? eq(products.status, status) : undefined, includeDeleted ? undefined : isNull(products.deletedAt));
}

function conditions(reader: Reader, filter: ProductFilter): (SQL | undefined)[] {
  const { categoryId, brandId, tags, price, isAvailable } = filter;
  if (tags && tags.length > MAX_TAGS) throw badUserInput(`Expected at most ${MAX_TAGS} tags, got ${tags.length}.`);
  return [
    categoryId ? inCategory(reader, [parseId('Category', categoryId)]) : undefined,
    brandId ? eq(products.brandId, parseId('Brand', brandId)) : undefined,
    ...(tags ?? []).map((tag) => hasFacetValue(reader, 'tag', [normaliseTag(tag)])),
    price ? hasPriceWithin(reader, price) : undefined,
    typeof isAvailable === 'boolean' ? eq(products.isAvailable, isAvailable) : undefined,
  ];
}

/** In one of these categories or below it. */
export function inCategory(reader: Reader, categoryIds: readonly string[]): SQL {
  const below = reader
    .select({ id: categoryPaths.descendantId })
    .from(categoryPaths)
    .where(inArray(categoryPaths.ancestorId, [...categoryIds]));
  return inArray(products.categoryId, below);
}

/** With one of these values of a facet. */
export function hasFacetValue(reader: Reader, facet: string, values: readonly string[]): SQL {
  const matching = reader
    .select({ one: sql`1` })
    .from(productFacetValues)
    .where(
      and(
        eq(productFacetValues.productId, products.id),
        eq(productFacetValues.facet, facet),
        inArray(productFacetValues.value, [...values]),
      ),
    );
  return exists(matching);
}

/** A product from 10 to 100 need not have a variant between 40 and 60, so its variants are asked, after its range. */
function hasPriceWithin(reader: Reader, { min, max, currencyCode }: PriceSpan): SQL | undefined {
  const bound = (amount: string | null | undefined) =>
    typeof amount === 'string' ? parseMoney({ amount, currencyCode }).amountMinor : undefined;
  const [from, to] = [bound(min), bound(max)];
  const matching = reader
    .select({ one: sql`1` })
    .from(productVariants)
    .where(
      and(
        eq(productVariants.productId, products.id),
        isNull(productVariants.deletedAt),
        from === undefined ? undefined : gte(productVariants.priceMinor, from),
        to === undefined ? undefined : lte(productVariants.priceMinor, to),
      ),
    );
  return and(
    eq(products.currencyCode, currencyCode),
    from === undefined ? undefined : gte(products.maxPriceMinor, from),
    to === undefined ? undefined : lte(products.minPriceMinor, to),
    exists(matching),
  );
}

export interface CategoryPageArguments extends PageArguments {
  sortKey?: ProductSortKey | null | undefined;
  reverse?: boolean | null | undefined;
}

/**
 * The products on sale in each of several categories and below them: a page for each, in one statement. Every category's page is found by itself,
 * as a page of one category is, because ranking all products of all categories would read every one of them.
 */
export async function pagesOfCategories(
  reader: Reader,
  categoryIds: readonly string[],
  { sortKey, reverse, ...args }: CategoryPageArguments,
): Promise<Map<string, Connection<ProductRow>>> {
  const order = productOrder(sortKey ?? 'BEST_SELLING', reverse ?? false);
  const window = openWindow({ args, name: 'category.products', order });
  const keysOf = (categoryId: string, index: number) =>
    reader
      .select({ page: sql`${index}`.as('page'), id: sql`${products.id}`.as('id') })
      .from(products)
      .where(and(eq(products.isListed, true), inCategory(reader, [categoryId]), window.where))
      .orderBy(...window.orderBy)
      .limit(window.size + 1);
  // One select around each, because MariaDB takes an ORDER BY of a union's part for the union's.
  const keys = sql.join(
    categoryIds.map(
      (categoryId, index) => sql`SELECT * FROM ${keysOf(categoryId, index)} AS ${sql.identifier(`page_${index}`)}`,
    ),
    sql` UNION ALL `,
  );
  const rows = await reader
    .select({ page: sql<number>`page_keys.page`, row: getTableColumns(products) })
    .from(sql`(${keys}) AS page_keys`)
    .innerJoin(products, sql`${products.id} = page_keys.id`)
    .orderBy(...window.orderBy);
  const counts = once(() => countByCategory(reader, categoryIds));
  return new Map(
    categoryIds.map((id, index) => [
      id,
      window.close(
        rows.flatMap(({ page, row }) => (Number(page) === index ? [row] : [])),
        async () => (await counts()).get(id) ?? 0,
      ),
    ]),
  );
}

async function countByCategory(reader: Reader, categoryIds: readonly string[]): Promise<Map<string, number>> {
  const rows = await reader
    .select({ id: categoryPaths.ancestorId, count: count() })
    .from(categoryPaths)
    .innerJoin(products, and(eq(products.categoryId, categoryPaths.descendantId), eq(products.isListed, true)))
    .where(inArray(categoryPaths.ancestorId, [...categoryIds]))
    .groupBy(categoryPaths.ancestorId);
  return new Map(rows.map(({ id, count }) => [id, count]));
}
