import { and, count, getTableColumns, inArray, lte, type SQL, sql } from 'drizzle-orm';
import type { AnyMySqlColumn, MySqlColumn, MySqlTable } from 'drizzle-orm/mysql-core';
import { type CursorValue, decodeCursor, encodeCursor, listFingerprint } from './cursor.ts';
import type { Reader } from './database.ts';
import { badUserInput } from './errors.ts';
import { assemble, given, MAX_COUNT, openWindow, pageEnds, readSize } from './keyset.ts';
import { once } from './once.ts';

/**
 * Pages of lists, after the Relay specification (https://relay.dev/graphql/connections.htm), by keyset: a cursor holds the sort values of its row,
 * and the next page is what lies beyond them. So a page costs the same at any depth, and rows that come or go meanwhile shift nothing.
 */
export interface Connection<Row> {
  edges: Edge<Row>[];
  nodes: Row[];
  pageInfo: PageInfo;
  /** Counted only when the client selects it; called at most once. */
  totalCount: () => Promise<Count>;
}
export interface Edge<Row> {
  cursor: string;
  node: Row;
}
export interface PageInfo {
  hasNextPage: boolean;
  hasPreviousPage: boolean;
  startCursor: string | null;
  endCursor: string | null;
}
export interface Count {
  count: number;
  precision: 'EXACT' | 'AT_LEAST';
}

/** The paging arguments of a field. */
export interface PageArguments {
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
}

/** One column of a sort order. The column must be NOT NULL; `value` reads it from a row as the driver gave it. */
export interface OrderBy<Row> {
  column: AnyMySqlColumn | SQL;
  direction: 'asc' | 'desc';
  value: (row: Row) => CursorValue;
}

/** The sort order of a list. The last column must be unique, usually the id; else rows that tie could be skipped. */
export type Order<Row> = readonly [OrderBy<Row>, ...OrderBy<Row>[]];

export interface Page<Row> {
  args: PageArguments;
  /** The list's own name, such as `orders`; a cursor of another list is refused. */
  name: string;
  /** Whatever else decides which rows are in the list; a cursor taken under another filter is refused. */
  filter?: unknown;
  order: Order<Row>;
}

/** The key of the row number beside a row's own columns. */
const POSITION = '$position';

/**
 * One page of a list in the database.
 *
 * `rows` selects with its own conditions and `where`, in `orderBy`, up to `limit`; `count` counts with its own conditions only, up to `limit`
 * (see `countUpTo`). The page fits an index on the filter's columns followed by the order's.
 *
 * @throws BAD_USER_INPUT on both `first` and `last`, a size outside 1–100, or a cursor of another list
 */
export async function pageOf<Row>({
  rows,
  count: countRows,
  ...page
}: Page<Row> & {
  rows: (query: { where: SQL | undefined; orderBy: SQL[]; limit: number }) => Promise<Row[]>;
  count: (limit: number) => Promise<number>;
}): Promise<Connection<Row>> {
  const window = openWindow(page);
  const found = await rows({ where: window.where, orderBy: window.orderBy, limit: window.size + 1 });
  return window.close(found, () => countRows(MAX_COUNT));
}

/**
 * One page of a table's rows: `pageOf` for the usual case.
 *
 * The keys of the page are selected first, from the index alone, and then their rows. Selecting whole rows at once, MariaDB may instead walk
 * the index from the start of the list up to the cursor, when its filter keeps most of the table: 45,000 rows read for a page of 5, once measured.
 *
 * @param page.where which rows are in the list; `filter` should describe it
 * @throws BAD_USER_INPUT as `pageOf`
 */
export function pageOfTable<Table extends MySqlTable>({
  db,
  table,
  where,
  ...page
}: Page<Table['$inferSelect']> & { db: Reader; table: Table; where?: SQL | undefined }): Promise<
  Connection<Table['$inferSelect']>
> {
  type Row = Table['$inferSelect'];
  const from: MySqlTable = table;
  const unique = page.order.at(-1)?.column ?? page.order[0].column;
  return pageOf<Row>({
    ...page,
    rows: async (query) => {
      const keys = db
        .select({ key: sql`${unique}`.as('page_key') })
        .from(from)
        .where(and(where, query.where))
        .orderBy(...query.orderBy)
        .limit(query.limit)
        .as('page_keys');
      const found = db.select(getTableColumns(from)).from(keys).innerJoin(from, sql`${unique} = ${keys.key}`);
      return (await found.orderBy(...query.orderBy)) as Row[];
    },
    count: (limit) => countUpTo(db, from, where, limit),
  });
}

