/**
 * A deprecation is a promise with a date: `@deprecated(reason: "Use status. Removal not before 2027-01-31.")`. Until that day what is deprecated
 * stays. `Removed after 2027-01-31.` is understood too, and means the day after.
 */
export type Deprecation =
  | { state: 'none' }
  /** Somebody was warned, but nobody knows until when they have time. */
  | { state: 'undated' }
  /** It stays at least until this day. */
  | { state: 'promised'; until: string }
  /** Since this day it may go. */
  | { state: 'due'; since: string };

/** What was promised to clients, as of `today` (both `YYYY-MM-DD`, UTC). */
export function deprecationOf(reason: string | null | undefined, today: string): Deprecation {
  if (reason === null || reason === undefined) return { state: 'none' };
  const day = firstDayWithout(reason);
  if (day === undefined) return { state: 'undated' };
  return today < day ? { state: 'promised', until: day } : { state: 'due', since: day };
}

/** The first day on which what carries this reason may be gone; undefined when the reason names no day that exists. */
export function firstDayWithout(reason: string): string | undefined {
  const [, words, text] = /\b(removal not before|removed after) (\d{4}-\d\d-\d\d)\b/i.exec(reason) ?? [];
  if (!words || !text) return undefined;
  const day = new Date(`${text}T00:00:00Z`);
  if (Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== text) return undefined;
  if (words.toLowerCase() === 'removed after') day.setUTCDate(day.getUTCDate() + 1);
  return day.toISOString().slice(0, 10);
}
