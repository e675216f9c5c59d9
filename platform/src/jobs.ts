import { setTimeout as delay } from 'node:timers/promises';
import { context, propagation } from '@opentelemetry/api';
import { type ConnectionOptions, DelayedError, type Job, Queue, QueueEvents, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { type Database, isStoreAway } from './database.ts';
import { type AnyEventHandlers, type EventType, listenersOf, producersFor, type SoukEvent } from './events.ts';
import type { ServiceName } from './identity.ts';
import { receive } from './inbox.ts';
import type { Logger } from './logger.ts';
import { claim, markDelivered, type OutboxRow, park, pruneOutbox, unclaim } from './outbox.ts';

/**
 * Work that happens outside a request. BullMQ carries it; the database decides it: losing all of Redis delays work, and loses none.
 */

export interface Workers {
  close(): Promise<void>;
}

/** Queue between one producer and one listener. BullMQ keeps a queue's keys in one cluster slot when the prefix is a hash tag. */
const eventQueue = (from: ServiceName, to: ServiceName) => ({
  name: `events.${from}.${to}`,
  prefix: `{souk:events:${from}:${to}}`,
});

/** A Redis that hangs is as good as none after this long. */
const REDIS_TIMEOUT_MS = 2_000;

/** A dead Redis must fail an `add` at once instead of holding it: the rows go back to the outbox and are offered again. */
function producerConnection(redisUrl: string, logger: Logger): Redis {
  const connection = new Redis(redisUrl, {
    connectTimeout: REDIS_TIMEOUT_MS,
    commandTimeout: REDIS_TIMEOUT_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    retryStrategy: reconnectDelayMs,
  });
  return connection.on('error', unreachable(logger));
}

/** Workers block on Redis and wait for it as long as it takes. */
const workerConnection = (redisUrl: string): ConnectionOptions => ({
  url: redisUrl,
  connectTimeout: REDIS_TIMEOUT_MS,
  maxRetriesPerRequest: null,
  retryStrategy: reconnectDelayMs,
});

const reconnectDelayMs = (attempt: number) => Math.min(attempt * 100, 2_000);

/** ioredis reconnects by itself; one line for each failed try would say nothing new. */
const unreachable = (logger: Logger) => (error: Error) => logger.debug({ err: error }, 'queue unreachable');

/** Waits for something that BullMQ would wait for without end when Redis is away. */
async function inTime<Value>(promise: Promise<Value>, timeoutMs = REDIS_TIMEOUT_MS): Promise<Value> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`No answer within ${timeoutMs} ms.`)), timeoutMs);
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

interface Closable {
  close(): Promise<void>;
}

/** Closes queues and workers, or leaves them: without Redis, BullMQ throws or waits for ever, and nothing is lost by not saying goodbye. */
async function closeInTime(...closables: Closable[]): Promise<void> {
  await Promise.allSettled(closables.map((closable) => inTime(closable.close())));
}

const POLL_MS = 500;
const ATTEMPTS = 10;
/** A listener whose store is away is asked again this often; that says nothing about the event, so it is no attempt. */
const AWAY_RETRY_MS = 1_000;

/**
 * Carries committed facts from the outbox to the listeners' queues and notes which were delivered.
 * Looks every half second; run it in as many instances as you like.
 */
