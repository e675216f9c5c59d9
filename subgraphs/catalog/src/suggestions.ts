import type { Cache } from '@souk/platform/cache';
import type { Database } from '@souk/platform/database';
import { badUserInput } from '@souk/platform/errors';
import { and, desc, eq, like, type SQL, sql } from 'drizzle-orm';
import { readGeneration } from './search.ts';
import { fold, termQuery } from './search-terms.ts';
import { brands, categories, productSearch, products } from './tables.ts';

const MAX_LENGTH = 100;
const MAX_LIMIT = 20;
const CACHE_SECONDS = 60;

/**
 * Completes what is being typed: categories, brands and titles that begin so, then titles in which a word does, best-selling first.
 *
 * @throws BAD_USER_INPUT on a text that is empty or too long, or a limit outside 1–20
 */
export async function suggest(db: Database, cache: Cache, query: string, limit: number): Promise<string[]> {
  const typed = query.trim();
  if (typed === '' || [...query].length > MAX_LENGTH) {
    throw badUserInput(`Expected a query of 1 to ${MAX_LENGTH} characters, got ${[...typed].length}.`);
  }
  if (limit < 1 || limit > MAX_LIMIT) throw badUserInput(`Expected a limit from 1 to ${MAX_LIMIT}, got ${limit}.`);
  const key = `suggestions:${await readGeneration(db)}:${fold(typed)}`;
  const found = await cache.getOrSet(key, { ttlSeconds: CACHE_SECONDS }, () => findSuggestions(db, typed));
  return found.slice(0, limit);
}

async function findSuggestions(db: Database, typed: string): Promise<string[]> {
  const begins = `${typed.replace(/[\\%_]/g, '\\$&')}%`;
  const [inCategories, inBrands, titles, words] = await Promise.all([
    db.select({ text: categories.name }).from(categories).where(like(categories.name, begins)).limit(3),
    db.select({ text: brands.name }).from(brands).where(like(brands.name, begins)).limit(3),
    bestTitles(db, like(products.title, begins)),
    titlesWithWords(db, typed),
  ]);
  const byText = new Map<string, string>();
  for (const { text } of [...inCategories, ...inBrands, ...titles, ...words]) {
    if (!byText.has(fold(text))) byText.set(fold(text), text);
  }
  return [...byText.values()].slice(0, MAX_LIMIT);
}

function bestTitles(db: Database, condition: SQL): Promise<{ text: string }[]> {
  return db
    .select({ text: products.title })
    .from(products)
    .where(and(eq(products.isListed, true), condition))
    .orderBy(desc(products.soldCount), desc(products.id))
    .limit(MAX_LIMIT);
}

async function titlesWithWords(db: Database, typed: string): Promise<{ text: string }[]> {
  const terms = termQuery(typed);
  if (!terms) return [];
  return db
    .select({ text: products.title })
    .from(productSearch)
    .innerJoin(products, eq(products.id, productSearch.productId))
    .where(sql`MATCH(${productSearch.titleTerms}) AGAINST(${terms.required} IN BOOLEAN MODE)`)
    .orderBy(desc(products.soldCount), desc(products.id))
    .limit(MAX_LIMIT);
}
