import { invalidate } from '@souk/platform/cache-invalidation';
import { type Database, isDuplicateKey, type Reader, type Transaction, transaction } from '@souk/platform/database';
import { refuse } from '@souk/platform/errors';
import { newId, parseId } from '@souk/platform/id';
import { requiredText } from '@souk/platform/typed-text';
import { and, asc, count, eq, isNotNull, isNull } from 'drizzle-orm';
import { markStale, nextGeneration, summariseStale } from './product-summary.ts';
import { checkSlug } from './slug.ts';
import { type BrandRow, brands, products } from './tables.ts';

const MAX_BRANDS = 500;

export interface BrandInput {
  id?: string | null | undefined;
  slug: string;
  name: string;
  logoUrl?: string | null | undefined;
}

/** Makes a brand or changes one. @throws {Refused} INVALID, REQUIRED, NOT_FOUND, SLUG_TAKEN, LIMIT_REACHED */
export async function upsertBrand(db: Database, input: BrandInput): Promise<{ brand: BrandRow }> {
  const values = {
    slug: checkSlug(input.slug),
    name: requiredText(input.name, { field: ['input', 'name'], maximumLength: 100 }),
  };
  const id = input.id ? parseId('Brand', input.id) : newId('Brand');
  const brand = await transaction(db, async (tx) => {
    const current = input.id ? await lockBrand(tx, id, ['input', 'id']) : undefined;
    const logo = logoOf(input.logoUrl ?? null, current);
    try {
      if (current)
        await tx
          .update(brands)
          .set({ ...values, ...logo })
          .where(eq(brands.id, id));
      else await tx.insert(brands).values({ id, ...values, ...logo });
    } catch (error) {
      if (!isDuplicateKey(error, 'brands_by_slug')) throw error;
      refuse('SLUG_TAKEN', 'Another brand has this slug.', { field: ['input', 'slug'] });
    }
    if (!current) await checkNumber(tx);
    invalidate(tx, 'brand', [id]);
    if (current && current.name !== values.name) {
      await markStale(tx, { brandId: id });
      await nextGeneration(tx);
    }
    const [row] = await tx.select().from(brands).where(eq(brands.id, id));
    return row as BrandRow;
  });
  await summariseStale(db);
  return { brand };
}

/** Deletes a brand that no product has; deleted products forget it. @throws {Refused} NOT_FOUND, BRAND_IN_USE */
export async function deleteBrand(db: Database, brandId: string): Promise<{ deletedBrandId: string }> {
  const id = parseId('Brand', brandId);
  await transaction(db, async (tx) => {
    await lockBrand(tx, id, ['id']);
    const [product] = await tx
      .select({ id: products.id })
      .from(products)
      .where(and(eq(products.brandId, id), isNull(products.deletedAt)))
      .limit(1);
    if (product) refuse('BRAND_IN_USE', 'The brand has products. Give them another one first.', { field: ['id'] });
    await tx
      .update(products)
      .set({ brandId: null })
      .where(and(eq(products.brandId, id), isNotNull(products.deletedAt)));
    await tx.delete(brands).where(eq(brands.id, id));
    invalidate(tx, 'brand', [id]);
  });
  return { deletedBrandId: id };
}

/** Keeps a brand from being changed or deleted until the transaction ends. @throws {Refused} NOT_FOUND */
export async function lockBrand(tx: Transaction, id: string, field: string[]): Promise<BrandRow> {
  const [row] = await tx.select().from(brands).where(eq(brands.id, id)).for('update');
  return row ?? refuse('NOT_FOUND', 'There is no such brand.', { field });
}

/** All brands by name. */
export function listBrands(reader: Reader): Promise<BrandRow[]> {
  return reader.select().from(brands).orderBy(asc(brands.name), asc(brands.id)).limit(MAX_BRANDS);
}

/** A sign at a new address is a new picture. */
function logoOf(logoUrl: string | null, current: BrandRow | undefined): Pick<BrandRow, 'logoId' | 'logoUrl'> {
  if (logoUrl === null) return { logoId: null, logoUrl: null };
  const isKept = current?.logoUrl === logoUrl && current.logoId !== null;
  return { logoId: isKept ? current.logoId : newId('Media'), logoUrl };
}

async function checkNumber(tx: Transaction): Promise<void> {
  const [row] = await tx.select({ count: count() }).from(brands);
  if ((row?.count ?? 0) > MAX_BRANDS) refuse('LIMIT_REACHED', `There are ${MAX_BRANDS} brands already.`);
}
