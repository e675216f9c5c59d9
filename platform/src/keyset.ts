import { and, asc, Column, desc, is, or, type SQL, sql } from 'drizzle-orm';
import type { Connection, Order, OrderBy, Page, PageArguments, PageInfo } from './connection.ts';
import { type CursorValue, decodeCursor, encodeCursor, invalidCursor, listFingerprint } from './cursor.ts';
import { badUserInput } from './errors.ts';
import { once } from './once.ts';

/** A page holds 20 rows unless the client says otherwise, and never more than 100. */
const DEFAULT_PAGE_SIZE = 20;
const MAX_PAGE_SIZE = 100;
/** Counting stops here: more rows are reported as AT_LEAST this many. */
export const MAX_COUNT = 10_001;

/** Turns the arguments into a query, and the rows it finds (one more than the page holds, to see whether there are more) into a connection. */
export function openWindow<Row>({ args, name, filter = null, order }: Page<Row>) {
  const { size, backward } = readSize(args);
  const fingerprint = listFingerprint(name, order.map(describeOrder), filter);
  const after = given(args.after) ? beyond(order, readCursor(fingerprint, args.after, order), false) : undefined;
  const before = given(args.before) ? beyond(order, readCursor(fingerprint, args.before, order), true) : undefined;
  return {
    size,
    where: and(after, before),
    orderBy: order.map(({ column, direction }) => ((direction === 'asc') !== backward ? asc(column) : desc(column))),
    close(found: readonly Row[], countRows: () => Promise<number>): Connection<Row> {
      const more = found.length > size;
      const shown = backward ? found.slice(0, size).reverse() : found.slice(0, size);
      const cursor = (row: Row) =>
        encodeCursor(
          fingerprint,
          order.map((by) => sortValue(by, row)),
        );
      const isWhole = !more && !given(args.after) && !given(args.before);
      return assemble(shown, cursor, pageEnds(args, backward, more), isWhole ? async () => shown.length : countRows);
    },
  };
}

export function given(cursor: string | null | undefined): cursor is string {
  return typeof cursor === 'string';
}

export function readSize({ first, last, after, before }: PageArguments): { size: number; backward: boolean } {
  if (typeof first === 'number' && typeof last === 'number') {
    throw badUserInput('Expected either first or last, got both.');
  }
  const size = first ?? last ?? DEFAULT_PAGE_SIZE;
  if (!Number.isInteger(size) || size < 1 || size > MAX_PAGE_SIZE) {
    throw badUserInput(
      `Expected ${typeof last === 'number' ? 'last' : 'first'} from 1 to ${MAX_PAGE_SIZE}, got ${size}.`,
    );
  }
  const onlyBefore = typeof first !== 'number' && given(before) && !given(after);
  return { size, backward: typeof last === 'number' || onlyBefore };
}

/**
 * Beyond the far end of the page there is more if one row more was found; beyond its near end there is the cursor's own row.
 * HasNextPage and HasPreviousPage of the specification.
 */
export function pageEnds({ after, before }: PageArguments, backward: boolean, more: boolean) {
  return backward
    ? { hasNextPage: given(before), hasPreviousPage: more }
    : { hasNextPage: more, hasPreviousPage: given(after) };
}

export function assemble<Row>(
  rows: readonly Row[],
  cursorOf: (row: Row) => string,
  ends: Pick<PageInfo, 'hasNextPage' | 'hasPreviousPage'>,
  countRows: () => Promise<number>,
): Connection<Row> {
  const edges = rows.map((node) => ({ cursor: cursorOf(node), node }));
  return {
    edges,
    nodes: [...rows],
    pageInfo: { ...ends, startCursor: edges[0]?.cursor ?? null, endCursor: edges.at(-1)?.cursor ?? null },
    totalCount: once(async () => {
      const counted = await countRows();
      return counted < MAX_COUNT ? { count: counted, precision: 'EXACT' } : { count: MAX_COUNT, precision: 'AT_LEAST' };
    }),
  };
}

/**
 * The rows beyond a row in sort order, or before it: `a >= x AND (a > x OR (a = x AND b > y))`. The first bound says nothing new,
 * but both servers turn it into the start of an index range even where they do not see through the rest.
 */
function beyond<Row>(
  order: readonly OrderBy<Row>[],
  values: readonly CursorValue[],
  backward: boolean,
): SQL | undefined {
  const [by, ...rest] = order;
  const [value, ...restValues] = values;
  if (!by) return undefined;
  const ascending = (by.direction === 'asc') !== backward;
  const compare = (operator: string) =>
    sql`${by.column} ${sql.raw(operator)} ${is(by.column, Column) ? sql.param(value, by.column) : sql.param(value)}`;
  const strictly = compare(ascending ? '>' : '<');
  if (rest.length === 0) return strictly;
  const bound = compare(ascending ? '>=' : '<=');
  return and(bound, or(strictly, and(compare('='), beyond(rest, restValues, backward))));
}

function readCursor<Row>(fingerprint: string, cursor: string, order: Order<Row>): CursorValue[] {
  const values = decodeCursor(fingerprint, cursor);
  if (values.length !== order.length) throw invalidCursor();
  for (const [index, { column }] of order.entries()) {
    // A value of another type would reach SQL and compare by the server's conversions: text equals 0, for example.
    const type = is(column, Column) ? column.dataType : 'any';
    if (type !== 'any' && !hasType(values[index], type)) throw invalidCursor();
  }
  return values;
}

function hasType(value: unknown, dataType: string): boolean {
  if (dataType === 'date') return value instanceof Date;
  return typeof value === (dataType === 'custom' ? 'string' : dataType);
}

function sortValue<Row>(by: OrderBy<Row>, row: Row): CursorValue {
  const value = by.value(row);
  if (value === null || value === undefined)
    throw new TypeError(`Expected a value to sort by for ${describeOrder(by)}, got none.`);
  return value;
}

function describeOrder<Row>({ column, direction }: OrderBy<Row>): string {
  return `${is(column, Column) ? column.name : 'expression'} ${direction}`;
}
