import { setTimeout as delay } from 'node:timers/promises';
import { type Queue, QueueEvents, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { announceChanges } from './announcements.ts';
import type { Database } from './database.ts';
import { measureBacklogs } from './event-metrics.ts';
import { listenersOf, type SoukEvent } from './events.ts';
import type { ServiceName } from './identity.ts';
import type { Logger } from './logger.ts';
import { claim, markDelivered, type OutboxRow, park, pruneOutbox, unclaim } from './outbox.ts';
import { type Polling, startPolling } from './polling.ts';
import {
  type AlarmName,
  alarmQueue,
  closeInTime,
  eventQueue,
  hasQueue,
  inTime,
  openQueue,
  producerConnection,
  unreachable,
  workerConnection,
} from './queues.ts';

/**
 * Work that happens outside a request. BullMQ carries it; the database decides it: losing all of Redis delays work, and loses none.
 */

export interface Workers {
  close(): Promise<void>;
}

const POLL_MS = 500;

/**
 * Carries committed facts from the outbox to the listeners' queues and notes which were delivered; gateways are told by announcement.
 * Looks every half second; run it in as many instances as you like.
 */
export function startRelay(options: { service: ServiceName; db: Database; redisUrl: string; logger: Logger }): Workers {
  const { service, db, redisUrl, logger } = options;
  const redis = producerConnection(redisUrl, logger);
  const listeners = listenersOf(service);
  const lines = listeners.filter(hasQueue).map((listener) => {
    const address = eventQueue(service, listener);
    const queue = openQueue<SoukEvent>(address, { redis, logger });
    const outcomes = new QueueEvents(address.name, {
      prefix: address.prefix,
      connection: workerConnection(redisUrl),
    });
    outcomes.on('error', unreachable(logger));
    return startLine({ service, listener, db, redis, queue, outcomes, logger });
  });
  const announcing = listeners.includes('gateway') ? [startAnnouncing({ service, db, redis, logger })] : [];
  const wake = () => {
    for (const line of [...lines, ...announcing]) line.wake();
  };
  relaysByDatabase.set(db, wake);
  const sweeps = [
    startSweep({ name: 'outbox-prune', everyMs: 60_000, run: () => pruneOutboxes(service, db) }, logger),
    startSweep({ name: 'outbox-backlog', everyMs: 5_000, run: () => measureBacklogs(service, db) }, logger),
  ];
  return {
    async close() {
      relaysByDatabase.delete(db);
      await Promise.all([...lines, ...announcing, ...sweeps].map((part) => inTime(part.close()).catch(() => {})));
      await closeInTime(...lines.flatMap(({ queue, outcomes }) => [queue, outcomes]));
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

interface Line {
  service: ServiceName;
  listener: ServiceName;
  db: Database;
  redis: Redis;
  queue: Queue<SoukEvent, unknown, string>;
  outcomes: QueueEvents;
  logger: Logger;
}

/** The relay to one listener. Each has its own, so that nobody waits for somebody else's queue. */
function startLine(line: Line) {
  const { service, listener, db, redis, queue, outcomes, logger } = line;
  const polling = startPolling({
    look: relayOnce,
    everyMs: POLL_MS,
    onError: (error) => logger.warn({ err: error, service, listener }, 'relay will try again'),
  });

  outcomes.on('completed', ({ jobId }) => settle(() => markDelivered(db, jobId, listener).then(polling.wake)));
  outcomes.on('failed', ({ jobId, failedReason }) => {
    logger.error({ eventId: jobId, listener, failedReason }, 'event parked');
    settle(() => park(db, jobId, listener, failedReason));
  });

  /** Outcomes that cannot be written now are found again by the overdue look-up. */
  function settle(write: () => Promise<unknown>): void {
    write().catch((error: unknown) => logger.warn({ err: error }, 'could not note the outcome of an event'));
  }

  async function relayOnce(): Promise<number> {
    // Without a queue nothing is claimed: an event that was would have to wait until it is overdue.
    if (redis.status !== 'ready') return 0;
    const rows = await claim(db, listener);
    const fresh = rows.filter((row) => row.state === 'PENDING');
    try {
      if (fresh.length > 0) await inTime(hand(queue, fresh));
    } catch (error) {
      // Perhaps they did arrive. Sent twice, they have the same job id, and act once.
      await unclaim(db, fresh);
      throw error;
    }
    for (const row of rows) if (row.state === 'QUEUED') await inTime(revisit(line, row));
    return fresh.length;
  }

  return { queue, outcomes, ...polling };
}

/** The relay to gateways, which have no queue: they are told by announcement. */
function startAnnouncing({ service, db, redis, logger }: Pick<Line, 'service' | 'db' | 'redis' | 'logger'>): Polling {
  return startPolling({
    look: () => announceChanges(db, redis),
    everyMs: POLL_MS,
    onError: (error) => logger.warn({ err: error, service }, 'changes will be announced later'),
  });
}

async function hand(queue: Line['queue'], rows: readonly OutboxRow[]): Promise<void> {
  // BullMQ ignores an id that it knows, and it remembers what has failed: what was parked must be forgotten there before it is sent again.
  const sentAgain = rows.filter((row) => row.lastError !== null);
  for (const { eventId } of sentAgain) {
    const job = await queue.getJob(eventId);
    if (job?.finishedOn) await job.remove();
  }
  await queue.addBulk(rows.map(toJob));
}

/** An overdue event is either done (its report was lost), failed for good, under way, or forgotten by Redis. */
async function revisit({ queue, db, listener }: Line, row: OutboxRow): Promise<void> {
  const job = await queue.getJob(row.eventId);
  if (!job) await queue.addBulk([toJob(row)]);
  else if (await job.isCompleted()) await markDelivered(db, row.eventId, listener);
  else if (await job.isFailed()) await park(db, row.eventId, listener, job.failedReason);
}

function toJob(row: OutboxRow) {
  const { eventId, type, aggregateId, occurredAt, payload, trace } = row;
  // BullMQ carries JSON, so the instant travels as text and is revived by the worker.
  const data = { id: eventId, type, aggregateId, occurredAt, payload, trace } as unknown as SoukEvent;
  return { name: type, data, opts: { ...jobOptions, jobId: eventId } };
}

const jobOptions = {
  // The listener counts in its database and says when it is enough; BullMQ's own count ends with Redis.
  attempts: 1_000_000,
  backoff: { type: 'custom' },
  // Kept for a while, so that a look-up can tell a delivered event from one the queue forgot, and staff can see what failed.
  removeOnComplete: { age: 3_600, count: 10_000 },
  removeOnFail: { age: 7 * 86_400, count: 10_000 },
};

async function pruneOutboxes(service: ServiceName, db: Database): Promise<void> {
  for (const listener of listenersOf(service)) await pruneOutbox(db, listener);
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

/** Opens an alarm and its worker. `run` must tolerate being called early, late, twice or never. */
export function openAlarm(options: {
  name: AlarmName;
  redisUrl: string;
  logger: Logger;
  run: (id: string) => Promise<unknown>;
}): Alarm {
  const { name, redisUrl, logger, run } = options;
  const address = alarmQueue(name);
  const redis = producerConnection(redisUrl, logger);
  const queue = openQueue<{ id: string }>(address, { redis, logger });
  const worker = new Worker<{ id: string }>(name, (job) => run(job.data.id), {
    prefix: address.prefix,
    connection: workerConnection(redisUrl),
    concurrency: 4,
  });
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
