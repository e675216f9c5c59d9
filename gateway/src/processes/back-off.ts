import { setTimeout as delay } from 'node:timers/promises';

const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;
/** Who lived for so long did not end because of how it started. */
const LONG_LIFE_MS = 60_000;

export interface BackOff {
  /** Waits before a process that lived for so long is started again: not at all after a long life, and longer each time after short ones. */
  wait(livedMs: number): Promise<void>;
}

export function createBackOff(): BackOff {
  let pauseMs = FIRST_MS;
  return {
    async wait(livedMs) {
      if (livedMs >= LONG_LIFE_MS) {
        pauseMs = FIRST_MS;
        return;
      }
      await delay(pauseMs);
      pauseMs = Math.min(pauseMs * 2, LONGEST_MS);
    },
  };
}
