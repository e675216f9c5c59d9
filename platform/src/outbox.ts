import { context, propagation } from '@opentelemetry/api';
import { and, asc, eq, inArray, lt, notExists, or, sql } from 'drizzle-orm';
import { alias, bigint, index, json, mysqlTable, uniqueIndex, varchar } from 'drizzle-orm/mysql-core';
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
    index('outbox_by_state').on(table.state, table.sequence),
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
/** A queued event whose listener has not reported back after this long is looked up, and queued again when the queue forgot it. */
const OVERDUE_SECONDS = 10;

/**
 * Takes the next events to hand to the queue and marks them QUEUED. Several relays may claim at once: each row goes to one of them.
 * An event waits until every earlier one of its aggregate has been delivered to the same listener.
 */
export function claim(db: Database): Promise<OutboxRow[]> {
  const earlier = alias(outbox, 'earlier');
  const blocked = db
    .select({ one: sql`1` })
    .from(earlier)
    .where(
      and(
        eq(earlier.subscriber, outbox.subscriber),
        eq(earlier.aggregateId, outbox.aggregateId),
        lt(earlier.sequence, outbox.sequence),
        inArray(earlier.state, ['PENDING', 'QUEUED', 'PARKED']),
      ),
    );
  const overdue = and(eq(outbox.state, 'QUEUED'), lt(outbox.queuedAt, nowPlus(-OVERDUE_SECONDS)));

  return transaction(db, async (tx) => {
    const rows = await tx
      .select()
      .from(outbox)
      .where(and(or(eq(outbox.state, 'PENDING'), overdue), notExists(blocked)))
      .orderBy(asc(outbox.sequence))
      .limit(BATCH)
      .for('update', { skipLocked: true });
    if (rows.length > 0) {
      const sequences = rows.map((row) => row.sequence);
      await tx.update(outbox).set({ state: 'QUEUED', queuedAt: now }).where(inArray(outbox.sequence, sequences));
    }
    return rows;
  });
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

/** Puts an event aside that its listener cannot handle, with the reason, where an operator sees it. */
export async function park(db: Database, eventId: string, subscriber: ServiceName, reason: string): Promise<void> {
  await db
    .update(outbox)
    .set({ state: 'PARKED', lastError: reason.slice(0, 500) })
    .where(must(and(eq(outbox.eventId, eventId), eq(outbox.subscriber, subscriber), eq(outbox.state, 'QUEUED'))));
}

/** Forgets what was delivered more than `days` ago, a slice at a time. */
export async function pruneOutbox(db: Database, days = 7): Promise<number> {
  const result = await db
    .delete(outbox)
    .where(must(and(eq(outbox.state, 'DELIVERED'), lt(outbox.deliveredAt, nowPlus(-days * 86_400)))))
    .limit(1_000);
  return affectedRows(result);
}
