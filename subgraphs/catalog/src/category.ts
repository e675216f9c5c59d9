import { invalidate } from '@souk/platform/cache-invalidation';
import { type Database, isDuplicateKey, type Reader, type Transaction, transaction } from '@souk/platform/database';
import { refuse } from '@souk/platform/errors';
import { newId, parseId } from '@souk/platform/id';
import { requiredText } from '@souk/platform/typed-text';
import { and, asc, eq, inArray, isNotNull, isNull, notInArray } from 'drizzle-orm';
import { markStale, nextGeneration, summariseStale } from './product-summary.ts';
import { checkSlug } from './slug.ts';
import { type CategoryRow, categories, categoryPaths, products } from './tables.ts';

const MAX_CHILDREN = 100;
const MAX_LEVELS = 6;

export interface CategoryInput {
  id?: string | null | undefined;
  slug: string;
  name: string;
  parentId?: string | null | undefined;
}

/**
 * Makes a category or changes one; without `parentId` it stands at the top. What is below moves with it.
 *
 * @throws {Refused} INVALID, REQUIRED, NOT_FOUND, SLUG_TAKEN, CATEGORY_CYCLE, LIMIT_REACHED
 */
export async function upsertCategory(db: Database, input: CategoryInput): Promise<{ category: CategoryRow }> {
  const values = {
    slug: checkSlug(input.slug),
    name: requiredText(input.name, { field: ['input', 'name'], maximumLength: 100 }),
    parentId: input.parentId ? parseId('Category', input.parentId) : null,
  };
  const id = input.id ? parseId('Category', input.id) : newId('Category');
  const category = await transaction(db, async (tx) => {
    const tree = await lockTree(tx);
    const current = tree.get(id);
    if (input.id && !current) refuse('NOT_FOUND', 'There is no such category.', { field: ['input', 'id'] });
    checkPlace(tree, id, values.parentId, current);

    await writeUnlessSlugTaken(() =>
      current
        ? tx.update(categories).set(values).where(eq(categories.id, id))
        : tx.insert(categories).values({ id, ...values }),
    );
    if (!current) await tx.insert(categoryPaths).values({ ancestorId: id, descendantId: id, distance: 0 });
    const moved = (current?.parentId ?? null) !== values.parentId;
    const below = await descendantsOf(tx, id);
    if (moved) await moveBelow(tx, below, values.parentId);
    invalidate(tx, 'category', [id]);
    if (current && (moved || current.name !== values.name)) {
      await markStale(tx, { categoryIds: below.map(({ id: each }) => each) });
      await nextGeneration(tx);
    }
    const [row] = await tx.select().from(categories).where(eq(categories.id, id));
    return row as CategoryRow;
  });
  await summariseStale(db);
  return { category };
}

/** Deletes an empty category; deleted products forget that they were in it. @throws {Refused} NOT_FOUND, CATEGORY_NOT_EMPTY */
export async function deleteCategory(db: Database, categoryId: string): Promise<{ deletedCategoryId: string }> {
  const id = parseId('Category', categoryId);
  await transaction(db, async (tx) => {
    const tree = await lockTree(tx);
    if (!tree.has(id)) refuse('NOT_FOUND', 'There is no such category.', { field: ['id'] });
    const [product] = await tx
      .select({ id: products.id })
      .from(products)
      .where(and(eq(products.categoryId, id), isNull(products.deletedAt)))
      .limit(1);
    if (product || [...tree.values()].some(({ parentId }) => parentId === id)) {
      refuse('CATEGORY_NOT_EMPTY', 'The category has subcategories or products. Move them first.', { field: ['id'] });
    }
    await tx
      .update(products)
      .set({ categoryId: null })
      .where(and(eq(products.categoryId, id), isNotNull(products.deletedAt)));
    await tx.delete(categoryPaths).where(eq(categoryPaths.descendantId, id));
    await tx.delete(categories).where(eq(categories.id, id));
    invalidate(tx, 'category', [id]);
  });
  return { deletedCategoryId: id };
}

