import type { Database, Reader } from '@souk/platform/database';
import { typeOfId } from '@souk/platform/id';
import { inArray } from 'drizzle-orm';
import { type Choices, countFacets, describeFacets, type Facet, type FacetCounts } from './facets.ts';
import { matches } from './search-filters.ts';
import type { TermQuery } from './search-terms.ts';
import { brands, categories, categoryPaths, productSearch } from './tables.ts';

/** Counts in every facet at once, over all products with the words typed: what was chosen is taken into account while counting. */
export async function findFacets(
  db: Database,
  terms: TermQuery | undefined | null,
  choices: Choices,
): Promise<Facet[]> {
  if (terms === null) return [];
  const results = await db
    .select({ facets: productSearch.facets, isAvailable: productSearch.isAvailable })
    .from(productSearch)
    .where(terms ? matches(terms) : undefined);
  const counts = await countFacets(results, await withSubcategories(db, choices));
  await countInAncestors(db, counts);
  const idsOf = (facet: string) => [...(counts.get(facet)?.keys() ?? [])];
  return describeFacets(counts, await namesOf(db, { categoryIds: idsOf('category'), brandIds: idsOf('brand') }));
}

/** A product says which category it stands in; who chose one further up means that too. */
async function withSubcategories(db: Database, choices: Choices): Promise<Choices> {
  const chosen = choices.get('category');
  return chosen ? new Map([...choices, ['category', await descendants(db, [...chosen])]]) : choices;
}

async function countInAncestors(db: Database, counts: FacetCounts): Promise<void> {
  const direct = counts.get('category');
  if (!direct) return;
  const above = await lineages(db, [...direct.keys()]);
  const whole = new Map<string, number>();
  for (const [id, number] of direct) {
    for (const ancestor of above.get(id) ?? []) whole.set(ancestor, (whole.get(ancestor) ?? 0) + number);
  }
  counts.set('category', whole);
}

/** For each category, those above it and itself. */
async function lineages(reader: Reader, categoryIds: readonly string[]): Promise<Map<string, string[]>> {
  if (categoryIds.length === 0) return new Map();
  const paths = await reader
    .select({ id: categoryPaths.descendantId, ancestorId: categoryPaths.ancestorId })
    .from(categoryPaths)
    .where(inArray(categoryPaths.descendantId, [...categoryIds]));
  return new Map(
    [...Map.groupBy(paths, ({ id }) => id)].map(([id, above]) => [id, above.map(({ ancestorId }) => ancestorId)]),
  );
}

/** Those that are one of these categories or below it. */
async function descendants(reader: Reader, categoryIds: readonly string[]): Promise<Set<string>> {
  const ids = categoryIds.filter((id) => typeOfId(id) === 'Category');
  if (ids.length === 0) return new Set();
  const paths = await reader
    .select({ id: categoryPaths.descendantId })
    .from(categoryPaths)
    .where(inArray(categoryPaths.ancestorId, ids));
  return new Set(paths.map(({ id }) => id));
}

/** Names of categories and brands by id. */
async function namesOf(
  reader: Reader,
  { categoryIds, brandIds }: { categoryIds: readonly string[]; brandIds: readonly string[] },
): Promise<Map<string, string>> {
  const [categoryRows, brandRows] = await Promise.all([
    categoryIds.length === 0
      ? []
      : reader
          .select()
          .from(categories)
          .where(inArray(categories.id, [...categoryIds])),
    brandIds.length === 0
      ? []
      : reader
          .select()
          .from(brands)
          .where(inArray(brands.id, [...brandIds])),
  ]);
  return new Map([...categoryRows, ...brandRows].map(({ id, name }) => [id, name]));
}
