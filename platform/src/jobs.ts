import { setTimeout as delay } from 'node:timers/promises';
import { context, propagation } from '@opentelemetry/api';
import { type ConnectionOptions, type Job, Queue, QueueEvents, Worker } from 'bullmq';
import type { Database } from './database.ts';
import { type AnyEventHandlers, type EventType, listenersOf, producersFor, type SoukEvent } from './events.ts';
import type { ServiceName } from './identity.ts';
import { receive } from './inbox.ts';
import type { Logger } from './logger.ts';
import { claim, markDelivered, type OutboxRow, park, pruneOutbox } from './outbox.ts';

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

/** A dead Redis must fail an `add` at once instead of holding it: the rows stay in the outbox and are offered again. */
const producerConnection = (redisUrl: string): ConnectionOptions => ({
  url: redisUrl,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 1,
  retryStrategy: (attempt: number) => Math.min(attempt * 100, 2_000),
});

/** Workers block on Redis and wait for it as long as it takes. */
const workerConnection = (redisUrl: string): ConnectionOptions => ({
  url: redisUrl,
  maxRetriesPerRequest: null,
  retryStrategy: (attempt: number) => Math.min(attempt * 100, 2_000),
});

/** ioredis reconnects by itself; one line for each failed try would say nothing new. */
const unreachable = (logger: Logger) => (error: Error) => logger.debug({ err: error }, 'queue unreachable');

const POLL_MS = 500;
const ATTEMPTS = 10;

/**
 * Carries committed facts from the outbox to the listeners' queues and notes which were delivered.
 * Looks every half second; run it in as many instances as you like.
 */
export function startRelay(options: { service: ServiceName; db: Database; redisUrl: string; logger: Logger }): Workers {
  const { service, db, redisUrl, logger } = options;
  const stopping = new AbortController();
  const routes = new Map(
    listenersOf(service).map((listener) => {
      const { name, prefix } = eventQueue(service, listener);
      const queue = new Queue<SoukEvent>(name, {
        prefix,
        connection: producerConnection(redisUrl),
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
    const rows = await claim(db);
    await Promise.all(
      [...routes].map(async ([listener, { queue }]) => {
        const mine = rows.filter((row) => row.subscriber === listener);
        const fresh = mine.filter((row) => row.state === 'PENDING');
        if (fresh.length > 0) await queue.addBulk(fresh.map(toJob));
        for (const row of mine) if (row.state === 'QUEUED') await revisit(queue, row, listener as ServiceName);
      }),
    );
    return rows.length;
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
      await running;
      await pruning.close();
      await Promise.all([...routes.values()].flatMap(({ queue, outcomes }) => [queue.close(), outcomes.close()]));
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
    const worker = new Worker<SoukEvent & { trace: Record<string, string> }>(name, (job) => handle(job), {
      prefix,
      connection: workerConnection(redisUrl),
      concurrency: 8,
      // A worker killed in the middle leaves a stalled job behind; how often that may happen says nothing about the event.
      maxStalledCount: 1_000,
    });
    worker.on('error', unreachable(logger));
    return worker;
  });

  async function handle(job: Job<SoukEvent & { trace: Record<string, string> }>): Promise<void> {
    const { trace, ...event } = job.data;
    const revived = { ...event, occurredAt: new Date(event.occurredAt) } as SoukEvent<EventType>;
    await context.with(propagation.extract(context.active(), trace ?? {}), () => receive(db, handlers, revived));
    wakeRelay(db);
  }

  return { close: async () => void (await Promise.all(workers.map((worker) => worker.close()))) };
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
  const queue = new Queue<{ id: string }>(name, { prefix, connection: producerConnection(redisUrl) });
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
      await Promise.race([added, delay(500)]).catch((error: unknown) => logger.debug({ err: error }, 'alarm not set'));
    },
    async close() {
      await Promise.all([queue.close(), worker.close()]);
    },
  };
}
