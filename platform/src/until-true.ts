import { setTimeout as delay } from 'node:timers/promises';

const EVERY_MS = 1_000;

/**
 * Asks a question every second until the answer is yes; a question that fails is asked again.
 *
 * @returns whether there was a yes, or `signal` came first
 */
export async function untilTrue(
  question: (signal: AbortSignal) => Promise<boolean>,
  signal: AbortSignal,
): Promise<boolean> {
  for (;;) {
    await delay(EVERY_MS, undefined, { signal, ref: false }).catch(() => {});
    if (signal.aborted) return false;
    if (await question(signal).catch(() => false)) return true;
  }
}
