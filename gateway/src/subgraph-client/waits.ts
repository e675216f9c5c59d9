import { Chain, Link } from '@souk/platform/chain';
import type { Lend } from '../limits/slots.ts';

/** Requests of clients that wait for one subgraph. */
export interface Waits {
  /** One more waits. `lend` lets another request have its place in the gateway. */
  begin(lend: Lend | undefined): Wait;
  /** It waits no more; whether that is because the subgraph has answered. */
  end(wait: Wait, isAnswered: boolean): void;
}

export class Wait extends Link {
  readonly #lend: Lend | undefined;
  #takeBack: (() => void) | undefined;

  constructor(lend: Lend | undefined) {
    super();
    this.#lend = lend;
  }

  lendPlace(): void {
    this.#takeBack = this.#lend?.();
  }

  takePlaceBack(): void {
    this.#takeBack?.();
    this.#takeBack = undefined;
  }
}

/** A subgraph that is slow under load still answers somebody all the time. */
const STALLED_AFTER_MS = 100;

/**
 * Notices when a subgraph *stalls*: when there are requests for it, and it has answered none of them for a while. As long as it does, they hold no place among
 * those that the gateway works on: there is nothing to work on, and others would be refused for it. How many may wait, the bulkhead of the subgraph says.
 */
export function createWaits(stalledAfterMs = STALLED_AFTER_MS): Waits {
  const waiting = new Chain<Wait>();
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
    if (waiting.isEmpty || isStalled) return;
    const silentMs = performance.now() - answeredAtMs;
    if (silentMs < stalledAfterMs) lookIn(stalledAfterMs - silentMs);
    else stall();
  }

  function stall(): void {
    isStalled = true;
    for (const wait of waiting.members()) wait.lendPlace();
  }

  function goOn(): void {
    isStalled = false;
    for (const wait of waiting.members()) wait.takePlaceBack();
    lookIn(stalledAfterMs);
  }

  return {
    begin(lend) {
      if (waiting.isEmpty) answeredAtMs = performance.now();
      const wait = new Wait(lend);
      if (isStalled) wait.lendPlace();
      waiting.add(wait);
      lookIn(stalledAfterMs);
      return wait;
    },
    end(wait, isAnswered) {
      wait.unlink();
      wait.takePlaceBack();
      if (isAnswered) answeredAtMs = performance.now();
      if (isStalled && (isAnswered || waiting.isEmpty)) goOn();
    },
  };
}
