import { eq } from 'drizzle-orm';
import { mysqlTable, varchar } from 'drizzle-orm/mysql-core';
import { type Database, instant, isDuplicateKey, now, transaction } from './database.ts';
import type { AnyEventHandlers, SoukEvent } from './events.ts';
import { idColumn } from './id.ts';

/** Which events took effect here. The row is written in the transaction of the effect, so an event delivered twice acts once. */
export const inbox = mysqlTable('inbox', {
  eventId: idColumn('Event', 'event_id').primaryKey(),
  type: varchar('type', { length: 64 }).notNull(),
  handledAt: instant('handled_at').notNull().default(now),
});

/**
 * Lets an event take effect: inbox row, effect and whatever facts follow from it commit together. A repeated event does nothing.
 *
 * @throws {TypeError} when this service has no handler for the event: a routing mistake that must not be acknowledged
 */
export async function receive(
  db: Database,
  handlers: AnyEventHandlers,
  event: SoukEvent,
): Promise<'handled' | 'repeated'> {
  const handler = handlers[event.type] as ((tx: unknown, event: SoukEvent) => Promise<void>) | undefined;
  if (!handler) throw new TypeError(`Expected a handler for ${event.type} in events.ts, found none.`);
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
