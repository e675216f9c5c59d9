/** Something that is to happen unless it is lifted before. */
export interface TimeLimit {
  /** By `performance.now()`. */
  readonly atMs: number;
  end(): void;
}

/** All limits of this process. */
const limits = new Set<TimeLimit>();
let timer: NodeJS.Timeout | undefined;
let willLookAtMs = Number.POSITIVE_INFINITY;

/**
 * Calls `limit.end` once its time has come. One timer does for all limits, because each request has several and nearly none is reached. When this process was busy until
 * then, what has arrived meanwhile is looked at first, so that nothing is too late only because nobody has looked.
 */
export function setLimit(limit: TimeLimit, nowMs = performance.now()): void {
  limits.add(limit);
  if (limit.atMs < willLookAtMs) lookAt(limit.atMs, nowMs);
}

export function liftLimit(limit: TimeLimit): void {
  limits.delete(limit);
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
  for (const limit of limits) {
    if (limit.atMs > nowMs) {
      nextAtMs = Math.min(nextAtMs, limit.atMs);
      continue;
    }
    limits.delete(limit);
    limit.end();
  }
  if (nextAtMs < willLookAtMs) lookAt(nextAtMs, nowMs);
}
