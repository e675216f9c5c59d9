import type { Lend } from '../limits/slots.ts';

/** Requests of clients that wait for one subgraph. */
export interface Waits {
  /**
   * One more waits.
   *
   * @param lend lets another request have its place in the gateway
   * @returns how to say that it waits no more, and whether that is because the subgraph has answered
   */
  begin(lend: Lend | undefined): (isAnswered: boolean) => void;
}

interface Wait {
  lend: Lend | undefined;
  takeBack?: (() => void) | undefined;
}

/** A subgraph that is slow under load still answers somebody all the time. */
const STALLED_AFTER_MS = 100;

/**
 * Notices when a subgraph *stalls*: when there are requests for it, and it has answered none of them for a while. As long as it does, they hold no place among
 * those that the gateway works on: there is nothing to work on, and others would be refused for it. How many may wait, the bulkhead of the subgraph says.
 */
export function createWaits(stalledAfterMs = STALLED_AFTER_MS): Waits {
  const waiting = new Set<Wait>();
  let isStalled = false;
  let answeredAtMs = 0;
  let willLook = false;

  function lookIn(afterMs: number): void {
    if (willLook) return;
    willLook = true;
    setTimeout(look, afterMs).unref();
  }

  function look(): void {
    willLook = false;
    if (waiting.size === 0 || isStalled) return;
    const silentMs = performance.now() - answeredAtMs;
    if (silentMs < stalledAfterMs) lookIn(stalledAfterMs - silentMs);
    else stall();
  }

  function stall(): void {
    isStalled = true;
    for (const wait of waiting) wait.takeBack = wait.lend?.();
  }

  function goOn(): void {
    isStalled = false;
    for (const wait of waiting) {
      wait.takeBack?.();
      wait.takeBack = undefined;
    }
    lookIn(stalledAfterMs);
  }

  return {
    begin(lend) {
      if (waiting.size === 0) answeredAtMs = performance.now();
      const wait: Wait = { lend, takeBack: isStalled ? lend?.() : undefined };
      waiting.add(wait);
      lookIn(stalledAfterMs);
      return (isAnswered) => {
        waiting.delete(wait);
        wait.takeBack?.();
        if (isAnswered) answeredAtMs = performance.now();
        if (isStalled && (isAnswered || waiting.size === 0)) goOn();
      };
    },
  };
}
