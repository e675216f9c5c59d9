import { createHash } from 'node:crypto';
import type { Cache } from '@souk/platform/cache';
import type { Connection, Count } from '@souk/platform/connection';
import { pageOf } from '@souk/platform/connection';
import { decodeCursor, encodeCursor, invalidCursor, listFingerprint } from '@souk/platform/cursor';
import type { Database } from '@souk/platform/database';
import { badUserInput } from '@souk/platform/errors';
import { assemble, given, MAX_COUNT, readSize } from '@souk/platform/keyset';
import { and, count, desc, eq, getTableColumns, inArray, type SQL, sql } from 'drizzle-orm';
import { correctSpelling } from './did-you-mean.ts';
import { type Choices, choicesKey, type Facet, readChoices } from './facets.ts';
import { type ProductSortKey, productOrder } from './product-order.ts';
import { findFacets } from './search-facets.ts';
import { chosenProducts, matches, relevance } from './search-filters.ts';
import { type TermQuery, termQuery } from './search-terms.ts';
import { type ProductRow, productSearch, products, searchGeneration } from './tables.ts';

export interface SearchArguments {
  query: string;
  first?: number | null | undefined;
  after?: string | null | undefined;
  filters?: readonly { facetId: string; valueIds: readonly string[] }[] | null | undefined;
  sortKey?: ProductSortKey | null | undefined;
}

/** A page of results, and what is worked out only when the client asks for it. */
export interface SearchResult extends Connection<ProductRow> {
  facets: () => Promise<Facet[]>;
  didYouMean: () => Promise<string | null>;
}

const MAX_QUERY_LENGTH = 200;
const CACHE_SECONDS = 60;
/** Relevance changes with every product that comes or goes, so its pages go by position, and only this far: who has looked through 1,000 results searches anew. */
const MAX_RANK = 1_000;

/**
 * Finds products on sale by words. Only what is on sale is in the index, so everybody finds the same and results are shared by all.
 *
 * What is cached are ids and counts, under the search generation: it grows with whatever can change a result, in the same transaction, so a new product is
 * found by the next search, and no invalidation can come late or get lost. Sales do not count; the order by them may lag by a minute.
 *
 * @throws BAD_USER_INPUT on a query, filter or cursor that cannot be
 */
export async function searchProducts(db: Database, cache: Cache, args: SearchArguments): Promise<SearchResult> {
  const search = readSearch(args);
  const generation = await readGeneration(db);
  const remember = <Value>(what: string, part: unknown, load: () => Promise<Value>): Promise<Value> =>
    cache.getOrSet(`${what}:${generation}:${digest(part)}`, { ttlSeconds: CACHE_SECONDS }, load);
  const { typed, choices, sortKey } = search;
  const base = [typed, choicesKey(choices)];

  const page = await remember('page', [base, sortKey, args.first ?? null, args.after ?? null], () =>
    findPage(db, search, args),
  );
  const rows = await readProducts(
    db,
    page.ids.map(({ id }) => id),
  );
  const edges = page.ids.flatMap(({ id, cursor }) => {
    const node = rows.get(id);
    return node ? [{ cursor, node }] : [];
  });
  const isEmpty = page.ids.length === 0 && !given(args.after);
  return {
    edges,
    nodes: edges.map(({ node }) => node),
    pageInfo: page.pageInfo,
    totalCount: () => remember('count', base, () => countResults(db, search)),
    facets: () => remember('facets', base, () => findFacets(db, search.terms, search.choices)),
    didYouMean: async () =>
      isEmpty && typed !== '' ? remember('spelling', typed, () => correctSpelling(db, typed)) : null,
  };
}

interface Search {
  /** What was typed, trimmed. */
  typed: string;
  /** Undefined when everything is asked for; null when there is nothing to look for in what was typed, so nothing is found. */
  terms: TermQuery | undefined | null;
  choices: Choices;
  sortKey: ProductSortKey;
}

function readSearch({ query, filters, sortKey }: SearchArguments): Search {
  if ([...query].length > MAX_QUERY_LENGTH) {
    throw badUserInput(`Expected a query of at most ${MAX_QUERY_LENGTH} characters, got ${[...query].length}.`);
  }
  const typed = query.trim();
  return {
    typed,
    terms: typed === '' ? undefined : (termQuery(typed) ?? null),
    choices: readChoices(filters ?? []),
    sortKey: sortKey ?? 'RELEVANCE',
  };
}

