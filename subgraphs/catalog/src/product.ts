import { type Database, isDuplicateKey, now, type Transaction, transaction } from '@souk/platform/database';
import { refuse } from '@souk/platform/errors';
import { newId, parseId } from '@souk/platform/id';
import { wakeRelay } from '@souk/platform/jobs';
import { and, eq, isNull } from 'drizzle-orm';
import { lockBrand } from './brand.ts';
import { lockCategory } from './category.ts';
import { type MediaDraft, type ProductDraft, type ProductInput, readProduct } from './product-draft.ts';
import { lockProducts, summarise } from './product-summary.ts';
import { addVariants, checkNothingReserved, lockStock, replaceVariants } from './product-variants.ts';
import { slugOf, slugWithId } from './slug.ts';
import { type ProductRow, productDescriptions, productMedia, products, productVariants } from './tables.ts';
import type { VariantDraft } from './variant-draft.ts';
import { announce, changedFacts, readVariantFacts } from './variant-facts.ts';

export interface NewProduct extends ProductInput {
  title: string;
  description: string;
  variants: NonNullable<ProductInput['variants']>;
  categoryId?: string | null | undefined;
  brandId?: string | null | undefined;
}

/**
 * Makes a product with its variants; with status ACTIVE it is on sale and can be found at once.
 *
 * @throws {Refused} INVALID, REQUIRED, LIMIT_REACHED, OPTIONS_CONFLICT, CURRENCY_MISMATCH, SLUG_TAKEN, SKU_TAKEN, NOT_FOUND (category, brand)
 */
export async function createProduct(db: Database, input: NewProduct): Promise<{ product: ProductRow }> {
  const draft = readProduct(input);
  const { title = '', description = '', tags = [], status = 'DRAFT', variants = [], media = [] } = draft;
  const product = { id: newId('Product'), title };
  return changeProduct(db, product.id, async (tx) => {
    const place = await lockPlace(tx, input);
    const row = { ...product, ...place, tags, status, ...beforeSummary(variants) };
    await insertUnderSlug(tx, row, draft.slug);
    await tx.insert(productDescriptions).values({ productId: product.id, description });
    await writeMedia(tx, product.id, media);
    await addVariants(tx, product, variants);
  });
}

export interface ProductChange extends ProductInput {
  id: string;
  expectedVersion: number;
  categoryId?: string | null | undefined;
  brandId?: string | null | undefined;
}

/**
 * Changes a product: absent values stay, null clears category and brand.
 *
 * @throws {Refused} STALE_VERSION with the product as it is now; NOT_FOUND, HAS_OPEN_ORDERS, and whatever refuses a new product
 */
export async function updateProduct(db: Database, input: ProductChange): Promise<{ product: ProductRow }> {
  const id = parseId('Product', input.id);
  const draft = readProduct(input);
  return changeProduct(db, id, async (tx) => {
    const place = await lockPlace(tx, input);
    const stock = draft.variants ? await lockStock(tx, id) : [];
    const current = await lockLive(tx, id, ['input', 'id']);
    if (current.version !== input.expectedVersion) {
      refuse(
        'STALE_VERSION',
        `The product is at version ${current.version} by now, not ${input.expectedVersion}. Look at it again.`,
        { field: ['input', 'expectedVersion'] },
        { product: current },
      );
    }
    const title = draft.title ?? current.title;
    await updateRow(tx, current, { ...place, ...rowOf(draft) });
    if (title !== current.title) await renameSoleVariant(tx, id, current.title, title);
    if (draft.variants) await replaceVariants(tx, { id, title }, draft.variants, stock);
    if (draft.media) await replaceMedia(tx, id, draft.media);
    if (draft.description !== undefined) {
      await tx
        .update(productDescriptions)
        .set({ description: draft.description })
        .where(eq(productDescriptions.productId, id));
    }
  });
}

/** Takes a product out of the shop. Its rows stay, for orders and for `restoreProduct`. @throws {Refused} NOT_FOUND, HAS_OPEN_ORDERS */
export async function deleteProduct(db: Database, productId: string): Promise<{ deletedProductId: string }> {
  const id = parseId('Product', productId);
  await changeProduct(db, id, async (tx) => {
    const stock = await lockStock(tx, id);
    const current = await lockLive(tx, id, ['id']);
    checkNothingReserved(stock, ['id']);
    await updateRow(tx, current, { deletedAt: now });
  });
  return { deletedProductId: id };
}

