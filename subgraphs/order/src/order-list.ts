import {
  type Connection,
  countUpTo,
  type Order,
  type OrderBy,
  type PageArguments,
  pageOf,
  pageOfMany,
} from '@souk/platform/connection';
import type { Reader } from '@souk/platform/database';
import { badUserInput } from '@souk/platform/errors';
import { parseId } from '@souk/platform/id';
import { and, eq, gte, inArray, like, lt, or, type SQL } from 'drizzle-orm';
import { type OrderStatus, orderStatuses } from './order-status.ts';
import { type OrderEventRow, type OrderRow, orderEvents, orders } from './tables.ts';

/** Which orders to list; what is absent does not restrict. */
export interface OrderFilter {
  /** Beginning of the number or of the e-mail address. */
  query?: string | null | undefined;
  status?: readonly OrderStatus[] | null | undefined;
  userId?: string | null | undefined;
  placedAfter?: Date | null | undefined;
  placedBefore?: Date | null | undefined;
}

export type OrderSortKey = 'CREATED_AT' | 'TOTAL' | 'NUMBER';

/** A page of all orders, for staff. */
export function listOrders(
  db: Reader,
  args: PageArguments & {
    filter?: OrderFilter | null | undefined;
    sortKey?: OrderSortKey | null | undefined;
    reverse?: boolean | null | undefined;
  },
): Promise<Connection<OrderRow>> {
  const filter = args.filter ?? {};
  const conditions = and(...conditionsOf(filter));
  return pageOf<OrderRow>({
    args,
    name: 'orders',
    filter,
    order: sortOrders[args.sortKey ?? 'CREATED_AT'](args.reverse === false ? 'asc' : 'desc'),
    rows: ({ where, orderBy, limit }) =>
      db
        .select()
        .from(orders)
        .where(and(conditions, where))
        .orderBy(...orderBy)
        .limit(limit),
    count: (limit) => countUpTo(db, orders, conditions, limit),
  });
}

/** A page of orders for each of many users, newest first, in one statement. */
export function ordersOfUsers(
  db: Reader,
  userIds: readonly string[],
  args: PageArguments & OrderFilter,
): Promise<Map<string, Connection<OrderRow>>> {
  const { status, placedAfter, placedBefore } = args;
  const filter = { status, placedAfter, placedBefore };
  return pageOfMany({
    db,
    table: orders,
    parent: orders.userId,
    parents: userIds,
    where: and(...conditionsOf(filter)),
    args,
    name: 'ordersOfUser',
    filter,
    order: sortOrders.CREATED_AT('desc'),
  });
}

/** A page of the timeline of each of many orders, oldest first, in one statement. */
export function eventsOfOrders(
  db: Reader,
  orderIds: readonly string[],
  args: PageArguments,
): Promise<Map<string, Connection<OrderEventRow>>> {
  return pageOfMany({
    db,
    table: orderEvents,
    parent: orderEvents.orderId,
    parents: orderIds,
    args,
    name: 'eventsOfOrder',
    order: [{ column: orderEvents.version, direction: 'asc', value: (event) => event.version }],
  });
}

type Direction = OrderBy<OrderRow>['direction'];

const byId = (direction: Direction): OrderBy<OrderRow> => ({
  column: orders.id,
  direction,
  value: (order) => order.id,
});

const sortOrders: Record<OrderSortKey, (direction: Direction) => Order<OrderRow>> = {
  CREATED_AT: (direction) => [
    { column: orders.placedAt, direction, value: (order) => order.placedAt },
    byId(direction),
  ],
  TOTAL: (direction) => [{ column: orders.totalMinor, direction, value: (order) => order.totalMinor }, byId(direction)],
  NUMBER: (direction) => [{ column: orders.number, direction, value: (order) => order.number }],
};

const MAX_QUERY_LENGTH = 254;

function conditionsOf({ query, status, userId, placedAfter, placedBefore }: OrderFilter): (SQL | undefined)[] {
  if (status && new Set(status).size !== status.length) {
    throw badUserInput(`Expected each of ${orderStatuses.length} statuses at most once, got ${status.length}.`);
  }
  return [
    query ? beginsWith(query.trim()) : undefined,
    status ? inArray(orders.status, [...status]) : undefined,
    userId ? eq(orders.userId, parseId('User', userId)) : undefined,
    placedAfter ? gte(orders.placedAt, placedAfter) : undefined,
    placedBefore ? lt(orders.placedAt, placedBefore) : undefined,
  ];
}

function beginsWith(query: string): SQL | undefined {
  if (query.length > MAX_QUERY_LENGTH) {
    throw badUserInput(`Expected a query of at most ${MAX_QUERY_LENGTH} characters, got ${query.length}.`);
  }
  const pattern = `${query.replace(/[\\%_]/g, '\\$&')}%`;
  return or(like(orders.number, pattern.toUpperCase()), like(orders.email, pattern));
}
