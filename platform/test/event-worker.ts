import { setTimeout as delay } from 'node:timers/promises';
import { openDatabase } from '../src/database.ts';
import { startEventWorkers } from '../src/event-workers.ts';
import type { AnyEventHandlers, SoukEvent } from '../src/events.ts';
import { createLogger } from '../src/logger.ts';
import { effects } from './effects.ts';

/**
 * A listener as a process of its own, for tests that kill or freeze it: `event-worker.ts <database> <redis> <lock in ms> <pause in ms>`.
 * It says "begun" in the middle of each effect and pauses there.
 */
const [url = '', redisUrl = '', lockMs, pauseMs] = process.argv.slice(2);
const { db } = openDatabase({ url });
const handlers: AnyEventHandlers = {
  'order.canceled': async (tx, { aggregateId, payload }: SoukEvent<'order.canceled'>) => {
    await tx.insert(effects).values({ aggregateId, status: payload.status });
    process.stdout.write('begun\n');
    await delay(Number(pauseMs));
  },
};
const logger = createLogger('listener', { level: 'silent' });
startEventWorkers({ service: 'payment', db, redisUrl, handlers, logger, lockMs: Number(lockMs) });
