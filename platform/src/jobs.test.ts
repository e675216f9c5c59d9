import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createEmptyDatabase, type TestDatabase, testRedisUrl } from '@souk/dev/test-database';
import { Queue } from 'bullmq';
import { asc, eq, sql } from 'drizzle-orm';
import { Redis } from 'ioredis';
import { register } from 'prom-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { effects } from '../test/effects.ts';
import { startTcpProxy, type TcpProxy } from '../test/tcp-proxy.ts';
import { type Database, nowPlus, type OpenDatabase, openDatabase, type Transaction, transaction } from './database.ts';
import type { AnyEventHandlers, SoukEvent } from './events.ts';
import { firstIdAt, newId } from './id.ts';
import { eventFailures, inbox, pruneInbox, receive } from './inbox.ts';
import { openAlarm, startEventWorkers, startRelay, type Workers } from './jobs.ts';
import { createLogger } from './logger.ts';
import { append, backlogs, claim, markDelivered, outbox, parkedEvents, pruneOutbox, redrive } from './outbox.ts';
import { eventQueue } from './queues.ts';
import { createTables } from './test-tables.ts';

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
  await createTables(listener, { inbox, eventFailures, effects });
});

beforeEach(async () => {
  redisUrl = await testRedisUrl();
  await producer.delete(outbox);
  await listener.delete(inbox);
  await listener.delete(eventFailures);
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
    running.push(openAlarm({ name: 'order-expiry', redisUrl, logger, run: async () => {} }));
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
    expect(attempts).toBe(4);
    expect(await listener.select().from(eventFailures)).toEqual([]);
  });
});

describe('an event that its listener cannot handle', () => {
  /** All but one of the ten tries are used up, so that the next failure is the last. */
  async function lastTryOf(orderId: string): Promise<string> {
    const [row] = await producer.select().from(outbox).where(eq(outbox.aggregateId, orderId)).limit(1);
    const eventId = row?.eventId ?? '';
    await listener.insert(eventFailures).values({ eventId, failures: 9, lastError: 'before' });
    return eventId;
  }

  it('is parked with its reason, holds back its aggregate alone, and is delivered in its old place when it is sent again', async () => {
    let isBroken = true;
    const [stuck, other] = [newId('Order'), newId('Order')];
    await state(stuck, 'CANCELED');
    await state(stuck, 'EXPIRED');
    await state(other, 'CANCELED');
    const eventId = await lastTryOf(stuck);
    run(async (tx, event) => {
      if (isBroken && event.aggregateId === stuck) throw new Error('no such refund');
      await record(tx, event);
    });
    await eventually(async () => expect(await statesNow()).toEqual(['PARKED', 'PENDING', 'DELIVERED']));
    expect(await parkedEvents(producer)).toMatchObject([
      { eventId, subscriber: 'payment', lastError: 'no such refund' },
    ]);

    isBroken = false;
    expect(await redrive(producer, { eventId, subscriber: 'catalog' })).toEqual([]);
    expect(await redrive(producer, { eventId: newId('Event') })).toEqual([]);
    expect(await statesNow()).toEqual(['PARKED', 'PENDING', 'DELIVERED']);
    expect(await redrive(producer, { eventId })).toMatchObject([{ eventId }]);
    await eventually(async () => expect(await statesNow()).toEqual(Array(3).fill('DELIVERED')));
    expect(await effectsNow()).toEqual([
      { aggregateId: other, status: 'CANCELED' },
      { aggregateId: stuck, status: 'CANCELED' },
      { aggregateId: stuck, status: 'EXPIRED' },
    ]);
    expect(await redrive(producer)).toEqual([]);
  });

  it('is parked again, with the new reason, when it still fails after it was sent again', async () => {
    let reason = 'first';
    await state(newId('Order'));
    const [row] = await producer.select().from(outbox);
    await lastTryOf(row?.aggregateId ?? '');
    run(async () => {
      throw new Error(reason);
    });
    await eventually(async () => expect(await parkedEvents(producer)).toMatchObject([{ lastError: 'first' }]));
    reason = 'second';
    await listener.update(eventFailures).set({ failures: 19 });
    await redrive(producer);
    await eventually(async () => expect(await parkedEvents(producer)).toMatchObject([{ lastError: 'second' }]));
    expect(await effectsNow()).toEqual([]);
  });

  it('acts once when it is sent again although it had taken effect', async () => {
    run();
    await state(newId('Order'));
    await eventually(async () => expect(await statesNow()).toEqual(['DELIVERED']));
    await producer.update(outbox).set({ state: 'PARKED', lastError: 'its worker seemed dead' });
    expect(await redrive(producer)).toHaveLength(1);
    await eventually(async () => expect(await statesNow()).toEqual(['DELIVERED']));
    expect(await effectsNow()).toHaveLength(1);
  });

  it('is tried ten times in all, although Redis forgets in between', { timeout: 30_000 }, async () => {
    let tries = 0;
    const afterFifth = Promise.withResolvers<void>();
    await state(newId('Order'));
    run(async () => {
      if (++tries === 5) afterFifth.resolve();
      throw new Error('never');
    });
    await afterFifth.promise;
    await eventually(async () => expect(await listener.select().from(eventFailures)).toMatchObject([{ failures: 5 }]));
    const redis = new Redis(redisUrl);
    await redis.flushdb();
    await redis.quit();
    await producer.update(outbox).set({ queuedAt: nowPlus(-60) });
    await eventually(async () => expect(await statesNow()).toEqual(['PARKED']));
    expect(tries).toBe(10);
  });

  it('is told to whoever measures, with what waits behind it', { timeout: 20_000 }, async () => {
    const orderId = newId('Order');
    await state(orderId);
    await producer.update(outbox).set({ state: 'PARKED', occurredAt: nowPlus(-3_600), lastError: 'never' });
    await state(orderId);
    expect((await backlogs(producer)).sort((left, right) => (left.state < right.state ? -1 : 1))).toEqual([
      { subscriber: 'payment', state: 'PARKED', count: 1, oldestSeconds: expect.closeTo(3_600, -2) },
      { subscriber: 'payment', state: 'PENDING', count: 1, oldestSeconds: expect.closeTo(0, -2) },
    ]);
    run();
    await eventually(async () => {
      const text = await register.metrics();
      expect(text).toContain('souk_events{producer="order",listener="payment",state="parked"} 1');
      expect(text).toContain('souk_events{producer="order",listener="payment",state="waiting"} 1');
      expect(text).toContain('souk_events{producer="order",listener="catalog",state="parked"} 0');
      expect(text).toMatch(/souk_events_oldest_seconds\{producer="order",listener="payment",state="parked"\} 36\d\d/);
    });
  });
});

