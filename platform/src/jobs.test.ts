import { createEmptyDatabase, type TestDatabase, testRedisUrl } from '@souk/dev/test-database';
import { Queue } from 'bullmq';
import { asc, eq, sql } from 'drizzle-orm';
import { int, mysqlTable, varchar } from 'drizzle-orm/mysql-core';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startTcpProxy, type TcpProxy } from '../test/tcp-proxy.ts';
import { type Database, nowPlus, type OpenDatabase, openDatabase, type Transaction, transaction } from './database.ts';
import type { AnyEventHandlers, SoukEvent } from './events.ts';
import { newId } from './id.ts';
import { inbox } from './inbox.ts';
import { openAlarm, startEventWorkers, startRelay, type Workers } from './jobs.ts';
import { createLogger } from './logger.ts';
import { append, claim, outbox, pruneOutbox } from './outbox.ts';
import { createTables } from './test-tables.ts';

/** What the listener keeps: one row for each effect, in order. */
const effects = mysqlTable('effects', {
  id: int('id').autoincrement().primaryKey(),
  aggregateId: varchar('aggregate_id', { length: 64 }).notNull(),
  status: varchar('status', { length: 16 }).notNull(),
});

const logger = createLogger('test', { level: 'silent' });
let stores: TestDatabase[];
let databases: OpenDatabase[];
let producer: Database;
let listener: Database;
let redisUrl: string;
let running: Workers[] = [];

beforeAll(async () => {
  stores = [await createEmptyDatabase(), await createEmptyDatabase()];
  databases = stores.map(({ url }) => openDatabase({ url }));
  [producer, listener] = databases.map(({ db }) => db) as [Database, Database];
  await createTables(producer, { outbox });
  await createTables(listener, { inbox, effects });
});

beforeEach(async () => {
  redisUrl = await testRedisUrl();
  await producer.delete(outbox);
  await listener.delete(inbox);
  await listener.delete(effects);
});

afterEach(async () => {
  await Promise.all(running.map((worker) => worker.close()));
  running = [];
});

afterAll(async () => {
  await Promise.all(databases.map((database) => database.close()));
  await Promise.all(stores.map((store) => store.drop()));
});

/** order.canceled travels from the order service to the payment service; each has its own database, as in life. */
function run(handler: (tx: Transaction, event: SoukEvent<'order.canceled'>) => Promise<void> = record): void {
  const handlers = { 'order.canceled': handler } as AnyEventHandlers;
  running.push(
    startRelay({ service: 'order', db: producer, redisUrl, logger }),
    startEventWorkers({ service: 'payment', db: listener, redisUrl, handlers, logger }),
  );
}

async function record(tx: Transaction, { aggregateId, payload }: SoukEvent<'order.canceled'>): Promise<void> {
  await tx.insert(effects).values({ aggregateId, status: payload.status });
}

/** Only the payment service listens in these tests, so the row for the other listener is taken away. */
async function state(orderId: string, status: 'CANCELED' | 'EXPIRED' = 'CANCELED'): Promise<void> {
  await transaction(producer, async (tx) => {
    await append(tx, {
      type: 'order.canceled',
      aggregateId: orderId,
      payload: { orderId, userId: newId('User'), status },
    });
    await tx.delete(outbox).where(eq(outbox.subscriber, 'catalog'));
  });
}

const effectsNow = () =>
  listener.select({ aggregateId: effects.aggregateId, status: effects.status }).from(effects).orderBy(asc(effects.id));
const statesNow = async () =>
  (await producer.select({ state: outbox.state }).from(outbox).orderBy(outbox.sequence)).map((row) => row.state);
const pause = (timeoutMs: number) => new Promise<void>((resolve) => setTimeout(resolve, timeoutMs));
const eventually = (assertion: () => Promise<void>) => vi.waitFor(assertion, { timeout: 12_000, interval: 25 });

