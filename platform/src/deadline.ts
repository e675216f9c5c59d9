import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * Until when somebody waits for what is being done. A service that calls another says so in the `souk-deadline` header, and whatever the other one does
 * for this request, however deep, finds it here: it gives up no later, and begins nothing for somebody who has gone.
 */
const deadlines = new AsyncLocalStorage<number | undefined>();

/** Runs work that somebody waits for until `deadlineAt` (milliseconds since 1970); undefined when nobody set a limit. */
export function withDeadline<Result>(deadlineAt: number | undefined, work: () => Result): Result {
  return deadlines.run(deadlineAt, work);
}

/** Runs work that has to be done although nobody waits for it any more, such as taking back what was done before. */
export function withoutDeadline<Result>(work: () => Result): Result {
  return deadlines.run(undefined, work);
}

/** The instant until which something may be waited for that may take so long by itself: never after the one until which somebody waits for it. */
export function deadlineWithin(timeoutMs: number): number {
  return Math.min(Date.now() + timeoutMs, deadlines.getStore() ?? Number.POSITIVE_INFINITY);
}

/** How long the answer is still waited for, in milliseconds: 0 when nobody waits any more, Infinity when there is no limit. */
export function timeLeftMs(): number {
  const deadlineAt = deadlines.getStore();
  return deadlineAt === undefined ? Number.POSITIVE_INFINITY : Math.max(0, deadlineAt - Date.now());
}

/** The instant in a `souk-deadline` header; undefined when it is missing or none. */
export function parseDeadline(header: string | string[] | undefined): number | undefined {
  return typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}
