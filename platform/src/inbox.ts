import { eq, lt, sql } from 'drizzle-orm';
import { int, mysqlTable, varchar } from 'drizzle-orm/mysql-core';
import { affectedRows, type Database, instant, isDuplicateKey, must, now, transaction } from './database.ts';
import type { AnyEventHandlers, SoukEvent } from './events.ts';
import { firstIdAt, idColumn, madeAtMs } from './id.ts';

/** Which events took effect here. The row is written in the transaction of the effect, so an event delivered twice acts once. */
export const inbox = mysqlTable('inbox', {
  eventId: idColumn('Event', 'event_id').primaryKey(),
  type: varchar('type', { length: 64 }).notNull(),
  handledAt: instant('handled_at').notNull().default(now),
});

/** How often an event failed here. A count in Redis would begin anew with every loss of Redis, and a hopeless event be tried for ever. */
export const eventFailures = mysqlTable('event_failures', {
  eventId: idColumn('Event', 'event_id').primaryKey(),
  failures: int('failures').notNull().default(1),
  lastError: varchar('last_error', { length: 500 }).notNull(),
  lastAt: instant('last_at').notNull().default(now),
});

/**
 * Lets an event take effect: inbox row, effect and whatever facts follow from it commit together. A repeated event does nothing.
 *
 * @throws {TypeError} when this service has no handler for the event: a routing mistake that must not be acknowledged
 * @throws {RangeError} when the event is so old that the inbox may have forgotten it
 */
export async function receive(
  db: Database,
  handlers: AnyEventHandlers,
  event: SoukEvent,
): Promise<'handled' | 'repeated'> {
  const handler = handlers[event.type] as ((tx: unknown, event: SoukEvent) => Promise<void>) | undefined;
  if (!handler) throw new TypeError(`Expected a handler for ${event.type} in events.ts, found none.`);
  refuseForgotten(event.id);
  try {
    await transaction(db, async (tx) => {
      await tx.insert(inbox).values({ eventId: event.id, type: event.type });
      await handler(tx, event);
    });
    return 'handled';
  } catch (error) {
    if (isDuplicateKey(error, 'PRIMARY') && (await isHandled(db, event.id))) return 'repeated';
    throw error;
  }
}

async function isHandled(db: Database, eventId: string): Promise<boolean> {
  const rows = await db.select({ eventId: inbox.eventId }).from(inbox).where(eq(inbox.eventId, eventId));
  return rows.length === 1;
}

const DAY_MS = 86_400_000;
/** An event older than this is not let in. */
const REFUSED_AFTER_DAYS = 90;
/** One day more than that, which is far more than clocks of two machines differ and than a transaction takes. */
const FORGOTTEN_AFTER_DAYS = 91;

function refuseForgotten(eventId: string): void {
  if (madeAtMs('Event', eventId) > Date.now() - REFUSED_AFTER_DAYS * DAY_MS) return;
  throw new RangeError(
    `Expected an event of the last ${REFUSED_AFTER_DAYS} days, got an older one: whether it took effect here is not known any more.`,
  );
}

/**
 * Forgets events that can not come again, a slice at a time.
 *
 * No listener knows what its producers still keep: parked events wait for as long as nobody looks, and a database that was restored sends old ones anew.
 * So the age of an event decides, which its id tells, the same to everybody: what may be forgotten is not let in any more.
 */
export async function pruneInbox(db: Database): Promise<number> {
  const end = firstIdAt('Event', Date.now() - FORGOTTEN_AFTER_DAYS * DAY_MS);
  await db
    .delete(eventFailures)
    .where(must(lt(eventFailures.eventId, end)))
    .limit(1_000);
  return affectedRows(
    await db
      .delete(inbox)
      .where(must(lt(inbox.eventId, end)))
      .limit(1_000),
  );
}

/** Counts a failure of an event, in a transaction of its own because the one of the effect has been rolled back. Returns how many there are now. */
export async function countFailure(db: Database, eventId: string, reason: string): Promise<number> {
  const lastError = reason.slice(0, 500);
  return transaction(db, async (tx) => {
    await tx
      .insert(eventFailures)
      .values({ eventId, lastError })
      .onDuplicateKeyUpdate({ set: { failures: sql`${eventFailures.failures} + 1`, lastError, lastAt: now } });
    const [row] = await tx
      .select({ failures: eventFailures.failures })
      .from(eventFailures)
      .where(eq(eventFailures.eventId, eventId));
    return row?.failures ?? 1;
  });
}
