import { rowsOf, type Source } from './source.ts';

/** Orders that are paid for and not called off, as a list in SQL. */
export const paidStatuses = "('CONFIRMED', 'PROCESSING', 'SHIPPED', 'DELIVERED')";
/** Orders that ended without being delivered. */
export const calledOffStatuses = "('CANCELED', 'EXPIRED')";

/** Which of these orders were paid longer ago than this, by the clock of their database; by id in hex. */
export function ordersPaidBefore(order: Source, seconds: number, ids: readonly Buffer[]): Promise<Set<string>> {
  return turnedBefore(order, paidStatuses, seconds, ids);
}

/** Which of these orders were called off longer ago than this. */
export function ordersEndedBefore(order: Source, seconds: number, ids: readonly Buffer[]): Promise<Set<string>> {
  return turnedBefore(order, calledOffStatuses, seconds, ids);
}

/** The order has one of these statuses now, and did not come to it within the last `seconds`. */
async function turnedBefore(
  order: Source,
  statuses: string,
  seconds: number,
  ids: readonly Buffer[],
): Promise<Set<string>> {
  const rows = await rowsOf<{ id: Buffer }>(
    order,
    `SELECT o.id FROM orders o WHERE o.status IN ${statuses} AND o.id IN (?) AND NOT EXISTS (
       SELECT 1 FROM order_events e WHERE e.order_id = o.id AND e.created_at >= CURRENT_TIMESTAMP(3) - INTERVAL ${seconds} SECOND
         AND e.to_status IN ${statuses} AND COALESCE(e.from_status, '') NOT IN ${statuses})`,
    ids,
  );
  return new Set(rows.map(({ id }) => id.toString('hex')));
}