/** The number that stands for everything a search depends on. */
export async function readGeneration(db: Database): Promise<number> {
  const [row] = await db.select().from(searchGeneration);
  return row?.generation ?? 0;
}

function digest(part: unknown): string {
  return createHash('sha256').update(JSON.stringify(part)).digest('base64url').slice(0, 22);
}

interface FoundPage {
  ids: { id: string; cursor: string }[];
  pageInfo: Connection<unknown>['pageInfo'];
}

async function findPage(db: Database, search: Search, args: SearchArguments): Promise<FoundPage> {
  const { terms, sortKey } = search;
  const connection =
    sortKey === 'RELEVANCE' && terms ? await rankedPage(db, search, terms, args) : await sortedPage(db, search, args);
  return {
    ids: connection.edges.map(({ cursor, node: { id } }) => ({ id, cursor })),
    pageInfo: connection.pageInfo,
  };
}

async function rankedPage(
  db: Database,
  search: Search,
  terms: TermQuery,
  { first, after }: SearchArguments,
): Promise<Connection<{ id: string }>> {
  const { size } = readSize({ first });
  const fingerprint = fingerprintOf(search);
  const skipped = given(after) ? readRank(fingerprint, after) : 0;
  const limit = Math.min(size + 1, MAX_RANK - skipped);
  const score = relevance(terms);
  const found =
    limit <= 0
      ? []
      : await db
          .select({ id: products.id, score: score.as('score') })
          .from(productSearch)
          .innerJoin(products, eq(products.id, productSearch.productId))
          .where(resultsOf(db, search))
          .orderBy(desc(sql`score`), desc(products.soldCount), desc(products.id))
          .limit(limit)
          .offset(skipped);
  const shown = found.slice(0, size).map(({ id }, index) => ({ id, rank: skipped + index + 1 }));
  const ends = { hasNextPage: found.length > size, hasPreviousPage: skipped > 0 };
  return assemble(
    shown,
    ({ rank }) => encodeCursor(fingerprint, [rank]),
    ends,
    async () => 0,
  );
}

function readRank(fingerprint: string, cursor: string): number {
  const [rank, ...rest] = decodeCursor(fingerprint, cursor);
  if (typeof rank !== 'number' || !Number.isInteger(rank) || rank < 1 || rank > MAX_RANK || rest.length > 0) {
    throw invalidCursor();
  }
  return rank;
}

function fingerprintOf({ typed, choices }: Search): string {
  return listFingerprint('productSearch', ['relevance'], [typed, choicesKey(choices)]);
}

function sortedPage(db: Database, search: Search, { first, after }: SearchArguments): Promise<Connection<ProductRow>> {
  const { typed, choices, sortKey } = search;
  return pageOf<ProductRow>({
    args: { first, after },
    name: 'productSearch',
    filter: [typed, choicesKey(choices)],
    order: productOrder(sortKey),
    rows: ({ where, orderBy, limit }) =>
      db
        .select(getTableColumns(products))
        .from(productSearch)
        .innerJoin(products, eq(products.id, productSearch.productId))
        .where(and(resultsOf(db, search), where))
        .orderBy(...orderBy)
        .limit(limit),
    count: async () => 0,
  });
}

function resultsOf(db: Database, { terms, choices }: Search): SQL | undefined {
  if (terms === null) return sql`FALSE`;
  return and(eq(products.isListed, true), terms ? matches(terms) : undefined, chosenProducts(db, choices));
}

async function readProducts(db: Database, ids: readonly string[]): Promise<Map<string, ProductRow>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .select()
    .from(products)
    .where(and(inArray(products.id, [...ids]), eq(products.isListed, true)));
  return new Map(rows.map((row) => [row.id, row]));
}

async function countResults(db: Database, search: Search): Promise<Count> {
  const matching = db
    .select({ one: sql`1`.as('one') })
    .from(productSearch)
    .innerJoin(products, eq(products.id, productSearch.productId))
    .where(resultsOf(db, search))
    .limit(MAX_COUNT)
    .as('matching');
  const [row] = await db.select({ count: count() }).from(matching);
  const counted = row?.count ?? 0;
  return { count: counted, precision: counted < MAX_COUNT ? 'EXACT' : 'AT_LEAST' };
}
