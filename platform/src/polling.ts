import { setTimeout as delay } from 'node:timers/promises';

export interface Polling {
  /** Has it look now. */
  wake(): void;
  /** Lets a look under way finish. */
  close(): Promise<void>;
}

/**
 * Looks for work again and again: at once after there was some, otherwise when it is woken, and after `everyMs` in any case. What fails is told and tried again.
 *
 * @param look does what there is to do, and says how much that was
 * @param jitter the part of `everyMs` by which each wait is at most longer or shorter, at random, so that many who look do not do it together. Default: none
 */
export function startPolling({
  look,
  everyMs,
  jitter = 0,
  onError,
}: {
  look: () => Promise<number>;
  everyMs: number;
  jitter?: number;
  onError: (error: unknown) => void;
}): Polling {
  const stopping = new AbortController();
  let waker = Promise.withResolvers<void>();

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      waker = Promise.withResolvers();
      const done = await look().catch((error: unknown) => {
        onError(error);
        return 0;
      });
      if (done > 0) continue;
      await Promise.race([waker.promise, delay(pauseMs(), undefined, { signal: stopping.signal }).catch(() => {})]);
    }
  }

  const pauseMs = () => everyMs * (1 + jitter * (Math.random() * 2 - 1));
  const running = run();
  return {
    wake: () => waker.resolve(),
    async close() {
      stopping.abort();
      await running;
    },
  };
}
