import { producersFor } from '@souk/platform/events';
import { type SubgraphName, subgraphNames } from '@souk/schema/subgraphs';
import { disagreeing } from './agreement.ts';
import { type Breaking, breakingRows, type Invariant, none, type ShopRows, together } from './invariant.ts';
import { ago, readable, rowsOf } from './source.ts';
import * as timelines from './timelines.ts';
import { duplicates } from './unique.ts';

/** In an outbox stands what happened, once for each listener; in an inbox, what took effect. */
export const events: Invariant[] = [
  {
    id: 'E1',
    kind: 'D',
    withinSeconds: 30,
    says: 'What happened reaches each listener within 30 s.',
    breaking: inEachOutbox(
      (from) => `
      SELECT '${from}' AS 'from', subscriber, type, event_id AS eventId, state, occurred_at AS occurredAt FROM outbox
      WHERE state IN ('PENDING', 'QUEUED') AND occurred_at < ${ago(30)}`,
    ),
  },
  {
    id: 'E2',
    kind: 'Q',
    says: 'What happened has taken effect with each listener.',
    breaking: async (shop) =>
      together(...(await Promise.all(listeners.map((listener) => withoutEffect(shop, listener))))),
  },
  {
    id: 'E3',
    kind: 'S',
    says: 'Nothing has taken effect that did not happen.',
    breaking: async (shop) =>
      together(...(await Promise.all(listeners.map((listener) => withoutCause(shop, listener))))),
  },
  {
    id: 'E4',
    kind: 'S',
    says: 'What happened to one thing reaches a listener in the order in which it happened.',
    breaking: inEachOutbox(
      (from) => `
      SELECT '${from}' AS 'from', late.subscriber, late.aggregate_id AS aggregateId, late.event_id AS eventId, 'was overtaken' AS what
      FROM outbox late JOIN outbox early ON early.subscriber = late.subscriber AND early.aggregate_id = late.aggregate_id AND early.sequence > late.sequence
      WHERE late.state IN ('PENDING', 'QUEUED', 'PARKED') AND early.state IN ('QUEUED', 'DELIVERED')
      UNION ALL
      SELECT '${from}', subscriber, aggregate_id, event_id, 'was delivered before its predecessor' FROM (
        SELECT subscriber, aggregate_id, event_id, delivered_at, LAG(delivered_at) OVER (PARTITION BY subscriber, aggregate_id ORDER BY sequence) AS predecessorAt
        FROM outbox WHERE state = 'DELIVERED' AND sequence + ${RECENT} > (SELECT MAX(sequence) FROM outbox)
      ) recent WHERE delivered_at < predecessorAt`,
    ),
  },
  {
    id: 'E5',
    kind: 'S',
    says: 'An effect on an order carries the event that caused it, and no event has two.',
    breaking: async ({ order }) =>
      together(
        ...(await Promise.all([
          duplicates(order, 'order_events', ['caused_by']),
          duplicates(order, 'inbox', ['event_id']),
          timelines
            .areOrdinary(order)
            .then((areOrdinary) => (areOrdinary ? none : order.breaking(timelines.causeless))),
          order.breaking(`
            SELECT e.order_id AS orderId, e.version, e.caused_by AS eventId, 'caused by what never arrived' AS what
            FROM order_events e LEFT JOIN inbox i ON i.event_id = e.caused_by WHERE e.caused_by >= ${fewDaysOld} AND i.event_id IS NULL`),
        ])),
      ),
  },
  {
    id: 'E6',
    kind: 'Q',
    says: 'No event is parked.',
    breaking: inEachOutbox(
      (from) => `
      SELECT '${from}' AS 'from', subscriber, type, event_id AS eventId, aggregate_id AS aggregateId, last_error AS lastError FROM outbox WHERE state = 'PARKED'`,
    ),
  },
];

/** How many of the last events are looked at one against the other. */
const RECENT = 10_000;

function inEachOutbox(select: (from: SubgraphName) => string): Invariant['breaking'] {
  return async (shop) =>
    together(...(await Promise.all(subgraphNames.map((name) => shop[name].breaking(select(name))))));
}

const listeners = subgraphNames.filter((name) => producersFor(name).length > 0);

/** An outbox forgets what was delivered a week ago. An id begins with the instant it was made, so what is younger than six days is a range. */
const fewDaysOld = `UNHEX(CONCAT(LPAD(HEX(FLOOR((UNIX_TIMESTAMP(CURRENT_TIMESTAMP(3)) - 6 * 86400) * 1000)), 12, '0'), '00000000000000000000'))`;

/** Events of which either the listener or whoever stated them does not know at this moment. */
function unmatched(shop: ShopRows, listener: SubgraphName): Promise<Buffer[]> {
  return shop.once(`unmatched events for ${listener}`, () =>
    disagreeing(
      [{ of: shop[listener], from: `inbox WHERE event_id >= ${fewDaysOld}`, by: 'event_id', fact: "''" }],
      producersFor(listener).map((producer) => ({
        of: shop[producer as SubgraphName],
        from: `outbox WHERE event_id >= ${fewDaysOld}`,
        by: 'event_id',
        fact: "''",
        where: `subscriber = '${listener}'`,
      })),
    ),
  );
}

interface Stated {
  from: SubgraphName;
  eventId: Buffer;
  type: string;
}

async function statedBy(shop: ShopRows, listener: SubgraphName, ids: readonly Buffer[]): Promise<Stated[]> {
  const found = await Promise.all(
    producersFor(listener).map(async (producer) => {
      const from = producer as SubgraphName;
      const rows = await rowsOf<Omit<Stated, 'from'>>(
        shop[from],
        `SELECT event_id AS eventId, type FROM outbox WHERE subscriber = '${listener}' AND event_id IN (?)`,
        ids,
      );
      return rows.map((row) => ({ ...row, from }));
    }),
  );
  return found.flat();
}

const receivedAmong = 'SELECT event_id AS eventId, type FROM inbox WHERE event_id IN (?)';

async function withoutEffect(shop: ShopRows, listener: SubgraphName): Promise<Breaking> {
  const stated = await statedBy(shop, listener, await unmatched(shop, listener));
  const effects = await rowsOf<Stated>(
    shop[listener],
    receivedAmong,
    stated.map(({ eventId }) => eventId),
  );
  const known = new Set(effects.map(({ eventId }) => eventId.toString('hex')));
  return breakingRows(
    stated
      .filter(({ eventId }) => !known.has(eventId.toString('hex')))
      .map((row) => readable({ ...row, to: listener })),
  );
}

async function withoutCause(shop: ShopRows, listener: SubgraphName): Promise<Breaking> {
  const suspects = await unmatched(shop, listener);
  if (suspects.length === 0) return none;
  const effects = await rowsOf<Stated>(shop[listener], receivedAmong, suspects);
  const stated = await statedBy(
    shop,
    listener,
    effects.map(({ eventId }) => eventId),
  );
  const known = new Set(stated.map(({ eventId }) => eventId.toString('hex')));
  return breakingRows(
    effects
      .filter(({ eventId }) => !known.has(eventId.toString('hex')))
      .map((row) => readable({ ...row, to: listener })),
  );
}
