import type { Redis } from 'ioredis';
import { CHANGES_CHANNEL, type Change } from './changes.ts';
import type { Database } from './database.ts';
import { claim, markAllDelivered, type OutboxRow, unclaim } from './outbox.ts';
import { inTime } from './queues.ts';

/**
 * Announces what the outbox holds for gateways.
 *
 * @param redis a connection made by `producerConnection`
 * @returns how many facts were announced; 0 while Redis is away
 */
export async function announceChanges(db: Database, redis: Redis): Promise<number> {
  // Without Redis nothing is claimed: what was would have to wait until it is overdue.
  if (redis.status !== 'ready') return 0;
  const rows = await claim(db, 'gateway');
  if (rows.length === 0) return 0;
  try {
    await inTime(Promise.all(rows.map((row) => redis.publish(CHANGES_CHANNEL, messageOf(row)))));
  } catch (error) {
    await unclaim(db, rows);
    throw error;
  }
  await markAllDelivered(db, rows);
  return rows.length;
}

function messageOf({ aggregateId: id, trace }: OutboxRow): string {
  return JSON.stringify({ id, trace } satisfies Change);
}