/** Brings a deleted product back as a draft. @throws {Refused} NOT_FOUND, INVALID when it is not deleted */
export async function restoreProduct(db: Database, productId: string): Promise<{ product: ProductRow }> {
  const id = parseId('Product', productId);
  return changeProduct(db, id, async (tx) => {
    const [current] = await lockProducts(tx, [id]);
    if (!current) return refuse('NOT_FOUND', 'There is no such product.', { field: ['id'] });
    if (current.deletedAt === null) refuse('INVALID', 'The product is not deleted.', { field: ['id'] });
    await updateRow(tx, current, { deletedAt: null, status: 'DRAFT' });
  });
}

/** What follows from every change of a product: its summary is made anew, and listeners are told what is different about its variants. */
async function changeProduct(
  db: Database,
  id: string,
  change: (tx: Transaction) => Promise<void>,
): Promise<{ product: ProductRow }> {
  const product = await transaction(db, async (tx) => {
    const before = await readVariantFacts(tx, { productIds: [id] });
    await change(tx);
    const after = await readVariantFacts(tx, { productIds: [id] });
    await announce(tx, changedFacts(before, after));
    await summarise(tx, [id]);
    const [row] = await tx.select().from(products).where(eq(products.id, id));
    if (!row) throw new TypeError('Expected the product that was just written.');
    return row;
  });
  wakeRelay(db);
  return { product };
}

async function lockLive(tx: Transaction, id: string, field: string[]): Promise<ProductRow> {
  const [current] = await lockProducts(tx, [id]);
  if (!current || current.deletedAt !== null) return refuse('NOT_FOUND', 'There is no such product.', { field });
  return current;
}

/** Category and brand, locked so that neither is deleted meanwhile. Undefined stays as it is. */
async function lockPlace(tx: Transaction, input: Pick<ProductChange, 'categoryId' | 'brandId'>) {
  const { categoryId, brandId } = input;
  if (categoryId) await lockCategory(tx, parseId('Category', categoryId), ['input', 'categoryId']);
  if (brandId) await lockBrand(tx, parseId('Brand', brandId), ['input', 'brandId']);
  return {
    ...(categoryId === undefined ? {} : { categoryId }),
    ...(brandId === undefined ? {} : { brandId }),
  };
}

/** What the row must hold before the variants are there to be summarised. */
function beforeSummary([first]: readonly VariantDraft[]) {
  const priceMinor = first?.priceMinor ?? 0n;
  return {
    currencyCode: first?.currencyCode ?? '',
    minPriceMinor: priceMinor,
    maxPriceMinor: priceMinor,
    isAvailable: false,
  };
}

type NewRow = Omit<typeof products.$inferInsert, 'slug'>;

/** @throws {Refused} SLUG_TAKEN for a slug that staff chose; one we made gives way */
async function insertUnderSlug(tx: Transaction, row: NewRow, chosen: string | undefined): Promise<void> {
  const slug = chosen ?? slugOf(row.title, row.id);
  try {
    await tx.insert(products).values({ ...row, slug });
  } catch (error) {
    if (!isDuplicateKey(error, 'products_by_slug')) throw error;
    if (chosen !== undefined) refuseSlug();
    await tx.insert(products).values({ ...row, slug: slugWithId(row.title, row.id) });
  }
}

function refuseSlug(): never {
  refuse('SLUG_TAKEN', 'Another product has this slug.', { field: ['input', 'slug'] });
}

function rowOf({ title, slug, tags, status }: ProductDraft): Partial<typeof products.$inferInsert> {
  return {
    ...(title === undefined ? {} : { title }),
    ...(slug === undefined ? {} : { slug }),
    ...(tags === undefined ? {} : { tags }),
    ...(status === undefined ? {} : { status }),
  };
}

type RowChange = Parameters<ReturnType<Transaction['update']>['set']>[0];

async function updateRow(tx: Transaction, { id, version }: ProductRow, change: RowChange): Promise<void> {
  try {
    await tx
      .update(products)
      .set({ ...change, version: version + 1, updatedAt: now })
      .where(eq(products.id, id));
  } catch (error) {
    if (!isDuplicateKey(error, 'products_by_slug')) throw error;
    refuseSlug();
  }
}

/** A variant that is called like its product keeps being called like it. */
async function renameSoleVariant(tx: Transaction, productId: string, from: string, to: string): Promise<void> {
  await tx
    .update(productVariants)
    .set({ title: to })
    .where(
      and(eq(productVariants.productId, productId), eq(productVariants.title, from), isNull(productVariants.deletedAt)),
    );
}

async function replaceMedia(tx: Transaction, productId: string, media: readonly MediaDraft[]): Promise<void> {
  await tx.delete(productMedia).where(eq(productMedia.productId, productId));
  await writeMedia(tx, productId, media);
}

async function writeMedia(tx: Transaction, productId: string, media: readonly MediaDraft[]): Promise<void> {
  if (media.length === 0) return;
  await tx
    .insert(productMedia)
    .values(media.map((each, position) => ({ ...each, id: newId('Media'), productId, position })));
}
