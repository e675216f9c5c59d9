import { createEmptyDatabase, type TestDatabase, testRedisUrl } from '@souk/dev/test-database';
import { asc, eq } from 'drizzle-orm';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, vi } from 'vitest';
import { type Database, type OpenDatabase, openDatabase, type Transaction, transaction } from '../src/database.ts';
import { startEventWorkers } from '../src/event-workers.ts';
import type { AnyEventHandlers, SoukEvent } from '../src/events.ts';
import { newId } from '../src/id.ts';
import { eventFailures, inbox } from '../src/inbox.ts';
import { startRelay, type Workers } from '../src/jobs.ts';
import { createLogger } from '../src/logger.ts';
import { append, outbox } from '../src/outbox.ts';
import { createTables } from '../src/test-tables.ts';
import { effects } from './effects.ts';

type Canceled = SoukEvent<'order.canceled'>;

/**
 * Two services of which one hears the other, for tests: `order.canceled` travels from the order service to the payment service. Each has its own database,
 * as in life, and each test a Redis of its own. To be called where a test file begins.
 */
export function openTwoServices() {
  const logger = createLogger('test', { level: 'silent' });
  let stores: TestDatabase[];
  let databases: OpenDatabase[];
  let running: Workers[] = [];

  const services = {
    logger,
    producer: undefined as unknown as Database,
    listener: undefined as unknown as Database,
    listenerUrl: '',
    redisUrl: '',

    /** Starts the relay, and the listener with this handler; without one it records the effect. */
    run(handler: (tx: Transaction, event: Canceled) => Promise<void> = record): void {
      services.runRelay();
      services.runListener({ handler });
    },

    runRelay(): void {
      const { producer: db, redisUrl } = services;
      services.stopLater(startRelay({ service: 'order', db, redisUrl, logger }));
    },

    runListener({ handler = record, ...more }: { handler?: typeof record; lockMs?: number }): void {
      const { listener: db, redisUrl } = services;
      const handlers = { 'order.canceled': handler } as AnyEventHandlers;
      services.stopLater(startEventWorkers({ service: 'payment', db, redisUrl, handlers, logger, ...more }));
    },

    /** Stops it with the test. */
    stopLater: (workers: Workers) => void running.push(workers),

    async stop(): Promise<void> {
      const stopping = running;
      running = [];
      await Promise.all(stopping.map((workers) => workers.close()));
    },

    /** Only the payment service listens in these tests, so the row for the other listener is taken away. */
    async state(orderId: string, status: 'CANCELED' | 'EXPIRED' = 'CANCELED'): Promise<void> {
      await transaction(services.producer, async (tx) => {
        const payload = { orderId, userId: newId('User'), status };
        await append(tx, { type: 'order.canceled', aggregateId: orderId, payload });
        await tx.delete(outbox).where(eq(outbox.subscriber, 'catalog'));
      });
    },

    /** What took effect, in order. */
    effects: () =>
      services.listener
        .select({ aggregateId: effects.aggregateId, status: effects.status })
        .from(effects)
        .orderBy(asc(effects.id)),

    /** How each event stands, in order. */
    states: async () => {
      const rows = await services.producer.select({ state: outbox.state }).from(outbox).orderBy(outbox.sequence);
      return rows.map((row) => row.state);
    },

    async forgetRedis(): Promise<void> {
      const redis = new Redis(services.redisUrl);
      await redis.flushdb();
      await redis.quit();
    },
  };

  beforeAll(async () => {
    stores = [await createEmptyDatabase(), await createEmptyDatabase()];
    databases = stores.map(({ url }) => openDatabase({ url }));
    [services.producer, services.listener] = databases.map(({ db }) => db) as [Database, Database];
    services.listenerUrl = stores[1]?.url ?? '';
    await createTables(services.producer, { outbox });
    await createTables(services.listener, { inbox, eventFailures, effects });
  });

  beforeEach(async () => {
    services.redisUrl = await testRedisUrl();
    await services.producer.delete(outbox);
    for (const table of [inbox, eventFailures, effects]) await services.listener.delete(table);
  });

  afterEach(() => services.stop());

  afterAll(async () => {
    await Promise.all(databases.map((database) => database.close()));
    await Promise.all(stores.map((store) => store.drop()));
  });
  return services;
}

/** The effect of an event in these tests: one row. */
export async function record(tx: Transaction, { aggregateId, payload }: Canceled): Promise<void> {
  await tx.insert(effects).values({ aggregateId, status: payload.status });
}

/** Everything takes a moment, and a while on a machine that is busy. */
export const eventually = (assertion: () => Promise<void>) => vi.waitFor(assertion, { timeout: 12_000, interval: 25 });
