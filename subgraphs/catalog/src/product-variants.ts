import { isDuplicateKey, must, now, type Transaction } from '@souk/platform/database';
import { refuse } from '@souk/platform/errors';
import { newId } from '@souk/platform/id';
import { and, asc, eq, inArray, isNull, sql } from 'drizzle-orm';
import { productVariants, type StockLevelRow, stockLevels, stockMovements, type VariantRow } from './tables.ts';
import type { VariantDraft } from './variant-draft.ts';

/** Gives a new product its variants. @throws {Refused} SKU_TAKEN, INVALID when one claims to exist already */
export async function addVariants(
  tx: Transaction,
  product: { id: string; title: string },
  drafts: readonly VariantDraft[],
): Promise<void> {
  await replaceVariants(tx, product, drafts, []);
}

/**
 * Makes these the variants of a product: those with an id are changed, those without are new, the others are taken out.
 * `stock` are the locked stock levels of the variants it has now.
 *
 * @throws {Refused} NOT_FOUND for an id that is none of its variants, SKU_TAKEN, HAS_OPEN_ORDERS when one to be taken out is reserved
 */
export async function replaceVariants(
  tx: Transaction,
  product: { id: string; title: string },
  drafts: readonly VariantDraft[],
  stock: readonly StockLevelRow[],
): Promise<void> {
  const current = await liveVariants(tx, product.id);
  const isCurrent = new Set(current.map(({ id }) => id));
  for (const [index, { id }] of drafts.entries()) {
    if (id !== null && !isCurrent.has(id)) {
      refuse('NOT_FOUND', 'The product has no such variant.', { field: ['input', 'variants', String(index), 'id'] });
    }
  }
  const kept = new Map(drafts.flatMap((draft) => (draft.id === null ? [] : [[draft.id, draft] as const])));
  await takeOut(
    tx,
    current.filter(({ id }) => !kept.has(id)).map(({ id }) => id),
    stock,
  );
  await freeArticleNumbers(
    tx,
    current.filter(({ id, sku }) => kept.has(id) && kept.get(id)?.sku !== sku),
  );

  const added: { id: string; draft: VariantDraft }[] = [];
  for (const [position, draft] of drafts.entries()) {
    const { id, initialStock, title, ...values } = draft;
    const row = { ...values, title: title ?? product.title, position };
    await unlessSkuTaken(position, async () => {
      if (id !== null) return tx.update(productVariants).set(row).where(eq(productVariants.id, id));
      const variantId = newId('ProductVariant');
      added.push({ id: variantId, draft });
      return tx.insert(productVariants).values({ ...row, id: variantId, productId: product.id });
    });
  }
  await stockUp(tx, added);
}

/** The variants a product has, in the shop's order. */
export function liveVariants(tx: Transaction, productId: string): Promise<VariantRow[]> {
  return tx
    .select()
    .from(productVariants)
    .where(and(eq(productVariants.productId, productId), isNull(productVariants.deletedAt)))
    .orderBy(asc(productVariants.position));
}

/** The stock levels of a product's variants, locked: nothing is reserved until the transaction ends. */
export async function lockStock(tx: Transaction, productId: string): Promise<StockLevelRow[]> {
  const variants = await liveVariants(tx, productId);
  if (variants.length === 0) return [];
  return tx
    .select()
    .from(stockLevels)
    .where(
      inArray(
        stockLevels.variantId,
        variants.map(({ id }) => id),
      ),
    )
    .orderBy(asc(stockLevels.variantId))
    .for('update');
}

/** @throws {Refused} HAS_OPEN_ORDERS */
export function checkNothingReserved(stock: readonly StockLevelRow[], field: string[]): void {
  const reserved = stock.reduce((sum, level) => sum + level.reserved, 0);
  if (reserved > 0) {
    refuse(
      'HAS_OPEN_ORDERS',
      `${reserved} pieces are reserved for orders that are still open. Try again when they are paid or expired.`,
      { field },
    );
  }
}

async function takeOut(tx: Transaction, ids: readonly string[], stock: readonly StockLevelRow[]): Promise<void> {
  if (ids.length === 0) return;
  checkNothingReserved(
    stock.filter(({ variantId }) => ids.includes(variantId)),
    ['input', 'variants'],
  );
  await tx
    .update(productVariants)
    .set({ deletedAt: now })
    .where(inArray(productVariants.id, [...ids]));
}

/** Two variants may swap their article numbers, so all that change get a number of nobody's in between. */
async function freeArticleNumbers(tx: Transaction, variants: readonly VariantRow[]): Promise<void> {
  if (variants.length === 0) return;
  await tx
    .update(productVariants)
    .set({ sku: sql`CONCAT('~', HEX(id))` })
    .where(
      must(
        inArray(
          productVariants.id,
          variants.map(({ id }) => id),
        ),
      ),
    );
}

async function unlessSkuTaken(index: number, write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!isDuplicateKey(error, 'variants_by_live_sku')) throw error;
    refuse('SKU_TAKEN', 'Another variant has this article number.', {
      field: ['input', 'variants', String(index), 'sku'],
    });
  }
}

async function stockUp(tx: Transaction, added: readonly { id: string; draft: VariantDraft }[]): Promise<void> {
  if (added.length === 0) return;
  await tx.insert(stockLevels).values(added.map(({ id, draft }) => ({ variantId: id, onHand: draft.initialStock })));
  const received = added.filter(({ draft }) => draft.initialStock > 0);
  if (received.length === 0) return;
  await tx.insert(stockMovements).values(
    received.map(({ id, draft }) => ({
      id: newId('StockMovement'),
      variantId: id,
      kind: 'RECEIVED' as const,
      quantity: draft.initialStock,
      reason: 'Initial stock',
    })),
  );
}
