import cluster, { type Worker as ClusterWorker } from 'node:cluster';
import { setTimeout as delay } from 'node:timers/promises';
import type { ToSupervisor, ToWorker } from './messages.ts';
import { closePendingConnection } from './pending-connection.ts';

/** A worker, as its supervisor sees it. */
export interface Worker {
  pid: number;
  /** Resolves when it works. Rejects when it ends before. */
  ready: Promise<void>;
  /** Resolves when it has ended, to the words that say how. */
  ended: Promise<string>;
  hasWorked(): boolean;
  isLeaving(): boolean;
  livedMs(): number;
  tell(message: ToWorker): void;
  /** Lets it finish, because another one has taken its place. Resolves when it has ended. */
  giveWay(): Promise<void>;
  /** Lets it finish, because the whole gateway stops. Resolves when it has ended. */
  stop(): Promise<void>;
}

export interface WorkerOptions {
  onMessage(worker: Worker, message: ToSupervisor): void;
}

/** A process that has not said that it works after so long will not. */
const READY_TIMEOUT_MS = 60_000;

export function startWorker({ onMessage }: WorkerOptions): Worker {
  const child = cluster.fork();
  closePendingConnection(child);
  const startedAt = Date.now();
  const readiness = Promise.withResolvers<void>();
  // Who starts it hears of it; who only waits for its end need not.
  readiness.promise.catch(() => {});
  let hasWorked = false;
  let isLeaving = false;

  const ended = endOf(child);
  const tooLate = setTimeout(() => child.process.kill('SIGKILL'), READY_TIMEOUT_MS);
  void ended.then((how) => {
    clearTimeout(tooLate);
    readiness.reject(new Error(`Expected a worker to work, and it ${how}.`));
  });

  async function leave(message: ToWorker): Promise<void> {
    isLeaving = true;
    // One that does not listen yet has nothing to finish, and nobody in it hears messages.
    if (hasWorked) worker.tell(message);
    else child.process.kill('SIGTERM');
    await ended;
  }

  const worker: Worker = {
    pid: child.process.pid ?? -1,
    ready: readiness.promise,
    ended,
    hasWorked: () => hasWorked,
    isLeaving: () => isLeaving,
    livedMs: () => Date.now() - startedAt,
    tell(message) {
      // A worker that ends at this very moment hears nothing any more.
      if (child.isConnected()) child.send(message, () => {});
    },
    giveWay: () => leave({ type: 'give-way' }),
    stop: () => leave({ type: 'stop' }),
  };
  child.on('message', (message: ToSupervisor) => {
    if (message.type === 'ready') {
      hasWorked = true;
      clearTimeout(tooLate);
      readiness.resolve();
    }
    onMessage(worker, message);
  });
  return worker;
}

/** Its last words may arrive after the news of its end. */
const LAST_WORDS_MS = 500;

async function endOf(child: ClusterWorker): Promise<string> {
  child.on('error', () => {});
  const closed = new Promise<void>((resolve) => child.on('disconnect', resolve));
  const how = await new Promise<string>((resolve) => {
    child.on('exit', (code, signal) => resolve(signal ? `was ended by ${signal}` : `ended with exit code ${code}`));
  });
  // The line of one that was killed in the middle of a word is never said to be closed.
  await Promise.race([closed, delay(LAST_WORDS_MS)]);
  return how;
}
