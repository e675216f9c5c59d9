import { Chain, Link } from './chain.ts';

/** Something that is to happen unless it is lifted before. */
export abstract class TimeLimit extends Link {
  /** By `performance.now()`. */
  readonly endsAtMs: number;

  constructor(endsAtMs: number) {
    super();
    this.endsAtMs = endsAtMs;
  }

  abstract timeIsUp(): void;
}

/** All limits of this process. */
const limits = new Chain<TimeLimit>();
let timer: NodeJS.Timeout | undefined;
let willLookAtMs = Number.POSITIVE_INFINITY;

/**
 * Calls `limit.timeIsUp` once its time has come. One timer does for all limits, because each request has several and nearly none is reached. When this process was busy
 * until then, what has arrived meanwhile is looked at first, so that nothing is too late only because nobody has looked.
 */
export function setLimit(limit: TimeLimit, nowMs = performance.now()): void {
  limits.add(limit);
  if (limit.endsAtMs < willLookAtMs) lookAt(limit.endsAtMs, nowMs);
}

export function liftLimit(limit: TimeLimit): void {
  limit.unlink();
}

function lookAt(atMs: number, nowMs: number): void {
  willLookAtMs = atMs;
  clearTimeout(timer);
  timer = setTimeout(() => setImmediate(look), Math.max(0, Math.ceil(atMs - nowMs))).unref();
}

function look(): void {
  const nowMs = performance.now();
  willLookAtMs = Number.POSITIVE_INFINITY;
  let nextAtMs = Number.POSITIVE_INFINITY;
  for (const limit of limits.members()) {
    if (limit.endsAtMs > nowMs) {
      nextAtMs = Math.min(nextAtMs, limit.endsAtMs);
    } else if (limit.isLinked) {
      liftLimit(limit);
      limit.timeIsUp();
    }
  }
  if (nextAtMs < willLookAtMs) lookAt(nextAtMs, nowMs);
}
