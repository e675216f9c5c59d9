import { context, propagation } from '@opentelemetry/api';
import { and, asc, eq, gt, inArray, lt, type SQL, sql } from 'drizzle-orm';
import { bigint, index, json, mysqlTable, unionAll, uniqueIndex, varchar } from 'drizzle-orm/mysql-core';
import { affectedRows, type Database, instant, must, now, nowPlus, type Transaction, transaction } from './database.ts';
import { type EventPayloads, type EventType, eventRoutes } from './events.ts';
import { idColumn, newId } from './id.ts';
import type { ServiceName } from './identity.ts';

/**
 * The transactional outbox: one row per event and listener, written with the fact itself.
 *
 * PENDING → QUEUED (handed to the queue) → DELIVERED (the listener committed its effect), or PARKED when the listener keeps failing.
 * A parked row holds back only the later facts of its own aggregate.
 */
export const outbox = mysqlTable(
  'outbox',
  {
    sequence: bigint('sequence', { mode: 'number', unsigned: true }).autoincrement().primaryKey(),
    eventId: idColumn('Event', 'event_id').notNull(),
    subscriber: varchar('subscriber', { length: 16 }).notNull(),
    type: varchar('type', { length: 64 }).notNull(),
    aggregateId: varchar('aggregate_id', { length: 64 }).notNull(),
    payload: json('payload').notNull(),
    /** Trace context of the request that stated the fact, so that one trace shows what it led to. */
    trace: json('trace').$type<Record<string, string>>().notNull(),
    state: varchar('state', { length: 16 }).$type<'PENDING' | 'QUEUED' | 'DELIVERED' | 'PARKED'>().notNull(),
    lastError: varchar('last_error', { length: 500 }),
    occurredAt: instant('occurred_at').notNull().default(now),
    queuedAt: instant('queued_at'),
    deliveredAt: instant('delivered_at'),
  },
  (table) => [
    uniqueIndex('outbox_event').on(table.eventId, table.subscriber),
    index('outbox_by_state').on(table.state, table.subscriber, table.sequence),
    index('outbox_by_aggregate').on(table.subscriber, table.aggregateId, table.sequence),
  ],
);

export type OutboxRow = typeof outbox.$inferSelect;

/** States a fact in the transaction that makes it true. Nothing is sent before that commits; nothing is lost after. */
export async function append<Type extends EventType>(
  tx: Transaction,
  fact: { type: Type; aggregateId: string; payload: EventPayloads[Type] },
): Promise<void> {
  await appendAll(tx, [fact]);
}

/** The same for many facts at once, in one statement. */
export async function appendAll<Type extends EventType>(
  tx: Transaction,
  facts: readonly { type: Type; aggregateId: string; payload: EventPayloads[Type] }[],
): Promise<void> {
  if (facts.length === 0) return;
  const trace: Record<string, string> = {};
  propagation.inject(context.active(), trace);
  const rows = facts.flatMap(({ type, aggregateId, payload }) => {
    const eventId = newId('Event');
    return eventRoutes[type].to.map((subscriber) => {
      return { eventId, subscriber, type, aggregateId, payload, trace, state: 'PENDING' as const };
    });
  });
  await tx.insert(outbox).values(rows);
}

const BATCH = 100;
/** How many events may be under way to a listener. More would only wait in another place, and be looked after there again and again. */
const MAX_UNDER_WAY = 500;
/** A queued event whose listener has not reported back after this long is looked up, and queued again when the queue forgot it. */
const OVERDUE_SECONDS = 10;

/** Left alone, the server walks the primary key over everything that was delivered as soon as much is waiting. */
const byState = { forceIndex: 'outbox_by_state' };

/**
 * Takes the next events to hand to a listener's queue, and those that are overdue, and marks them QUEUED. Several relays may claim at once: each row goes to
 * one of them. An event waits until every earlier one of its aggregate has been delivered to the same listener, and while too many others are under way.
 */
