import type { Transaction } from '@souk/platform/database';
import { desc, eq, inArray, sql } from 'drizzle-orm';
import { facetLines, facetValuesOf } from './facets.ts';
import { indexTerms, wordsOf } from './search-terms.ts';
import {
  brands,
  categories,
  categoryPaths,
  type ProductRow,
  productDescriptions,
  productSearch,
  type SelectedOption,
  searchWords,
} from './tables.ts';

/** The choices in use among the variants of a product. */
export type OptionsOf = (productId: string) => SelectedOption[];

/** Puts products on sale into the index, and takes the others out. Their rows are locked by the caller. */
export async function writeSearchTexts(
  tx: Transaction,
  rows: readonly ProductRow[],
  optionsOf: OptionsOf,
): Promise<void> {
  const [listed, unlisted] = [rows.filter((row) => row.isListed), rows.filter((row) => !row.isListed)];
  if (unlisted.length > 0) {
    await tx.delete(productSearch).where(
      inArray(
        productSearch.productId,
        unlisted.map(({ id }) => id),
      ),
    );
  }
  if (listed.length === 0) return;
  const surroundings = await readSurroundings(tx, listed);
  const documents = listed.map((row) => {
    const options = optionsOf(row.id);
    const optionWords = new Set(options.flatMap(({ value }) => value));
    return {
      productId: row.id,
      titleTerms: indexTerms(row.title),
      bodyTerms: indexTerms([...surroundings(row), ...row.tags, ...optionWords].join('\n')),
      facets: facetLines({ ...row, values: facetValuesOf(row.tags, options) }),
      isAvailable: row.isAvailable,
    };
  });
  await tx
    .insert(productSearch)
    .values(documents)
    .onDuplicateKeyUpdate({
      set: {
        titleTerms: sql`VALUES(title_terms)`,
        bodyTerms: sql`VALUES(body_terms)`,
        facets: sql`VALUES(facets)`,
        isAvailable: sql`VALUES(is_available)`,
      },
    });
  await learnWords(tx, listed);
}

/** What is said about a product elsewhere: its description, its brand, and the categories it stands in. */
async function readSurroundings(tx: Transaction, rows: readonly ProductRow[]): Promise<(row: ProductRow) => string[]> {
  const idsOf = (key: 'categoryId' | 'brandId') => [...new Set(rows.flatMap((row) => row[key] ?? []))];
  const descriptions = await tx
    .select()
    .from(productDescriptions)
    .where(
      inArray(
        productDescriptions.productId,
        rows.map(({ id }) => id),
      ),
    );
  const brandIds = idsOf('brandId');
  const brandRows = brandIds.length === 0 ? [] : await tx.select().from(brands).where(inArray(brands.id, brandIds));
  const categoryIds = idsOf('categoryId');
  const ancestors =
    categoryIds.length === 0
      ? []
      : await tx
          .select({ id: categoryPaths.descendantId, name: categories.name })
          .from(categoryPaths)
          .innerJoin(categories, eq(categories.id, categoryPaths.ancestorId))
          .where(inArray(categoryPaths.descendantId, categoryIds))
          .orderBy(desc(categoryPaths.distance));
  const descriptionOf = new Map(descriptions.map(({ productId, description }) => [productId, description]));
  const brandOf = new Map(brandRows.map(({ id, name }) => [id, name]));
  const namesOf = Map.groupBy(ancestors, ({ id }) => id);
  return ({ id, brandId, categoryId }) => [
    brandOf.get(brandId ?? '') ?? '',
    ...(namesOf.get(categoryId ?? '') ?? []).map(({ name }) => name),
    descriptionOf.get(id) ?? '',
  ];
}

/** A word that is mistyped has at least this many letters, or anything would be near it. */
export const MIN_WORD_LENGTH = 3;
export const MAX_WORD_LENGTH = 30;

async function learnWords(tx: Transaction, rows: readonly ProductRow[]): Promise<void> {
  const words = [...new Set(rows.flatMap(({ title }) => wordsOf(title)))]
    .filter((word) => word.length >= MIN_WORD_LENGTH && word.length <= MAX_WORD_LENGTH)
    .sort();
  if (words.length === 0) return;
  const known = await tx.select({ word: searchWords.word }).from(searchWords).where(inArray(searchWords.word, words));
  const isKnown = new Set(known.map(({ word }) => word));
  const news = words.filter((word) => !isKnown.has(word)).map((word) => ({ word, length: word.length }));
  if (news.length > 0) await tx.insert(searchWords).ignore().values(news);
}