describe('a fact', () => {
  it('takes effect at its listener once and is noted as delivered', async () => {
    run();
    const orderId = newId('Order');
    await state(orderId);
    await eventually(async () => expect(await statesNow()).toEqual(['DELIVERED']));
    expect(await effectsNow()).toEqual([{ aggregateId: orderId, status: 'CANCELED' }]);
  });

  it('is not stated when its transaction rolls back', async () => {
    await transaction(producer, async (tx) => {
      await append(tx, {
        type: 'order.canceled',
        aggregateId: 'x',
        payload: { orderId: 'x', userId: 'y', status: 'CANCELED' },
      });
      throw new Error('no');
    }).catch(() => {});
    expect(await statesNow()).toEqual([]);
  });

  it('waits for the earlier facts of its aggregate, through two relays at once', async () => {
    const slowFirst = async (tx: Transaction, event: SoukEvent<'order.canceled'>) => {
      if (event.payload.status === 'CANCELED') await new Promise((resolve) => setTimeout(resolve, 100));
      await record(tx, event);
    };
    run(slowFirst);
    running.push(startRelay({ service: 'order', db: producer, redisUrl, logger }));
    const orderIds = Array.from({ length: 10 }, () => newId('Order'));
    for (const orderId of orderIds) {
      await state(orderId, 'CANCELED');
      await state(orderId, 'EXPIRED');
    }
    await eventually(async () => expect(await statesNow()).toEqual(Array(20).fill('DELIVERED')));
    const seen = await effectsNow();
    for (const orderId of orderIds) {
      expect(seen.filter((effect) => effect.aggregateId === orderId).map(({ status }) => status)).toEqual([
        'CANCELED',
        'EXPIRED',
      ]);
    }
  });

  it('acts once although it is delivered again after Redis lost everything', async () => {
    run();
    const orderId = newId('Order');
    await state(orderId);
    await eventually(async () => expect(await statesNow()).toEqual(['DELIVERED']));

    const redis = new Redis(redisUrl);
    await redis.flushdb();
    await redis.quit();
    await producer.update(outbox).set({ state: 'QUEUED', queuedAt: nowPlus(-60) });

    await eventually(async () => expect(await statesNow()).toEqual(['DELIVERED']));
    expect(await effectsNow()).toHaveLength(1);
  });

  it('is handled again after a passing failure, without half an effect', async () => {
    let attempts = 0;
    run(async (tx, event) => {
      await record(tx, event);
      if (++attempts < 3) throw new Error('the store hiccuped');
    });
    await state(newId('Order'));
    await eventually(async () => expect(await statesNow()).toEqual(['DELIVERED']));
    expect(attempts).toBe(3);
    expect(await effectsNow()).toHaveLength(1);
  });
});

describe('without Redis', () => {
  let proxy: TcpProxy;

  beforeEach(async () => {
    const url = new URL(redisUrl);
    proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
    url.host = `127.0.0.1:${proxy.port}`;
    redisUrl = url.href;
  });

  afterEach(async () => {
    await Promise.all(running.map((worker) => worker.close()));
    running = [];
    await proxy.close();
  });

  it('facts wait in the outbox, and travel within three seconds of its return', async () => {
    run();
    await state(newId('Order'));
    await eventually(async () => expect(await statesNow()).toEqual(['DELIVERED']));
    await proxy.cut();
    await state(newId('Order'));
    await pause(1_500);
    expect(await statesNow()).toEqual(['DELIVERED', 'PENDING']);
    await proxy.heal();
    const healed = Date.now();
    await eventually(async () => expect(await statesNow()).toEqual(['DELIVERED', 'DELIVERED']));
    expect(Date.now() - healed).toBeLessThan(3_000);
  });

  it('facts wait in the outbox while it hangs, too', async () => {
    run();
    await state(newId('Order'));
    await eventually(async () => expect(await statesNow()).toEqual(['DELIVERED']));
    proxy.freeze();
    await state(newId('Order'));
    await eventually(async () => expect(await statesNow()).toContain('QUEUED'));
    await eventually(async () => expect(await statesNow()).toContain('PENDING'));
    await proxy.heal();
    await eventually(async () => expect(await statesNow()).toEqual(['DELIVERED', 'DELIVERED']));
  });

  it.each<[string, () => Promise<void>]>([
    ['was never there', () => proxy.cut()],
    ['died', () => pause(500).then(() => proxy.cut())],
    ['hangs', () => pause(500).then(() => proxy.freeze())],
  ])('everything stops within four seconds when it %s', async (_, breakRedis) => {
    const broken = breakRedis();
    run();
    running.push(openAlarm({ name: 'test-alarm', redisUrl, logger, run: async () => {} }));
    await broken;
    await state(newId('Order'));
    await pause(700);
    const started = Date.now();
    await Promise.all(running.map((worker) => worker.close()));
    running = [];
    expect(Date.now() - started).toBeLessThan(4_000);
  });
});

