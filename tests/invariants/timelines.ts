import { crc32 } from 'node:zlib';
import { type OrderActor, orderStatuses, transitions } from '../../subgraphs/order/src/order-status.ts';
import type { Source } from './source.ts';
import { hashOf, noneIs, tally } from './tally.ts';

/** Values as a list in SQL. */
const list = (values: readonly string[]) => `(${values.map((value) => `'${value}'`).join(', ')})`;

const timelines = (of: Source) => ({ of, from: 'order_events' });

/** Statuses that no order leaves. */
const ends = orderStatuses.filter((status) => Object.keys(transitions[status]).length === 0);
const isAfterTheEnd = `COALESCE(from_status IN ${list(ends)}, FALSE)`;

const actors: OrderActor[] = ['CUSTOMER', 'STAFF', 'SYSTEM', 'PAYMENT_PROVIDER'];

/** Everything that may happen to an order: it begins, somebody who may moves it along, or something else about it changes before its end. */
const allowed = [
  ...actors.map((actor) => `AWAITING_PAYMENT ${actor}`),
  ...orderStatuses.flatMap((from) =>
    Object.entries(transitions[from]).flatMap(([to, those]) => those.map((actor) => `${from} ${to} ${actor}`)),
  ),
  ...orderStatuses
    .filter((status) => !ends.includes(status))
    .flatMap((status) => actors.map((actor) => `${status} ${status} ${actor}`)),
];
const happening = "CONCAT_WS(' ', from_status, to_status, actor)";
const isForbidden = `NOT (${happening} IN ${list(allowed)} OR ${isAfterTheEnd})`;
const isCauseless = "actor = 'PAYMENT_PROVIDER' AND caused_by IS NULL";

/**
 * Whether all that ever happened to orders was as usual: allowed, before their end, and with a cause if payment had a part in it. One look for
 * all three, at numbers instead of words, because there are more events than anything else. No two of the words have the same number.
 */
export function areOrdinary(order: Source): Promise<boolean> {
  const ordinary = allowed.map((words) => crc32(words.endsWith('PAYMENT_PROVIDER') ? `${words} caused` : words));
  const words = "CONCAT_WS(' ', from_status, to_status, actor, IF(caused_by IS NULL, NULL, 'caused'))";
  // Signed, because the server looks through a list of unsigned numbers one by one.
  return noneIs(timelines(order), `CAST(CRC32(${words}) AS SIGNED) NOT IN (${ordinary.join(', ')})`);
}

/**
 * Whether each order stands where its events lead. Each event adds a hash of where it leads and takes away the hash of where it begins; in a timeline
 * without a fault all of them cancel out but the last, which is where the order stands.
 */
export async function leadToTheirOrders(order: Source): Promise<boolean> {
  const begins = `COALESCE(${place('order_id', 'from_status', 'version - 1')}, 0)`;
  const [led, stands] = await Promise.all([
    tally({ ...timelines(order), sum: `(${place('order_id', 'to_status', 'version')} * 1e0 - ${begins})` }),
    tally({ of: order, from: 'orders', sum: place('id', 'status', 'version') }),
  ]);
  return led === stands;
}

/** An order in a status at a version. */
const place = (id: string, status: string, version: string) => hashOf(`CONCAT(${id}, ${status}, ${version})`);

const event = 'order_id AS orderId, version, from_status AS fromStatus, to_status AS toStatus, actor';

export const broken = `
  SELECT ${event}, CASE WHEN version <> nth THEN 'a gap before it' WHEN NOT (from_status <=> previous) THEN 'begins elsewhere' ELSE 'not allowed' END AS what
  FROM (
    SELECT e.*, LAG(to_status) OVER (PARTITION BY order_id ORDER BY version) AS previous, ROW_NUMBER() OVER (PARTITION BY order_id ORDER BY version) AS nth
    FROM order_events e
  ) told
  WHERE version <> nth OR NOT (from_status <=> previous) OR ${isForbidden}
  UNION ALL
  SELECT o.id, o.version, NULL, o.status, NULL, 'the order stands elsewhere' FROM orders o
  LEFT JOIN (SELECT order_id, MAX(version) AS version FROM order_events GROUP BY order_id) last ON last.order_id = o.id
  LEFT JOIN order_events e ON e.order_id = last.order_id AND e.version = last.version
  WHERE e.id IS NULL OR e.version <> o.version OR e.to_status <> o.status`;

export const afterTheEnd = `SELECT ${event} FROM order_events WHERE ${isAfterTheEnd}`;

export const causeless = `SELECT ${event} FROM order_events WHERE ${isCauseless}`;