export function startRelay(options: { service: ServiceName; db: Database; redisUrl: string; logger: Logger }): Workers {
  const { service, db, redisUrl, logger } = options;
  const stopping = new AbortController();
  const redis = producerConnection(redisUrl, logger);
  const routes = new Map(
    listenersOf(service).map((listener) => {
      const { name, prefix } = eventQueue(service, listener);
      const queue = new Queue<SoukEvent>(name, {
        prefix,
        connection: redis,
        defaultJobOptions: {
          attempts: ATTEMPTS,
          backoff: { type: 'exponential', delay: 100, jitter: 0.5 },
          // Kept for a while, so that a look-up can tell a delivered event from one the queue forgot.
          removeOnComplete: { age: 3_600, count: 10_000 },
        },
      });
      const outcomes = new QueueEvents(name, { prefix, connection: workerConnection(redisUrl) });
      queue.on('error', unreachable(logger));
      outcomes.on('error', unreachable(logger));
      outcomes.on('completed', ({ jobId }) => settle(() => markDelivered(db, jobId, listener).then(() => wake())));
      outcomes.on('failed', ({ jobId, failedReason }) => {
        logger.error({ eventId: jobId, listener, failedReason }, 'event parked');
        settle(() => park(db, jobId, listener, failedReason));
      });
      return [listener as string, { queue, outcomes }] as const;
    }),
  );

  /** Outcomes that cannot be written now are found again by the overdue look-up. */
  function settle(write: () => Promise<unknown>): void {
    write().catch((error: unknown) => logger.warn({ err: error }, 'could not note the outcome of an event'));
  }

  async function relayOnce(): Promise<number> {
    // Without a queue nothing is claimed: an event that was would have to wait until it is overdue.
    if (redis.status !== 'ready') return 0;
    const rows = await claim(db);
    const fresh = rows.filter((row) => row.state === 'PENDING');
    await Promise.all([...routes].map(([listener, { queue }]) => hand(queue, listener, rows)));
    return fresh.length;
  }

  async function hand(queue: Queue<SoukEvent>, listener: string, rows: readonly OutboxRow[]): Promise<void> {
    const mine = rows.filter((row) => row.subscriber === listener);
    const fresh = mine.filter((row) => row.state === 'PENDING');
    try {
      if (fresh.length > 0) await inTime(queue.addBulk(fresh.map(toJob)));
    } catch (error) {
      // Perhaps they did arrive. Sent twice, they have the same job id, and act once.
      await unclaim(db, fresh);
      throw error;
    }
    for (const row of mine) if (row.state === 'QUEUED') await inTime(revisit(queue, row, listener as ServiceName));
  }

  /** An overdue event is either done (its report was lost), failed for good, under way, or forgotten by Redis. */
  async function revisit(queue: Queue<SoukEvent>, row: OutboxRow, listener: ServiceName): Promise<void> {
    const job = await queue.getJob(row.eventId);
    if (!job) return void (await queue.addBulk([toJob(row)]));
    if (await job.isCompleted()) await markDelivered(db, row.eventId, listener);
    else if (await job.isFailed()) await park(db, row.eventId, listener, job.failedReason);
  }

  let waker = Promise.withResolvers<void>();
  const wake = () => waker.resolve();

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      waker = Promise.withResolvers();
      const moved = await relayOnce().catch((error: unknown) => {
        logger.warn({ err: error }, 'relay will try again');
        return 0;
      });
      if (moved === 0)
        await Promise.race([waker.promise, delay(POLL_MS, undefined, { signal: stopping.signal }).catch(() => {})]);
    }
  }

  relaysByDatabase.set(db, wake);
  const running = run();
  const pruning = startSweep({ name: 'outbox-prune', everyMs: 60_000, run: () => pruneOutbox(db) }, logger);
  return {
    async close() {
      relaysByDatabase.delete(db);
      stopping.abort();
      wake();
      await inTime(Promise.all([running, pruning.close()])).catch(() => {});
      await closeInTime(...[...routes.values()].flatMap(({ queue, outcomes }) => [queue, outcomes]));
      redis.disconnect();
    },
  };
}

/** The relay of each open database in this process, so that a commit need not wait for the next look. */
const relaysByDatabase = new WeakMap<Database, () => void>();

/** Tells the relay that something was just committed. Call after the transaction; forgetting it costs half a second, nothing more. */
export function wakeRelay(db: Database): void {
  relaysByDatabase.get(db)?.();
}

function toJob(row: OutboxRow) {
  const { eventId, type, aggregateId, occurredAt, payload, trace } = row;
  // BullMQ carries JSON, so the instant travels as text and is revived by the worker.
  const data = { id: eventId, type, aggregateId, occurredAt, payload, trace } as unknown as SoukEvent;
  return { name: type, data, opts: { jobId: eventId } };
}