describe('a listener whose store is away', () => {
  it('gets the fact again without using up its tries, however long that takes', async () => {
    let attempts = 0;
    run(async (tx, event) => {
      if (++attempts < 4) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
      await record(tx, event);
    });
    await state(newId('Order'));
    await eventually(async () => expect(await statesNow()).toEqual(['DELIVERED']));
    const queue = new Queue('events.order.payment', {
      prefix: '{souk:events:order:payment}',
      connection: { url: redisUrl },
    });
    const [job] = await queue.getCompleted();
    await queue.close();
    expect(attempts).toBe(4);
    expect(job?.attemptsMade).toBe(1);
  });
});

describe('a long outbox', () => {
  const numbers = (count: number) =>
    sql`(WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count}) SELECT n FROM numbers)`;
  const fill = (count: number, fact: { aggregateId: string; state: string }, times = 1) =>
    producer.execute(sql`
      INSERT INTO outbox (event_id, subscriber, type, aggregate_id, payload, trace, state, delivered_at)
      SELECT RANDOM_BYTES(16), 'payment', 'order.canceled', ${fact.aggregateId}, '{}', '{}', ${fact.state}, CURRENT_TIMESTAMP(3)
      FROM ${numbers(count)} AS ones, ${numbers(times)} AS tens`);

  it('gives the next facts at once, although its aggregate has a long past and another waits behind a parked fact', async () => {
    await fill(500, { aggregateId: 'busy', state: 'DELIVERED' }, 60);
    await fill(1, { aggregateId: 'stuck', state: 'PARKED' });
    await fill(500, { aggregateId: 'stuck', state: 'PENDING' }, 10);
    await fill(100, { aggregateId: 'busy', state: 'PENDING' });
    await fill(1, { aggregateId: 'calm', state: 'PENDING' });
    const started = Date.now();
    expect((await claim(producer)).map(({ aggregateId }) => aggregateId)).toEqual(['busy', 'calm']);
    expect(await claim(producer)).toEqual([]);
    expect(Date.now() - started).toBeLessThan(1_000);
  });

  it('forgets what was delivered long ago, oldest first, and nothing else', async () => {
    await fill(3, { aggregateId: 'old', state: 'DELIVERED' });
    await producer.update(outbox).set({ deliveredAt: nowPlus(-8 * 86_400) });
    await fill(2, { aggregateId: 'young', state: 'DELIVERED' });
    await fill(1, { aggregateId: 'young', state: 'PENDING' });
    expect(await pruneOutbox(producer)).toBe(3);
    expect(await statesNow()).toEqual(['DELIVERED', 'DELIVERED', 'PENDING']);
  });
});

describe('an alarm', () => {
  it('runs after its delay, with its id', async () => {
    const rung: string[] = [];
    const alarm = openAlarm({ name: 'test-alarm', redisUrl, logger, run: async (id) => rung.push(id) });
    running.push(alarm);
    await alarm.set('order-1', 100);
    expect(rung).toEqual([]);
    await eventually(async () => expect(rung).toEqual(['order-1']));
  });

  it('does not fail or wait when Redis is away', async () => {
    const alarm = openAlarm({ name: 'test-alarm', redisUrl: 'redis://127.0.0.1:1', logger, run: async () => {} });
    const started = Date.now();
    await alarm.set('order-1', 100);
    expect(Date.now() - started).toBeLessThan(2_000);
    await Promise.race([alarm.close(), new Promise((resolve) => setTimeout(resolve, 1_000))]);
  });
});