export async function claim(db: Database, subscriber: ServiceName): Promise<OutboxRow[]> {
  const next = await nextInLine(db, subscriber);
  const fresh = and(inArray(outbox.sequence, next), eq(outbox.state, 'PENDING'));
  const overdue = and(isFor(subscriber, 'QUEUED'), lt(outbox.queuedAt, nowPlus(-OVERDUE_SECONDS)));

  return transaction(db, async (tx) => {
    const take = (which: SQL, index = {}) =>
      tx
        .select()
        .from(outbox, index)
        .where(which)
        .orderBy(asc(outbox.sequence))
        .limit(BATCH)
        .for('update', { skipLocked: true });
    const rows = [...(next.length > 0 ? await take(must(fresh)) : []), ...(await take(must(overdue), byState))];
    if (rows.length > 0) {
      const sequences = rows.map((row) => row.sequence);
      await tx.update(outbox).set({ state: 'QUEUED', queuedAt: now }).where(inArray(outbox.sequence, sequences));
    }
    return rows;
  });
}

const isFor = (subscriber: ServiceName, ...states: OutboxRow['state'][]) =>
  must(and(inArray(outbox.state, states), eq(outbox.subscriber, subscriber)));

/** How many waiting events are looked at together. */
const WINDOW = 1_000;

/**
 * The first waiting event of each aggregate of which nothing is under way or parked, as far as there is room.
 *
 * Both kinds are read by one statement, so that they are of one moment: between two, an event could be neither waiting nor under way, and the next one overtake it.
 * What is found stays right, since an event that was delivered stays so. The comparison is made here, because as a subquery it takes one look at
 * the past of an aggregate for each event that waits, and a busy aggregate has a long past.
 */
async function nextInLine(db: Database, subscriber: ServiceName): Promise<number[]> {
  const { sequence, aggregateId, state } = outbox;
  const columns = { sequence, aggregateId, state };
  const held = new Set<string>();
  const found: number[] = [];

  for (let after = 0; ; ) {
    const rows = await unionAll(
      db
        .select(columns)
        .from(outbox, byState)
        .where(isFor(subscriber, 'QUEUED', 'PARKED')),
      db
        .select(columns)
        .from(outbox, byState)
        .where(and(isFor(subscriber, 'PENDING'), gt(sequence, after)))
        .orderBy(asc(sequence))
        .limit(WINDOW),
    );
    for (const row of rows) if (row.state !== 'PENDING') held.add(row.aggregateId);
    const room = Math.min(BATCH, MAX_UNDER_WAY - rows.filter((row) => row.state === 'QUEUED').length);
    if (room <= 0) return [];
    const waiting = rows.filter((row) => row.state === 'PENDING').sort((left, right) => left.sequence - right.sequence);
    for (const row of waiting) {
      if (!held.has(row.aggregateId)) found.push(row.sequence);
      held.add(row.aggregateId);
    }
    after = waiting.at(-1)?.sequence ?? after;
    if (waiting.length < WINDOW || found.length >= room) return found.slice(0, room);
  }
}

/** Takes a claim back, for events that the queue did not accept. */
export async function unclaim(db: Database, rows: readonly OutboxRow[]): Promise<void> {
  const sequences = rows.map((row) => row.sequence);
  if (sequences.length === 0) return;
  await db
    .update(outbox)
    .set({ state: 'PENDING', queuedAt: null })
    .where(must(and(inArray(outbox.sequence, sequences), eq(outbox.state, 'QUEUED'))));
}

/** Notes that `subscriber` committed the effect of an event. Returns whether this was news. */
export async function markDelivered(db: Database, eventId: string, subscriber: ServiceName): Promise<boolean> {
  const result = await db
    .update(outbox)
    .set({ state: 'DELIVERED', deliveredAt: now, lastError: null })
    .where(
      must(
        and(
          eq(outbox.eventId, eventId),
          eq(outbox.subscriber, subscriber),
          inArray(outbox.state, ['PENDING', 'QUEUED', 'PARKED']),
        ),
      ),
    );
  return affectedRows(result) === 1;
}

/** Notes that claimed events have reached a listener that keeps no book of its own. */
export async function markAllDelivered(db: Database, rows: readonly OutboxRow[]): Promise<void> {
  const sequences = rows.map((row) => row.sequence);
  await db
    .update(outbox)
    .set({ state: 'DELIVERED', deliveredAt: now, lastError: null })
    .where(must(and(inArray(outbox.sequence, sequences), eq(outbox.state, 'QUEUED'))));
}

