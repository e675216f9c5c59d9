import type { FieldUsage } from '../check/evidence.ts';
import type { UsageCount } from './registry.ts';

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
    const at = `${day}T00:00:00.000Z`;
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
