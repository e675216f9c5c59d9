import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@souk/platform/logger';
import type { Contract } from '@souk/schema/contracts';
import type { Registry, UsageBatch } from '@souk/schema/registry/registry';
import { usageReports, usageReportsWaiting } from './metrics.ts';
import { type CountUsage, createUsageCounts, type UsageCounts } from './usage-counts.ts';

/** Counts what clients ask for, and tells the schema registry now and then. */
export interface UsageRecording {
  /** Counts what clients of one contract ask for. */
  counting(contract: Contract): CountUsage;
  /** Tells what there is to tell, now. */
  flush(): Promise<void>;
  /** Tells the rest, and stops. A registry that does not answer keeps nobody from leaving. */
  close(): Promise<void>;
}

export interface UsageRecordingOptions {
  registry: Pick<Registry, 'recordUsage'>;
  /** How often the registry is told. */
  everyMs: number;
  logger: Logger;
  counts?: UsageCounts;
  now?: () => Date;
}

/** How much one report says, so that it fits into a request. */
const MAX_COUNTS = 5_000;
/** While so many reports wait, because the registry is away, what is asked for goes on being added up in memory, and belongs to the day on which there is room. */
const MAX_WAITING = 50;
/** How long leaving may take. */
const LAST_REPORT_MS = 5_000;

/**
 * Reports are numbered, and one that failed comes again as it was, until it is taken: the registry adds none twice, so nothing is lost or doubled
 * when nobody knows what became of it. While one waits, what comes after it is added up in memory.
 */
export function recordUsage(options: UsageRecordingOptions): UsageRecording {
  const { registry, everyMs, logger, counts = createUsageCounts(), now = () => new Date() } = options;
  const source = randomUUID();
  const waiting: UsageBatch[] = [];
  const leaving = new AbortController();
  let sequence = 0;
  let day = dayOf(now());
  /** The day of which the registry knows that somebody counts. */
  let toldDay: string | undefined;
  let hasFailed = false;
  let underWay: Promise<void> | undefined;

  function report(): void {
    const today = dayOf(now());
    if (waiting.length < MAX_WAITING && (waiting.length === 0 || today !== day)) {
      const taken = counts.take();
      // Even that nobody asked for anything is worth knowing, once a day.
      if (taken.length > 0 || toldDay !== day) {
        for (let start = 0; start === 0 || start < taken.length; start += MAX_COUNTS) {
          waiting.push({ source, sequence: ++sequence, day, usage: taken.slice(start, start + MAX_COUNTS) });
        }
        toldDay = day;
      }
      if (today !== day) counts.forgetClients();
    }
    day = today;
  }

  async function send(): Promise<void> {
    report();
    try {
      for (let first = waiting[0]; first; first = waiting[0]) {
        await registry.recordUsage(first);
        waiting.shift();
        usageReports.inc({ outcome: 'recorded' });
      }
      if (hasFailed) logger.info('the schema registry takes reports of usage again');
      hasFailed = false;
    } catch (error) {
      usageReports.inc({ outcome: 'failed' });
      if (!hasFailed) logger.warn({ err: error }, 'the schema registry does not take reports of usage; they wait');
      hasFailed = true;
    } finally {
      usageReportsWaiting.set(waiting.length);
    }
  }

  /** One at a time, so that reports arrive in order. */
  function flush(): Promise<void> {
    const before = underWay ?? Promise.resolve();
    const flushed = before.then(send).finally(() => {
      if (underWay === flushed) underWay = undefined;
    });
    underWay = flushed;
    return flushed;
  }

  async function run(): Promise<void> {
    while (!leaving.signal.aborted) {
      const waitMs = Math.min(everyMs, untilTomorrowMs(now()));
      await delay(waitMs, undefined, { signal: leaving.signal, ref: false }).catch(() => {});
      if (!leaving.signal.aborted) await flush();
    }
  }
  void run();

  return {
    counting: (contract) => (coordinates) => counts.operation(contract, coordinates),
    flush,
    async close() {
      leaving.abort();
      await Promise.race([flush(), delay(LAST_REPORT_MS, undefined, { ref: false })]);
      if (waiting.length > 0)
        logger.warn({ reports: waiting.length }, 'reports of usage are lost: the schema registry did not take them');
    },
  };
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}

const DAY_MS = 86_400_000;

/** Days are told apart, so each is told of by itself. */
function untilTomorrowMs(date: Date): number {
  return DAY_MS - (date.getTime() % DAY_MS);
}
