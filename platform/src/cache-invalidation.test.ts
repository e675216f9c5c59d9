import { setTimeout as delay } from 'node:timers/promises';
import { createTestDatabase, testRedisUrl } from '@souk/dev/test-database';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CacheInvalidation, invalidate, openCacheInvalidation } from './cache-invalidation.ts';
import { readTagTimes } from './cache-tag-times.ts';
import { type Database, openDatabase, transaction } from './database.ts';
import { openRedis, type RedisConnection } from './redis.ts';

let db: Database;
let redis: RedisConnection;
let invalidation: CacheInvalidation;
let close: () => Promise<void>;

beforeAll(async () => {
  const store = await createTestDatabase('user');
  const database = openDatabase({ url: store.url, poolSize: 3 });
  redis = openRedis({ url: await testRedisUrl(), name: 'test' });
  await redis.ready();
  db = database.db;
  invalidation = openCacheInvalidation({ db, redis });
  close = async () => {
    await invalidation.close();
    await redis.close();
    await database.close();
    await store.drop();
  };
});

afterAll(() => close());

beforeEach(async () => {
  await redis.client.flushdb();
  await readTagTimes(redis, []);
});

/** How long ago, or until when, answers with a tag are stale. */
async function staleForMs(tag: string): Promise<number> {
  const { nowMs, changedAtMs } = await readTagTimes(redis, [tag]);
  return changedAtMs - nowMs;
}

const isStale = async (tag: string) => (await staleForMs(tag)) > 0;

describe('invalidate', () => {
  it('makes a thing and its kind stale for a moment longer, and nothing else', async () => {
    await transaction(db, async (tx) => invalidate(tx, 'product', ['prod_1']));
    await expect.poll(() => isStale('product:prod_1')).toBe(true);
    expect(await staleForMs('product:prod_1')).toBeLessThanOrEqual(1_000);
    expect(await isStale('product')).toBe(true);
    expect(await isStale('product:prod_2')).toBe(false);
    expect(await isStale('brand')).toBe(false);
  });

  it('waits for the end of the transaction', async () => {
    await transaction(db, async (tx) => {
      invalidate(tx, 'product', ['prod_1']);
      await delay(50);
      expect(await isStale('product:prod_1')).toBe(false);
    });
    await expect.poll(() => isStale('product:prod_1')).toBe(true);
  });

  it('counts what may have been committed: also when the transaction fails', async () => {
    const failing = transaction(db, async (tx) => {
      invalidate(tx, 'product', ['prod_1']);
      throw new Error('The connection was lost.');
    });
    await expect(failing).rejects.toThrow('lost');
    await expect.poll(() => isStale('product:prod_1')).toBe(true);
  });

  it('changes nothing when there is nothing', async () => {
    await transaction(db, async (tx) => {
      await tx.execute(sql`SELECT 1`);
      invalidate(tx, 'product', []);
    });
    await delay(50);
    expect(await isStale('product')).toBe(false);
  });

  it('tells later what it could not tell while Redis was away', async () => {
    redis.client.disconnect();
    await transaction(db, async (tx) => invalidate(tx, 'product', ['prod_1']));
    await delay(100);
    await redis.client.connect();
    await expect.poll(() => isStale('product:prod_1'), { timeout: 5_000 }).toBe(true);
  });

  it('tells what is owed when it is closed', async () => {
    const other = openCacheInvalidation({ db, redis });
    await transaction(db, async (tx) => invalidate(tx, 'product', ['prod_9']));
    await other.close();
    expect(await isStale('product:prod_9')).toBe(true);
    invalidation = openCacheInvalidation({ db, redis });
  });
});

describe('readTagTimes', () => {
  it('says that everything changed just now when Redis was wiped, and that what is made from now on is good', async () => {
    await redis.client.flushdb();
    const wiped = await readTagTimes(redis, ['product:prod_1']);
    expect(wiped.changedAtMs).toBe(wiped.nowMs - 1);
    const later = await readTagTimes(redis, ['product:prod_1']);
    expect(later.changedAtMs).toBe(wiped.changedAtMs);
  });
});