/**
 * One page each for many parents, in one statement: the orders of 50 users, for example. The same arguments apply to every parent.
 *
 * @param page.parent  the column of `table` that refers to the parent
 * @param page.parents the parents' ids; without any, nothing is asked
 * @param page.where   further conditions on the rows; `filter` should describe them
 * @returns a connection for every parent, empty for one without rows
 * @throws BAD_USER_INPUT as `pageOf`
 */
export async function pageOfMany<Table extends MySqlTable>({
  db,
  table,
  parent,
  parents,
  where,
  ...page
}: Page<Table['$inferSelect']> & {
  db: Reader;
  table: Table;
  parent: AnyMySqlColumn;
  parents: readonly string[];
  where?: SQL | undefined;
}): Promise<Map<string, Connection<Table['$inferSelect']>>> {
  type Row = Table['$inferSelect'];
  const window = openWindow(page);
  if (parents.length === 0) return new Map();
  const columns: Record<string, MySqlColumn> = getTableColumns(table);
  const parentKey = Object.keys(columns).find((key) => columns[key] === parent);
  if (!parentKey) throw new TypeError(`Expected a column of the table, got ${parent.name}.`);
  const ofParents = and(inArray(parent, [...parents]), where);

  const inOrder = sql.join(window.orderBy, sql`, `);
  const position = sql<number>`ROW_NUMBER() OVER (PARTITION BY ${parent} ORDER BY ${inOrder})`.as('position_in_page');
  const ranked = db
    .select({ ...columns, [POSITION]: position })
    .from(table as MySqlTable)
    .where(and(ofParents, window.where))
    .as('ranked');
  const found: Record<string, unknown>[] = await db
    .select()
    .from(ranked)
    .where(lte(ranked[POSITION], window.size + 1))
    .orderBy(ranked[POSITION]);
  const rowsOf = Map.groupBy(found, (row) => String(row[parentKey]));
  for (const row of found) delete row[POSITION];

  const counts = once(async () => {
    const counted = await db
      .select({ parent, count: count() })
      .from(table as MySqlTable)
      .where(ofParents)
      .groupBy(parent);
    return new Map(counted.map((row) => [String(row.parent), row.count]));
  });
  return new Map(
    parents.map((id) => [id, window.close((rowsOf.get(id) ?? []) as Row[], async () => (await counts()).get(id) ?? 0)]),
  );
}

/**
 * A page of a list that is loaded whole because it is small by nature: the lines of a cart, the addresses of a user.
 *
 * @param list.key what is unique among the rows, usually the id; order is the array's
 * @throws BAD_USER_INPUT as `pageOf`, and when the cursor's row is gone
 */
export function connectionOf<Row>(
  rows: readonly Row[],
  args: PageArguments,
  list: { name: string; key: (row: Row) => string },
): Connection<Row> {
  const { size, backward } = readSize(args);
  const fingerprint = listFingerprint(list.name, [], null);
  const indexOf = (cursor: string): number => {
    const [key] = decodeCursor(fingerprint, cursor);
    const index = rows.findIndex((row) => list.key(row) === key);
    if (index === -1) throw badUserInput('The row of this cursor is gone from the list. Start again without a cursor.');
    return index;
  };
  const start = given(args.after) ? indexOf(args.after) + 1 : 0;
  const between = rows.slice(start, given(args.before) ? Math.max(indexOf(args.before), start) : rows.length);
  const shown = backward ? between.slice(-size) : between.slice(0, size);
  const more = between.length > size;
  const cursor = (row: Row) => encodeCursor(fingerprint, [list.key(row)]);
  return assemble(shown, cursor, pageEnds(args, backward, more), () => Promise.resolve(rows.length));
}

/** Counts the rows of a table that match, reading no more than `limit` of them. */
export async function countUpTo(db: Reader, table: MySqlTable, where: SQL | undefined, limit: number): Promise<number> {
  const matching = db
    .select({ one: sql`1`.as('one') })
    .from(table)
    .where(where)
    .limit(limit)
    .as('matching');
  const [row] = await db.select({ count: count() }).from(matching);
  return row?.count ?? 0;
}
