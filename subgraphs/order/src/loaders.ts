import { loaderByKey, loaderOfMany, loaderOfPages } from '@souk/platform/batch';
import type { PageArguments } from '@souk/platform/connection';
import type { Reader } from '@souk/platform/database';
import { asc, eq, getTableColumns, inArray } from 'drizzle-orm';
import { eventsOfOrders, type OrderFilter, ordersOfUsers } from './order-list.ts';
import { type OrderRow, orderLines, orders } from './tables.ts';

export type Loaders = ReturnType<typeof createLoaders>;

/** A line with what it takes from its order. */
export type LineOfOrder = typeof orderLines.$inferSelect & Pick<OrderRow, 'userId' | 'currencyCode'>;

/** Every read by key. Made for one request; what they load is not yet checked for who may see it. */
export function createLoaders(db: Reader) {
  const orderById = loaderByKey({
    load: (ids) =>
      db
        .select()
        .from(orders)
        .where(inArray(orders.id, [...ids])),
    key: (order) => order.id,
  });
  const orderByNumber = loaderByKey({
    load: (numbers) =>
      db
        .select()
        .from(orders)
        .where(inArray(orders.number, [...numbers])),
    key: (order) => order.number,
  });
  const lines = () =>
    db
      .select({ ...getTableColumns(orderLines), userId: orders.userId, currencyCode: orders.currencyCode })
      .from(orderLines)
      .innerJoin(orders, eq(orders.id, orderLines.orderId));

  return {
    orderById,
    orderByNumber,
    orderByKey: (key: { id: string } | { number: string }) =>
      'id' in key ? orderById.load(key.id) : orderByNumber.load(key.number),
    lineById: loaderByKey<LineOfOrder>({
      load: (ids) => lines().where(inArray(orderLines.id, [...ids])),
      key: (line) => line.id,
    }),
    linesByOrder: loaderOfMany<LineOfOrder>({
      load: (orderIds) =>
        lines()
          .where(inArray(orderLines.orderId, [...orderIds]))
          .orderBy(asc(orderLines.orderId), asc(orderLines.position)),
      key: (line) => line.orderId,
    }),
    eventPageByOrder: loaderOfPages({
      load: (orderIds, args: PageArguments) => eventsOfOrders(db, orderIds, args),
    }),
    orderPageByUser: loaderOfPages({
      load: (userIds, args: PageArguments & OrderFilter) => ordersOfUsers(db, userIds, args),
    }),
  };
}
