import { loaderByKey, loaderOfMany, loaderOfPages } from '@souk/platform/batch';
import type { CacheTags } from '@souk/platform/cache-tags';
import { type PageArguments, pageOfMany } from '@souk/platform/connection';
import type { Database } from '@souk/platform/database';
import { and, asc, eq, getTableColumns, inArray, isNull, type SQL } from 'drizzle-orm';
import { type CategoryPageArguments, pagesOfCategories } from './product-list.ts';
import { isSlug } from './slug.ts';
import {
  type BrandRow,
  brands,
  type CategoryRow,
  categories,
  type MediaRow,
  type ProductRow,
  productDescriptions,
  productMedia,
  products,
  productVariants,
  type StockLevelRow,
  type StockMovementRow,
  stockLevels,
  stockMovements,
  type VariantRow,
} from './tables.ts';
import { isSku } from './variant-draft.ts';

export type Loaders = ReturnType<typeof createLoaders>;

/**
 * Every read by key, batched and remembered for one request. What the viewer may not see is null here, so it is null on every way that leads to it:
 * products that are not on sale, and their variants, exist only for staff.
 *
 * @param options.cacheTags where to note what was read; what is not there is noted too, because it may come
 */
export function createLoaders(
  db: Database,
  { seesUnlisted, cacheTags }: { seesUnlisted: boolean; cacheTags?: CacheTags | undefined },
) {
  const visible = seesUnlisted ? undefined : eq(products.isListed, true);

  const selectProducts = (condition: SQL) => db.select().from(products).where(and(condition, visible));
  const selectVariants = (condition: SQL) =>
    db
      .select(getTableColumns(productVariants))
      .from(productVariants)
      .innerJoin(products, eq(products.id, productVariants.productId))
      .where(and(condition, visible, isNull(productVariants.deletedAt)))
      .orderBy(asc(productVariants.position));
  const selectMedia = (condition: SQL | undefined) =>
    db.select().from(productMedia).where(condition).orderBy(asc(productMedia.position));
  const selectChildren = (condition: SQL) =>
    db.select().from(categories).where(condition).orderBy(asc(categories.name), asc(categories.id));

  /** Notes things by their ids. */
  const reads =
    <Row>(kind: string, load: (ids: readonly string[]) => Promise<Row[]>) =>
    (ids: readonly string[]) => {
      cacheTags?.add(kind, ids);
      return load(ids);
    };
  /** Notes what was found; when something was not, which things of the kind there are, since one may come by this key. */
  const finds =
    <Row>(kind: string, load: (keys: readonly string[]) => Promise<Row[]>, idOf: (row: Row) => string) =>
    async (keys: readonly string[]) => {
      const rows = await load(keys);
      cacheTags?.add(kind, rows.length < keys.length ? undefined : rows.map(idOf));
      return rows;
    };

  return {
    productById: loaderByKey<ProductRow>({
      load: reads('product', (ids) => selectProducts(inArray(products.id, [...ids]))),
      key: (product) => product.id,
    }),
    productBySlug: loaderByKey<ProductRow>({
      load: finds(
        'product',
        (slugs) => selectProducts(inArray(products.slug, slugs.filter(isSlug))),
        ({ id }) => id,
      ),
      key: (product) => product.slug,
    }),
    descriptionByProduct: loaderByKey<{ productId: string; description: string }>({
      load: reads('product', (ids) =>
        db
          .select()
          .from(productDescriptions)
          .where(inArray(productDescriptions.productId, [...ids])),
      ),
      key: (row) => row.productId,
    }),
    variantById: loaderByKey<VariantRow>({
      load: finds(
        'product',
        (ids) => selectVariants(inArray(productVariants.id, [...ids])),
        ({ productId }) => productId,
      ),
      key: (variant) => variant.id,
    }),
    variantBySku: loaderByKey<VariantRow>({
      load: finds(
        'product',
        (skus) => selectVariants(inArray(productVariants.liveSku, skus.filter(isSku))),
        ({ productId }) => productId,
      ),
      key: (variant) => variant.sku,
    }),
    variantsByProduct: loaderOfMany<VariantRow>({
      load: reads('product', (ids) => selectVariants(inArray(productVariants.productId, [...ids]))),
      key: (variant) => variant.productId,
    }),
    mediaById: loaderByKey<MediaRow>({
      load: finds(
        'product',
        (ids) => selectMedia(inArray(productMedia.id, [...ids])),
        ({ productId }) => productId,
      ),
      key: (media) => media.id,
    }),
    mediaByProduct: loaderOfMany<MediaRow>({
      load: reads('product', (ids) => selectMedia(inArray(productMedia.productId, [...ids]))),
      key: (media) => media.productId,
    }),
    featuredMediaByProduct: loaderByKey<MediaRow>({
      load: reads('product', (ids) =>
        selectMedia(and(inArray(productMedia.productId, [...ids]), eq(productMedia.position, 0))),
      ),
      key: (media) => media.productId,
    }),
    categoryById: loaderByKey<CategoryRow>({
      load: reads('category', (ids) =>
        db
          .select()
          .from(categories)
          .where(inArray(categories.id, [...ids])),
      ),
      key: (category) => category.id,
    }),
    categoryBySlug: loaderByKey<CategoryRow>({
      load: finds(
        'category',
        (slugs) =>
          db
            .select()
            .from(categories)
            .where(inArray(categories.slug, slugs.filter(isSlug))),
        ({ id }) => id,
      ),
      key: (category) => category.slug,
    }),
    childrenByCategory: loaderOfMany<CategoryRow>({
      load: (ids) => {
        cacheTags?.add('category');
        return selectChildren(inArray(categories.parentId, [...ids]));
      },
      key: (category) => category.parentId ?? '',
    }),
    productsByCategory: loaderOfPages<CategoryPageArguments, ProductRow>({
      load: (ids, args) => {
        cacheTags?.add('product');
        cacheTags?.add('category');
        return pagesOfCategories(db, ids, args);
      },
    }),
    brandById: loaderByKey<BrandRow>({
      load: reads('brand', (ids) =>
        db
          .select()
          .from(brands)
          .where(inArray(brands.id, [...ids])),
      ),
      key: (brand) => brand.id,
    }),
    brandBySlug: loaderByKey<BrandRow>({
      load: finds(
        'brand',
        (slugs) =>
          db
            .select()
            .from(brands)
            .where(inArray(brands.slug, slugs.filter(isSlug))),
        ({ id }) => id,
      ),
      key: (brand) => brand.slug,
    }),
    stockByVariant: loaderByKey<StockLevelRow>({
      load: reads('stock', (ids) =>
        db
          .select()
          .from(stockLevels)
          .where(inArray(stockLevels.variantId, [...ids])),
      ),
      key: (level) => level.variantId,
    }),
    movementsByVariant: loaderOfPages<PageArguments, StockMovementRow>({
      load: (parents, args) =>
        pageOfMany({
          db,
          table: stockMovements,
          parent: stockMovements.variantId,
          parents,
          args,
          name: 'stock.movements',
          order: [
            { column: stockMovements.createdAt, direction: 'desc', value: (row) => row.createdAt },
            { column: stockMovements.id, direction: 'desc', value: (row) => row.id },
          ],
        }),
    }),
  };
}
