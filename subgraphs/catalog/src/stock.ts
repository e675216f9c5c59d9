import { invalidate } from '@souk/platform/cache-invalidation';
import { affectedRows, type Database, must, type Transaction, transaction } from '@souk/platform/database';
import { refuse } from '@souk/platform/errors';
import { newId, parseId } from '@souk/platform/id';
import { onceOnly } from '@souk/platform/idempotency';
import { wakeRelay } from '@souk/platform/jobs';
import { requiredText } from '@souk/platform/typed-text';
import { and, eq, gte, inArray, isNull, lte, sql } from 'drizzle-orm';
import { refreshAvailability } from './product-summary.ts';
import { products, productVariants, stockLevels, stockMovements, type VariantRow } from './tables.ts';
import { MAX_STOCK } from './variant-draft.ts';
import {
  announce,
  availabilityOf,
  LOW_STOCK,
  MAX_SHOWN_QUANTITY,
  readVariantFacts,
  type VariantFacts,
} from './variant-facts.ts';

export interface StockCorrection {
  variantId: string;
  delta: number;
  reason: string;
  idempotencyKey: string;
}

/**
 * Corrects how many of a variant are on hand, once for each idempotency key of a member of staff.
 *
 * @throws {Refused} NOT_FOUND, INVALID, NEGATIVE_STOCK when less would remain than is reserved, IDEMPOTENCY_KEY_REUSED
 */
export async function adjustStock(
  db: Database,
  userId: string,
  input: StockCorrection,
): Promise<{ variant: VariantRow }> {
  const variantId = parseId('ProductVariant', input.variantId);
  const { delta } = input;
  const reason = requiredText(input.reason, { field: ['input', 'reason'], maximumLength: 500 });
  if (delta === 0 || Math.abs(delta) > MAX_STOCK) {
    refuse('INVALID', `Expected a correction other than zero, of at most ${MAX_STOCK} pieces, got ${delta}.`, {
      field: ['input', 'delta'],
    });
  }
  await onceOnly({
    db,
    owner: userId,
    operation: 'stockAdjust',
    key: input.idempotencyKey,
    body: { variantId, delta, reason },
    run: ({ settle }) =>
      transaction(db, async (tx) => {
        await correct(tx, { variantId, delta, reason });
        await settle(tx, { variantId });
        return { variantId };
      }),
  });
  wakeRelay(db);
  const [variant] = await db.select().from(productVariants).where(eq(productVariants.id, variantId));
  return { variant: variant as VariantRow };
}

async function correct(tx: Transaction, { variantId, delta, reason }: Omit<StockCorrection, 'idempotencyKey'>) {
  const changed = await tx
    .update(stockLevels)
    .set({ onHand: sql`${stockLevels.onHand} + ${delta}` })
    .where(
      must(
        and(
          eq(stockLevels.variantId, variantId),
          gte(sql`${stockLevels.onHand} + ${delta}`, stockLevels.reserved),
          lte(sql`${stockLevels.onHand} + ${delta}`, MAX_STOCK),
        ),
      ),
    );
  if (affectedRows(changed) === 0 || !(await isLive(tx, variantId))) await refuseCorrection(tx, variantId, delta);
  await tx
    .insert(stockMovements)
    .values({ id: newId('StockMovement'), variantId, kind: 'ADJUSTED', quantity: delta, reason });
  await stockChanged(tx, new Map([[variantId, delta]]));
}

async function refuseCorrection(tx: Transaction, variantId: string, delta: number): Promise<never> {
  const [level] = await tx.select().from(stockLevels).where(eq(stockLevels.variantId, variantId));
  if (!level || !(await isLive(tx, variantId))) {
    return refuse('NOT_FOUND', 'There is no such variant.', { field: ['input', 'variantId'] });
  }
  const field = ['input', 'delta'];
  if (delta > 0) return refuse('INVALID', `There cannot be more than ${MAX_STOCK} pieces on hand.`, { field });
  return refuse('NEGATIVE_STOCK', `${level.onHand} are on hand, of which ${level.reserved} are reserved.`, { field });
}

async function isLive(tx: Transaction, variantId: string): Promise<boolean> {
  const rows = await tx
    .select({ id: productVariants.id })
    .from(productVariants)
    .innerJoin(products, eq(products.id, productVariants.productId))
    .where(and(eq(productVariants.id, variantId), isNull(productVariants.deletedAt), isNull(products.deletedAt)));
  return rows.length === 1;
}

/**
 * What follows from every change of what is available, in its transaction: products become available or sold out, and listeners are told when a variant
 * crosses from one availability to another or has few left. The sale of one of many is no news.
 *
 * @param deltas by how much each variant's available stock has changed
 * @param known  the variants' facts after the change, where the caller has read them
 */
export async function stockChanged(
  tx: Transaction,
  deltas: ReadonlyMap<string, number>,
  known?: ReadonlyMap<string, VariantFacts>,
): Promise<void> {
  const facts = known ?? (await readVariantFacts(tx, { variantIds: [...deltas.keys()] }));
  const changes = [...facts.values()].map((now) => ({
    now,
    before: now.available - (deltas.get(now.variantId) ?? 0),
  }));
  const newsworthy = changes.filter(
    ({ now, before }) => now.available <= LOW_STOCK || availabilityOf(now.available) !== availabilityOf(before),
  );
  await announce(
    tx,
    newsworthy.map(({ now }) => now),
  );
  const shown = (available: number) => Math.min(available, MAX_SHOWN_QUANTITY);
  const visible = changes.filter(({ now, before }) => shown(now.available) !== shown(before));
  invalidate(
    tx,
    'stock',
    visible.map(({ now }) => now.variantId),
  );
  const turned = changes.filter(({ now, before }) => now.available > 0 !== before > 0);
  if (turned.length > 0) await refreshAvailability(tx, [...new Set(turned.map(({ now }) => now.productId))].sort());
}

/** Counts pieces as sold (or, below zero, as returned) on the products of these variants. */
export async function countSales(tx: Transaction, quantities: ReadonlyMap<string, number>): Promise<void> {
  const variants = await tx
    .select({ id: productVariants.id, productId: productVariants.productId })
    .from(productVariants)
    .where(inArray(productVariants.id, [...quantities.keys()]));
  const sold = new Map<string, number>();
  for (const { id, productId } of variants) {
    sold.set(productId, (sold.get(productId) ?? 0) + (quantities.get(id) ?? 0));
  }
  for (const [productId, quantity] of [...sold].sort(([a], [b]) => (a < b ? -1 : 1))) {
    await tx
      .update(products)
      .set({ soldCount: sql`GREATEST(0, ${products.soldCount} + ${quantity})` })
      .where(eq(products.id, productId));
  }
}

/** What can still be promised, as a condition inside a write. */
export const availableNow = sql`${stockLevels.onHand} - ${stockLevels.reserved}`;

/** Notes for each line of an order what it did to the stock. One order does each thing to a variant once: the index sees to it. */
export async function recordMovements(
  tx: Transaction,
  kind: 'RESERVED' | 'RELEASED' | 'COMMITTED' | 'RETURNED',
  lines: readonly { orderId: string; variantId: string; quantity: number }[],
): Promise<void> {
  if (lines.length === 0) return;
  const rows = lines.map(({ orderId, variantId, quantity }) => ({ orderId, variantId, quantity, kind }));
  await tx.insert(stockMovements).values(rows.map((row) => ({ ...row, id: newId('StockMovement') })));
}
