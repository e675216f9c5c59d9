import type { FieldUsage } from '../check/evidence.ts';
import type { UsageCount } from './registry.ts';

/** For how many days what clients asked for is remembered. */
export const KEPT_DAYS = 90;

/** The first day (`YYYY-MM-DD`, UTC) that a registry still remembers. */
export function firstDayKept(now: Date): string {
  return daysBefore(now, KEPT_DAYS);
}

/** The day (`YYYY-MM-DD`, UTC) so many days before. */
export function daysBefore(now: Date, days: number): string {
  return new Date(now.getTime() - days * 86_400_000).toISOString().slice(0, 10);
}

export interface DayOfUsage extends UsageCount {
  /** `YYYY-MM-DD`, UTC. */
  day: string;
}

/** Adds up what each client version asked for, day by day, to one record for each coordinate. */
export function usageOverDays(days: readonly DayOfUsage[]): FieldUsage[] {
  const records = new Map<string, FieldUsage>();
  for (const { day, contract, client, version, coordinate, requests } of days) {
    const key = JSON.stringify([contract, client, version, coordinate]);
    const known = records.get(key);
    const at = startOf(day);
    records.set(key, {
      contract,
      client,
      version,
      coordinate,
      requests: requests + (known?.requests ?? 0),
      firstSeenAt: known && known.firstSeenAt < at ? known.firstSeenAt : at,
      lastSeenAt: known && known.lastSeenAt > at ? known.lastSeenAt : at,
    });
  }
  return [...records.values()];
}

/** What is counted by days is known to a day. */
export function startOf(day: string): string {
  return `${day}T00:00:00.000Z`;
}
