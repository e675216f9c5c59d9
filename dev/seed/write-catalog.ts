import { summarise } from '@souk/catalog/product-summary';
import {
  brands as brandTable,
  categories,
  categoryPaths,
  productDescriptions,
  productMedia,
  products as productTable,
  productVariants,
  stockLevels,
  stockMovements,
  stockReservationLines,
  stockReservations,
} from '@souk/catalog/tables';
import type { Transaction } from '@souk/platform/database';
import { pictureSize } from '../picture.ts';
import { departments, kinds } from './assortment.ts';
import { demoId } from './demo-id.ts';
import { after, MINUTE_MS, OPENING_DAY } from './demo-time.ts';
import { brands } from './names.ts';
import type { DemoOrder } from './orders.ts';
import type { DemoProduct } from './products.ts';
import { insertRows } from './rows.ts';
import { heldUntil, historyOf, reservationStatusOf, type Sale, soldOf } from './stock-history.ts';

/** Writes the category tree and the brands, unless they are there already. */
export async function writePlaces(tx: Transaction, mediaUrl: string): Promise<void> {
  if ((await placesOf(tx)).size > 0) return;
  const times = { createdAt: OPENING_DAY, updatedAt: OPENING_DAY };
  const lineages: { slug: string; name: string }[][] = departments.flatMap((department) => [
    [department],
    ...department.groups.flatMap((group) => [
      [department, group],
      ...group.kinds.map((kind) => [department, group, kind]),
    ]),
  ]);
  const tree = lineages.map((lineage) => {
    const [own, parent] = lineage.toReversed().map(({ slug, name }) => ({ id: categoryId(slug), slug, name }));
    return { ...(own as { id: string; slug: string; name: string }), parentId: parent?.id ?? null, ...times };
  });
  const paths = lineages.flatMap((lineage) => {
    const ids = lineage.map(({ slug }) => categoryId(slug)).reverse();
    const [descendantId = ''] = ids;
    return ids.map((ancestorId, distance) => ({ ancestorId, descendantId, distance }));
  });
  await insertRows(tx, categories, tree);
  await insertRows(tx, categoryPaths, paths);
  await insertRows(
    tx,
    brandTable,
    brands.map(({ slug, name }) => {
      const logo = { logoId: demoId('Media', OPENING_DAY, `brand ${slug}`), logoUrl: `${mediaUrl}/brand-${slug}.svg` };
      return { id: brandId(slug), slug, name, ...logo, ...times };
    }),
  );
}

/** The ids of the demo's categories and brands that the shop has. Staff may have removed some. */
async function placesOf(tx: Transaction): Promise<Set<string>> {
  const ours = new Set([...kinds.map(({ kind }) => categoryId(kind.slug)), ...brands.map(({ slug }) => brandId(slug))]);
  const [categoryRows, brandRows] = [
    await tx.select({ id: categories.id }).from(categories),
    await tx.select({ id: brandTable.id }).from(brandTable),
  ];
  return new Set([...categoryRows, ...brandRows].map(({ id }) => id).filter((id) => ours.has(id)));
}

function categoryId(slug: string): string {
  return demoId('Category', OPENING_DAY, slug);
}

function brandId(slug: string): string {
  return demoId('Brand', OPENING_DAY, slug);
}

/** Writes products with all that belongs to them, what their orders did to them included, and makes them findable. */
export async function writeProducts(
  tx: Transaction,
  products: readonly DemoProduct[],
  { sales, mediaUrl }: { sales: ReadonlyMap<string, readonly Sale[]>; mediaUrl: string },
): Promise<void> {
  const places = await placesOf(tx);
  const present = (id: string) => (places.has(id) ? id : null);
  await insertRows(
    tx,
    productTable,
    products.map((product) => {
      const { id, slug, title, status, category, brand, tags, currencyCode, createdAt } = product;
      return {
        id,
        slug,
        title,
        status,
        categoryId: present(categoryId(category)),
        brandId: brand && present(brandId(brand)),
        tags,
        currencyCode,
        // `summarise` finds out from the variants.
        minPriceMinor: 0n,
        maxPriceMinor: 0n,
        isAvailable: false,
        soldCount: soldOf(product, sales),
        createdAt,
        updatedAt: createdAt,
      };
    }),
  );
  await insertRows(
    tx,
    productDescriptions,
    products.map(({ id, description }) => ({ productId: id, description })),
  );
  await insertRows(
    tx,
    productMedia,
    products.flatMap(({ id: productId, media }) =>
      media.map(({ id, path, altText }, position) => {
        return { id, productId, position, kind: 'IMAGE' as const, url: `${mediaUrl}/${path}`, altText, ...pictureSize };
      }),
    ),
  );
  await insertRows(
    tx,
    productVariants,
    products.flatMap(({ id: productId, currencyCode, variants }) =>
      variants.map(({ stock: _stock, ...variant }, position) => ({ ...variant, productId, position, currencyCode })),
    ),
  );
  await writeStock(tx, products, sales);
  await summarise(
    tx,
    products.map(({ id }) => id),
  );
}

async function writeStock(
  tx: Transaction,
  products: readonly DemoProduct[],
  sales: ReadonlyMap<string, readonly Sale[]>,
): Promise<void> {
  const histories = products.flatMap((product) =>
    product.variants.map((variant) => {
      const { onHand, reserved, movements } = historyOf(product, variant, sales.get(variant.id) ?? []);
      return {
        variantId: variant.id,
        onHand,
        reserved,
        movements,
        updatedAt: movements.at(-1)?.at ?? product.createdAt,
      };
    }),
  );
  await insertRows(
    tx,
    stockLevels,
    histories.map(({ movements: _movements, ...level }) => level),
  );
  await insertRows(
    tx,
    stockMovements,
    histories.flatMap(({ variantId, movements }) =>
      movements.map(({ at, ...movement }) => ({ ...movement, variantId, createdAt: at })),
    ),
  );
}

/** How much longer a hold lasts than its order waits, as the order service asks for it. */
const HOLD_GRACE_MINUTES = 5;
const PAYMENT_WINDOW_MINUTES = 10;

/** Writes what each order holds, or held. */
export async function writeReservations(tx: Transaction, orders: readonly DemoOrder[]): Promise<void> {
  await insertRows(
    tx,
    stockReservations,
    orders.map((order) => ({
      orderId: order.id,
      id: demoId('StockReservation', order.placedAt, order.id),
      status: reservationStatusOf(order),
      expiresAt: after(
        order.paymentDueAt ?? after(order.placedAt, PAYMENT_WINDOW_MINUTES * MINUTE_MS),
        HOLD_GRACE_MINUTES * MINUTE_MS,
      ),
      createdAt: order.placedAt,
      updatedAt: heldUntil(order),
    })),
  );
  await insertRows(
    tx,
    stockReservationLines,
    orders.flatMap(({ id: orderId, currencyCode, lines }) =>
      lines.map(({ variantId, quantity, unitPriceMinor, title, sku }) => {
        return { orderId, variantId, quantity, unitPriceMinor, currencyCode, title, sku };
      }),
    ),
  );
}