/** Lets the facts of other subgraphs take effect here: one worker for each producer this service listens to. */
export function startEventWorkers(options: {
  service: ServiceName;
  db: Database;
  redisUrl: string;
  handlers: AnyEventHandlers;
  logger: Logger;
}): Workers {
  const { service, db, redisUrl, handlers, logger } = options;
  const workers = producersFor(service).map((producer) => {
    const { name, prefix } = eventQueue(producer, service);
    const worker = new Worker<SoukEvent & { trace: Record<string, string> }>(name, handle, {
      prefix,
      connection: workerConnection(redisUrl),
      concurrency: 8,
      // A worker killed in the middle leaves a stalled job behind; how often that may happen says nothing about the event.
      maxStalledCount: 1_000,
    });
    worker.on('error', unreachable(logger));
    return worker;
  });

  async function handle(job: Job<SoukEvent & { trace: Record<string, string> }>, token?: string): Promise<void> {
    const { trace, ...event } = job.data;
    const revived = { ...event, occurredAt: new Date(event.occurredAt) } as SoukEvent<EventType>;
    try {
      await context.with(propagation.extract(context.active(), trace ?? {}), () => receive(db, handlers, revived));
    } catch (error) {
      if (!isStoreAway(error)) throw error;
      await job.moveToDelayed(Date.now() + AWAY_RETRY_MS * (0.5 + Math.random()), token);
      throw new DelayedError();
    }
    wakeRelay(db);
  }

  return { close: () => closeInTime(...workers) };
}

/** Recurring work on the database. `run` must be safe to run in several instances at once. */
export interface Sweep {
  name: string;
  everyMs: number;
  run(): Promise<unknown>;
}

/** Runs a sweep again and again, never twice at a time in this process; a failure is logged and tried again next time. */
export function startSweep(sweep: Sweep, logger: Logger): Workers {
  const stopping = new AbortController();
  const running = (async () => {
    while (!stopping.signal.aborted) {
      await delay(sweep.everyMs * (0.9 + Math.random() * 0.2), undefined, {
        signal: stopping.signal,
        ref: false,
      }).catch(() => {});
      if (stopping.signal.aborted) return;
      await sweep
        .run()
        .catch((error: unknown) => logger.warn({ err: error, sweep: sweep.name }, 'sweep will try again'));
    }
  })();
  return {
    async close() {
      stopping.abort();
      await running;
    },
  };
}

/** One kind of delayed work, known by an id: an alarm clock that may be late or lost, beside a sweep that is neither. */
export interface Alarm extends Workers {
  /** Asks for `run(id)` after `delayMs`. A dead Redis is not an error here: the sweep will do it. */
  set(id: string, delayMs: number): Promise<void>;
}

/** Opens an alarm and its worker. `name` must not contain `:`; `run` must tolerate being called early, late, twice or never. */
export function openAlarm(options: {
  name: string;
  redisUrl: string;
  logger: Logger;
  run: (id: string) => Promise<unknown>;
}): Alarm {
  const { name, redisUrl, logger, run } = options;
  const prefix = `{souk:alarm:${name}}`;
  const redis = producerConnection(redisUrl, logger);
  const queue = new Queue<{ id: string }>(name, { prefix, connection: redis });
  const worker = new Worker<{ id: string }>(name, (job) => run(job.data.id), {
    prefix,
    connection: workerConnection(redisUrl),
    concurrency: 4,
  });
  queue.on('error', unreachable(logger));
  worker.on('error', unreachable(logger));
  return {
    async set(id, delayMs) {
      const added = queue.add(
        name,
        { id },
        { jobId: id, delay: delayMs, attempts: 3, removeOnComplete: true, removeOnFail: true },
      );
      await inTime(added, 500).catch((error: unknown) => logger.debug({ err: error }, 'alarm not set'));
    },
    async close() {
      await closeInTime(queue, worker);
      redis.disconnect();
    },
  };
}