/** The top of the tree, by name. */
export function listRoots(reader: Reader): Promise<CategoryRow[]> {
  return reader
    .select()
    .from(categories)
    .where(isNull(categories.parentId))
    .orderBy(asc(categories.name), asc(categories.id))
    .limit(MAX_CHILDREN);
}

/** Keeps a category from being deleted until the transaction ends. @throws {Refused} NOT_FOUND */
export async function lockCategory(tx: Transaction, id: string, field: string[]): Promise<void> {
  const [row] = await tx.select({ id: categories.id }).from(categories).where(eq(categories.id, id)).for('update');
  if (!row) refuse('NOT_FOUND', 'There is no such category.', { field });
}

type Tree = ReadonlyMap<string, CategoryRow>;

/** The whole tree, locked: it is small, changes rarely, and two moves at once could close a circle that neither closes alone. */
async function lockTree(tx: Transaction): Promise<Tree> {
  const rows = await tx.select().from(categories).orderBy(asc(categories.id)).for('update');
  return new Map(rows.map((row) => [row.id, row]));
}

function checkPlace(tree: Tree, id: string, parentId: string | null, current: CategoryRow | undefined): void {
  const field = ['input', 'parentId'];
  if (parentId !== null && !tree.has(parentId)) refuse('NOT_FOUND', 'There is no such category.', { field });
  const above = lineage(tree, parentId);
  if (above.includes(id)) refuse('CATEGORY_CYCLE', 'A category cannot stand below itself.', { field });
  if (above.length + heightOf(tree, id) > MAX_LEVELS) {
    refuse('LIMIT_REACHED', `The tree would have more than ${MAX_LEVELS} levels.`, { field });
  }
  const siblings = [...tree.values()].filter((each) => each.parentId === parentId && each.id !== current?.id);
  if (siblings.length >= MAX_CHILDREN) {
    refuse('LIMIT_REACHED', `There are ${MAX_CHILDREN} categories here already.`, { field });
  }
}

/** From a category up to the top. */
function lineage(tree: Tree, id: string | null): string[] {
  const ids: string[] = [];
  for (let each = id; each !== null && ids.length <= tree.size; each = tree.get(each)?.parentId ?? null) ids.push(each);
  return ids;
}

/** How many levels a category and everything below it take; one for a category without children, new ones included. */
function heightOf(tree: Tree, id: string): number {
  const children = [...tree.values()].filter(({ parentId }) => parentId === id);
  return 1 + Math.max(0, ...children.map((child) => heightOf(tree, child.id)));
}

async function writeUnlessSlugTaken(write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!isDuplicateKey(error, 'categories_by_slug')) throw error;
    refuse('SLUG_TAKEN', 'Another category has this slug.', { field: ['input', 'slug'] });
  }
}

function descendantsOf(tx: Transaction, id: string): Promise<{ id: string; distance: number }[]> {
  return tx
    .select({ id: categoryPaths.descendantId, distance: categoryPaths.distance })
    .from(categoryPaths)
    .where(eq(categoryPaths.ancestorId, id));
}

/** Cuts the paths that lead into a subtree from outside, and draws those from its new ancestors. */
async function moveBelow(
  tx: Transaction,
  subtree: readonly { id: string; distance: number }[],
  parentId: string | null,
): Promise<void> {
  const ids = subtree.map(({ id }) => id);
  await tx
    .delete(categoryPaths)
    .where(and(inArray(categoryPaths.descendantId, ids), notInArray(categoryPaths.ancestorId, ids)));
  if (parentId === null) return;
  const ancestors = await tx
    .select({ id: categoryPaths.ancestorId, distance: categoryPaths.distance })
    .from(categoryPaths)
    .where(eq(categoryPaths.descendantId, parentId));
  const paths = ancestors.flatMap((ancestor) =>
    subtree.map((below) => ({
      ancestorId: ancestor.id,
      descendantId: below.id,
      distance: ancestor.distance + 1 + below.distance,
    })),
  );
  await tx.insert(categoryPaths).values(paths);
}
