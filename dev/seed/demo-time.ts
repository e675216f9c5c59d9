/** The demo's history lies between two fixed days, so that it is the same whenever it is told. */
export const OPENING_DAY = new Date('2025-09-01T07:00:00Z');
export const LAST_DAY = new Date('2026-10-31T18:00:00Z');

/** Orders that wait for payment in the demo go on waiting, and so do the holds on their stock. */
export const FAR_AWAY = new Date('2099-12-31T23:59:59Z');

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

export function after(instant: Date, milliseconds: number): Date {
  return new Date(instant.getTime() + milliseconds);
}
