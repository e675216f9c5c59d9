import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { Database } from './database.ts';
import { claim, markAllDelivered, type OutboxRow, unclaim } from './outbox.ts';
import { inTime } from './queues.ts';

/**
 * How gateways hear that something changed. They keep no tables, so what is announced to them has no effect that could be lost: it is a hint to look again,
 * published once the fact is committed and as often as it takes until Redis has it. Whoever does not listen at that moment misses it and has to look by itself when
 * it listens again.
 */
export const CHANGES_CHANNEL = 'souk:{changes}:announced';

/** Something is not what it was. */
export interface Change {
  /** What has changed, by its id in the whole graph. */
  id: string;
  /** Trace context of the request that changed it. */
  trace: Record<string, string>;
}

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

const changeShape = z.object({ id: z.string(), trace: z.record(z.string(), z.string()) }) satisfies z.ZodType<Change>;

/** The change that a message of the channel tells of; undefined for what is none. */
export function changeIn(message: string): Change | undefined {
  try {
    return changeShape.parse(JSON.parse(message));
  } catch {
    return undefined;
  }
}
