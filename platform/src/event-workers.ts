import { context, propagation } from '@opentelemetry/api';
import { DelayedError, type Job, UnrecoverableError, Worker } from 'bullmq';
import { type Database, isStoreAway } from './database.ts';
import { type AnyEventHandlers, type EventType, producersFor, type SoukEvent } from './events.ts';
import type { ServiceName } from './identity.ts';
import { countFailure, pruneInbox, receive } from './inbox.ts';
import { startSweep, type Workers, wakeRelay } from './jobs.ts';
import type { Logger } from './logger.ts';
import { closeInTime, eventQueue, inTime, unreachable, workerConnection } from './queues.ts';

/** An event that has failed so often is parked; sent again, it is tried as often again. */
const MAX_FAILURES = 10;
/** A listener whose store is away is asked again this often; that says nothing about the event, so it is no failure. */
const AWAY_RETRY_MS = 1_000;
/** How long an event stays with a worker that gives no sign of life. Then another takes it over, within twice this time. */
const LOCK_MS = 10_000;

type EventJob = Job<SoukEvent & { trace: Record<string, string> }>;

/** Lets the facts of other subgraphs take effect here: one worker for each producer this service listens to. */
export function startEventWorkers(options: {
  service: ServiceName;
  db: Database;
  redisUrl: string;
  handlers: AnyEventHandlers;
  logger: Logger;
  /** Default 10,000. */
  lockMs?: number;
  /** Default 60,000. */
  pruneEveryMs?: number;
}): Workers {
  const { service, db, redisUrl, handlers, logger, lockMs = LOCK_MS, pruneEveryMs = 60_000 } = options;
  const producers = producersFor(service);
  // Who listens to nobody has no inbox either.
  if (producers.length === 0) return { close: async () => {} };
  const workers = producers.map((producer) => {
    const { name, prefix } = eventQueue(producer, service);
    const worker = new Worker<EventJob['data']>(name, handle, {
      prefix,
      connection: workerConnection(redisUrl),
      concurrency: 8,
      lockDuration: lockMs,
      stalledInterval: lockMs / 2,
      // A worker killed in the middle leaves a stalled job behind. That says little about the event, unless it happens again and again.
      maxStalledCount: 100,
      settings: { backoffStrategy: retryDelayMs },
    });
    worker.on('error', unreachable(logger));
    return worker;
  });

  async function handle(job: EventJob, token?: string): Promise<void> {
    const { trace, ...event } = job.data;
    const revived = { ...event, occurredAt: new Date(event.occurredAt) } as SoukEvent<EventType>;
    try {
      await context.with(propagation.extract(context.active(), trace ?? {}), () =>
        receive(db, handlers, revived).catch((error: unknown) => fail(revived.id, error)),
      );
    } catch (error) {
      if (!isStoreAway(error)) throw error;
      await job.moveToDelayed(Date.now() + AWAY_RETRY_MS * (0.5 + Math.random()), token);
      throw new DelayedError();
    }
    wakeRelay(db);
  }

  /** @throws the error, so that the event is tried again, or one that parks it */
  async function fail(eventId: string, error: unknown): Promise<never> {
    if (isStoreAway(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const failures = await countFailure(db, eventId, reason);
    if (failures % MAX_FAILURES === 0) throw new UnrecoverableError(reason);
    throw error;
  }

  const pruning = startSweep({ name: 'inbox-prune', everyMs: pruneEveryMs, run: () => pruneInbox(db) }, logger);
  return {
    async close() {
      await Promise.all([closeInTime(...workers), inTime(pruning.close()).catch(() => {})]);
    },
  };
}

/** Ten tries take about half a minute together. */
const retryDelayMs = (attempts: number) => Math.min(100 * 2 ** (attempts - 1), 10_000) * (0.75 + Math.random() / 2);
