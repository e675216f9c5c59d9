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
 */
export function startPolling({
  look,
  everyMs,
  onError,
}: {
  look: () => Promise<number>;
  everyMs: number;
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
      await Promise.race([waker.promise, delay(everyMs, undefined, { signal: stopping.signal }).catch(() => {})]);
    }
  }

  const running = run();
  return {
    wake: () => waker.resolve(),
    async close() {
      stopping.abort();
      await running;
    },
  };
}
