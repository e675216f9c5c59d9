import { EVERYTHING, noteTagChanges } from './cache-tag-times.ts';
import { kindOfTag, tagOf } from './cache-tags.ts';
import { afterTransaction, type Database, type Transaction } from './database.ts';
import type { RedisConnection } from './redis.ts';

/** Tells Redis what changed, for as long as it is open. */
export interface CacheInvalidation {
  /** Tells what has not been told yet, if Redis can be reached. */
  close(): Promise<void>;
}

const RETRY_MS = 500;
/** Redis is owed no more than this when it is away for long; then everything counts as changed. */
const MAX_OWED = 10_000;

/** By open database, so that what writes to it need not know of Redis. */
const openByDatabase = new WeakMap<Database, (tags: Iterable<string>) => void>();

/**
 * Opens the way on which `invalidate` tells that answers the gateway keeps are stale. While Redis is away, it is tried again until it succeeds; what a
 * process could not tell before it was killed ends with the time for which answers are kept.
 */
export function openCacheInvalidation({ db, redis }: { db: Database; redis: RedisConnection }): CacheInvalidation {
  let owed = new Set<string>();
  let telling: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  async function tell(): Promise<void> {
    timer = undefined;
    const tags = [...owed];
    owed = new Set();
    if (tags.length === 0) return;
    try {
      await noteTagChanges(redis, tags);
    } catch {
      owe(tags);
      schedule(RETRY_MS);
    }
  }

  function owe(tags: Iterable<string>): void {
    for (const tag of tags) owed.add(tag).add(kindOfTag(tag));
    if (owed.size > MAX_OWED) owed = new Set([EVERYTHING]);
  }

  /** Changes of one moment, as a rush brings them, are told together. */
  function schedule(delayMs: number): void {
    timer ??= setTimeout(() => {
      telling = telling.then(tell);
    }, delayMs);
    timer.unref();
  }

  openByDatabase.set(db, (tags) => {
    owe(tags);
    schedule(0);
  });
  return {
    async close() {
      openByDatabase.delete(db);
      clearTimeout(timer);
      await telling.then(tell);
      clearTimeout(timer);
    },
  };
}

/**
 * Makes every answer stale that was made from these things of a kind, or from all of the kind, once the transaction has ended. That a transaction ended without
 * an answer says nothing about whether it was committed, so its changes count however it ended.
 */
export function invalidate(tx: Transaction, kind: string, ids: readonly string[]): void {
  if (ids.length > 0) afterTransaction(tx, (db) => openByDatabase.get(db)?.(ids.map((id) => tagOf(kind, id))));
}