/** Puts an event aside that its listener cannot handle, with the reason, where an operator sees it. */
export async function park(db: Database, eventId: string, subscriber: ServiceName, reason: string): Promise<void> {
  await db
    .update(outbox)
    .set({ state: 'PARKED', lastError: reason.slice(0, 500) })
    .where(must(and(eq(outbox.eventId, eventId), eq(outbox.subscriber, subscriber), eq(outbox.state, 'QUEUED'))));
}

/** Which parked events: all of them, or those with this id, or of this listener. */
export interface WhichParked {
  eventId?: string | undefined;
  subscriber?: string | undefined;
}

const parked = ({ eventId, subscriber }: WhichParked) =>
  must(
    and(
      eq(outbox.state, 'PARKED'),
      eventId === undefined ? undefined : eq(outbox.eventId, eventId),
      subscriber === undefined ? undefined : eq(outbox.subscriber, subscriber),
    ),
  );

/** Parked events with the reason of each, oldest first. */
export function parkedEvents(db: Database, which: WhichParked = {}): Promise<OutboxRow[]> {
  return db.select().from(outbox, byState).where(parked(which)).orderBy(asc(outbox.sequence));
}

/**
 * Lets parked events be sent again, each in its old place before the later ones of its aggregate; one that took effect in the meantime does nothing.
 * The reason it was parked for stays with it until it is delivered. Needs no Redis: the relay finds them at its next look.
 *
 * @returns what will be sent again
 */
export async function redrive(db: Database, which: WhichParked = {}): Promise<OutboxRow[]> {
  return transaction(db, async (tx) => {
    const rows = await tx
      .select()
      .from(outbox, byState)
      .where(parked(which))
      .orderBy(asc(outbox.sequence))
      .for('update');
    const sequences = rows.map((row) => row.sequence);
    if (rows.length > 0)
      await tx.update(outbox).set({ state: 'PENDING', queuedAt: null }).where(inArray(outbox.sequence, sequences));
    return rows;
  });
}

/** How many events a listener has not been reached by, in one state, and how long ago the oldest of them happened. */
export interface Backlog {
  subscriber: string;
  state: 'PENDING' | 'QUEUED' | 'PARKED';
  count: number;
  oldestSeconds: number;
}

/** What is not delivered yet, for each listener and state of which there is any. Counts by the index alone, so it takes as long as there is much of it. */
export async function backlogs(db: Database): Promise<Backlog[]> {
  const { sequence, subscriber, state, occurredAt } = outbox;
  const grouped = db
    .select({ count: sql<number>`COUNT(*)`.as('count'), first: sql<number>`MIN(${sequence})`.as('first') })
    .from(outbox, byState)
    .where(inArray(state, ['PENDING', 'QUEUED', 'PARKED']))
    .groupBy(state, subscriber)
    .as('grouped');
  const rows = await db
    .select({
      subscriber,
      state,
      count: grouped.count,
      oldestSeconds: sql<number>`TIMESTAMPDIFF(MICROSECOND, ${occurredAt}, ${now}) / 1000000`,
    })
    .from(grouped)
    .innerJoin(outbox, eq(sequence, grouped.first));
  return rows.map((row) => ({
    ...row,
    state: row.state as Backlog['state'],
    count: Number(row.count),
    oldestSeconds: Number(row.oldestSeconds),
  }));
}

/**
 * Forgets what was delivered to a listener more than `days` ago, a slice at a time. Only the oldest are looked at: their order is nearly that of their
 * delivery, and a look at all of them would take longer every day.
 */
export async function pruneOutbox(db: Database, subscriber: ServiceName, days = 7): Promise<number> {
  const oldest = await db
    .select({ sequence: outbox.sequence, isOld: sql<number>`${outbox.deliveredAt} < ${nowPlus(-days * 86_400)}` })
    .from(outbox, byState)
    .where(isFor(subscriber, 'DELIVERED'))
    .orderBy(asc(outbox.sequence))
    .limit(1_000);
  const old = oldest.filter(({ isOld }) => Number(isOld) === 1).map(({ sequence }) => sequence);
  if (old.length === 0) return 0;
  return affectedRows(await db.delete(outbox).where(must(inArray(outbox.sequence, old))));
}