describe('a listener that dies or freezes in the middle', { timeout: 60_000 }, () => {
  const LOCK_MS = 500;
  let processes: ChildProcess[] = [];

  afterEach(() => {
    for (const child of processes) child.kill('SIGKILL');
    processes = [];
  });

  /** Resolves in the middle of an effect, whose transaction is open. */
  async function listenerInTheMiddle(pauseMs: number): Promise<ChildProcess> {
    const program = fileURLToPath(new URL('../test/event-worker.ts', import.meta.url));
    const child = spawn(process.execPath, [program, stores[1]?.url ?? '', redisUrl, String(LOCK_MS), String(pauseMs)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    processes.push(child);
    await once(child.stdout, 'data');
    return child;
  }

  const relay = () => running.push(startRelay({ service: 'order', db: producer, redisUrl, logger }));
  const heir = () => {
    const handlers = { 'order.canceled': record } as AnyEventHandlers;
    running.push(startEventWorkers({ service: 'payment', db: listener, redisUrl, handlers, logger, lockMs: LOCK_MS }));
  };

  it('has its effect once after five kills', async () => {
    relay();
    await state(newId('Order'));
    for (let kills = 0; kills < 5; kills++) {
      const child = await listenerInTheMiddle(60_000);
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    expect(await effectsNow()).toEqual([]);
    heir();
    await eventually(async () => expect(await statesNow()).toEqual(['DELIVERED']));
    expect(await effectsNow()).toHaveLength(1);
  });

  it('has its effect once when it wakes after another has taken over', async () => {
    relay();
    await state(newId('Order'));
    const frozen = await listenerInTheMiddle(200);
    frozen.kill('SIGSTOP');
    heir();
    const { name, prefix } = eventQueue('order', 'payment');
    const queue = new Queue(name, { prefix, connection: { url: redisUrl } });
    const [row] = await producer.select().from(outbox);
    await eventually(async () => expect((await queue.getJob(row?.eventId ?? ''))?.stalledCounter).toBeGreaterThan(0));
    await queue.close();
    frozen.kill('SIGCONT');
    await eventually(async () => expect(await statesNow()).toEqual(['DELIVERED']));
    expect(await effectsNow()).toHaveLength(1);
  });
});

describe('an inbox', () => {
  const DAY_MS = 86_400_000;
  const eventOf = (ageDays: number): SoukEvent<'order.canceled'> => ({
    id: firstIdAt('Event', Date.now() - ageDays * DAY_MS),
    type: 'order.canceled',
    aggregateId: newId('Order'),
    occurredAt: new Date(),
    payload: { orderId: newId('Order'), userId: newId('User'), status: 'CANCELED' },
  });
  const handlers = { 'order.canceled': record } as AnyEventHandlers;

  it('forgets only events that are too old to be let in again', async () => {
    const young = eventOf(89);
    expect(await receive(listener, handlers, young)).toBe('handled');
    const ids = [90.5, 91.5, 200].map((ageDays) => eventOf(ageDays).id);
    await listener.insert(inbox).values(ids.map((eventId) => ({ eventId, type: 'order.canceled' })));
    await listener.insert(eventFailures).values(ids.map((eventId) => ({ eventId, lastError: 'once' })));
    expect(await pruneInbox(listener)).toBe(2);
    const left = await listener.select({ eventId: inbox.eventId }).from(inbox).orderBy(inbox.eventId);
    expect(left.map(({ eventId }) => eventId)).toEqual([ids[0], young.id]);
    expect(await listener.select().from(eventFailures)).toMatchObject([{ eventId: ids[0] }]);

    expect(await receive(listener, handlers, young)).toBe('repeated');
    for (const ageDays of [90.5, 200])
      await expect(receive(listener, handlers, eventOf(ageDays))).rejects.toThrow(RangeError);
    expect(await effectsNow()).toHaveLength(1);
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
    expect((await claim(producer, 'payment')).map(({ aggregateId }) => aggregateId)).toEqual(['busy', 'calm']);
    expect(await claim(producer, 'payment')).toEqual([]);
    expect(Date.now() - started).toBeLessThan(1_000);
  });

  it('hands a listener so much at a time, in order, and does not let it starve another', async () => {
    await producer.execute(sql`
      INSERT INTO outbox (event_id, subscriber, type, aggregate_id, payload, trace, state)
      SELECT RANDOM_BYTES(16), 'payment', 'order.canceled', CONCAT('order-', n), '{}', '{}', 'PENDING' FROM ${numbers(800)} AS numbers`);
    await state(newId('Order'));
    await producer.update(outbox).set({ subscriber: 'catalog' }).where(sql`aggregate_id LIKE 'ordr%'`);
    const claimed: string[] = [];
    for (let rows = await claim(producer, 'payment'); rows.length > 0; rows = await claim(producer, 'payment'))
      claimed.push(...rows.map(({ eventId }) => eventId));
    expect(claimed).toHaveLength(500);
    const oldest = await producer.select({ eventId: outbox.eventId }).from(outbox).orderBy(outbox.sequence).limit(501);
    expect(claimed).toEqual(oldest.slice(0, 500).map(({ eventId }) => eventId));
    expect(await claim(producer, 'catalog')).toHaveLength(1);

    await markDelivered(producer, claimed[7] ?? '', 'payment');
    expect((await claim(producer, 'payment')).map(({ eventId }) => eventId)).toEqual([oldest[500]?.eventId]);
  });

  it('forgets what was delivered long ago, oldest first, and nothing else', async () => {
    await fill(3, { aggregateId: 'old', state: 'DELIVERED' });
    await producer.update(outbox).set({ deliveredAt: nowPlus(-8 * 86_400) });
    await fill(2, { aggregateId: 'young', state: 'DELIVERED' });
    await fill(1, { aggregateId: 'young', state: 'PENDING' });
    expect(await pruneOutbox(producer, 'payment')).toBe(3);
    expect(await statesNow()).toEqual(['DELIVERED', 'DELIVERED', 'PENDING']);
  });
});

describe('an alarm', () => {
  it('runs after its delay, with its id', async () => {
    const rung: string[] = [];
    const alarm = openAlarm({ name: 'order-expiry', redisUrl, logger, run: async (id) => rung.push(id) });
    running.push(alarm);
    await alarm.set('order-1', 100);
    expect(rung).toEqual([]);
    await eventually(async () => expect(rung).toEqual(['order-1']));
  });

  it('does not fail or wait when Redis is away', async () => {
    const alarm = openAlarm({ name: 'order-expiry', redisUrl: 'redis://127.0.0.1:1', logger, run: async () => {} });
    const started = Date.now();
    await alarm.set('order-1', 100);
    expect(Date.now() - started).toBeLessThan(2_000);
    await Promise.race([alarm.close(), new Promise((resolve) => setTimeout(resolve, 1_000))]);
  });
});
