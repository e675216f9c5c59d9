import cluster from 'node:cluster';
import { createLogger, type Logger } from '@souk/platform/logger';
import closeWithGrace from 'close-with-grace';
import { createBackOff } from './back-off.ts';
import { collectMetrics } from './metrics.ts';
import { startWorker, type Worker } from './worker-handle.ts';

export interface SupervisorOptions {
  /** How many workers there are to be. */
  processes: number;
  /** Where they listen, for the log. */
  host: string;
  port: number;
  /** How long requests under way may take when a worker leaves. */
  drainTimeoutMs: number;
  logLevel: string;
}

/** The workers end within twice DRAIN_TIMEOUT by themselves; one that does not ends with the supervisor a little later. */
const SLACK_MS = 1_000;

/**
 * Keeps several processes of the gateway behind one port, and does nothing else. It holds the port and hands each connection to the next worker in turn.
 *
 * - a worker that ends by itself is replaced, after a while when that happens again and again
 * - SIGHUP replaces all workers one after another: a new one works before an old one leaves, so nobody notices
 * - SIGTERM and SIGINT stop all workers at once, each as a gateway of one process stops
 *
 * When no worker can be started at first, the supervisor ends with exit code 1, as a gateway of one process does.
 */
export async function supervise({ processes, host, port, drainTimeoutMs, logLevel }: SupervisorOptions): Promise<void> {
  const logger = createLogger('gateway', { level: logLevel });
  // Whoever is asked by the kernel's choice may get nearly all: https://nodejs.org/api/cluster.html#how-it-works
  cluster.schedulingPolicy = cluster.SCHED_RR;
  const workers = new Set<Worker>();
  const backOff = createBackOff();
  const metrics = collectMetrics(() => workers);
  let stopping = false;
  let failure: unknown;

  const grace = closeWithGrace(
    { delay: drainTimeoutMs * 2 + SLACK_MS, logger: false, skip: ['SIGHUP'] },
    async ({ err, signal }) => {
      stopping = true;
      if (err) logger.fatal({ err }, 'stopping all workers after an unexpected error');
      else logger.info({ signal }, 'stopping all workers');
      await Promise.all([...workers].map((worker) => worker.stop()));
      // Whoever rejects here ends with exit code 1.
      if (failure) throw failure;
    },
  );

  /** Resolves when it works. @throws when it ends before */
  async function start(): Promise<Worker> {
    const worker = startWorker({ onMessage: metrics.hear });
    workers.add(worker);
    void worker.ended.then((how) => {
      workers.delete(worker);
      metrics.forget(worker);
      if (worker.isLeaving() || stopping) return;
      logger.error({ pid: worker.pid, how }, 'a worker has ended by itself');
      if (worker.hasWorked()) void replaceLost(worker);
    });
    await worker.ready;
    logger.info({ pid: worker.pid }, 'a worker works');
    return worker;
  }

  async function replaceLost({ livedMs }: Worker): Promise<void> {
    for (let lived = livedMs(); isShort(); ) {
      await backOff.wait(lived);
      // Somebody else may have come meanwhile.
      if (!isShort()) return;
      metrics.countReplacement();
      const startedAt = Date.now();
      await start().catch(() => {});
      lived = Date.now() - startedAt;
    }
  }

  const staying = () => [...workers].filter((worker) => !worker.isLeaving());
  const isShort = () => !stopping && staying().length < processes;

  const roll = oneAtATime(async () => {
    logger.info('replacing all workers');
    for (const old of staying()) {
      if (stopping) return;
      if (!workers.has(old)) continue;
      try {
        await start();
      } catch (error) {
        if (!stopping) logger.error({ err: error }, 'a new worker does not work; those that were there go on');
        return;
      }
      await old.giveWay();
    }
    logger.info('all workers are replaced');
  });
  process.on('SIGHUP', () => void roll());

  try {
    await Promise.all(Array.from({ length: processes }, start));
    logger.info({ host, port, processes }, 'ready');
  } catch (error) {
    failToStart(error, logger);
  }

  function failToStart(error: unknown, log: Logger): void {
    if (stopping) return;
    log.fatal({ err: error }, 'the workers cannot be started');
    failure = error;
    grace.close();
  }
}

/** Whoever asks while it is being done is served by doing it once more afterwards. */
function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let underWay: Promise<void> | undefined;
  let isWantedAgain = false;
  return async () => {
    if (underWay) {
      isWantedAgain = true;
      return underWay;
    }
    do {
      isWantedAgain = false;
      underWay = work();
      await underWay;
    } while (isWantedAgain);
    underWay = undefined;
  };
}
