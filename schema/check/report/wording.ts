import { type Change, type Felt, fails, idOf, type Verdict } from '../change.ts';
import type { Report } from '../check.ts';

/** `shop-app 1.4.0: ReadOrder selects it (storefront, since 2026-05-02)`. */
export function feltText({ contract, client, version, operation, how, since, lastSeenAt }: Felt): string {
  const times = [since ? `since ${day(since)}` : null, lastSeenAt ? `last on ${day(lastSeenAt)}` : null];
  const facts = [contract, ...times.filter((time) => time !== null)].join(', ');
  return `${client} ${version}: ${operation ? `${operation} ` : ''}${how} (${facts})`;
}

function day(instant: string): string {
  return instant.slice(0, 10);
}

/** The outcome in one sentence. */
export function outcome({ passed, composition, lint, changes, operations, usageDays }: Report): string {
  const known = [count(operations, 'registered operation') ?? 'no registered operation', requestsOf(usageDays)].join(
    '',
  );
  if (passed) return changes.length === 0 ? `Nothing changes for ${known}.` : `It may ship: none of ${known} breaks.`;
  const counts = [
    count(composition.length, 'reason why it does not compose', 'reasons why it does not compose'),
    ...(['breaking', 'exposing'] as const).map((verdict) =>
      count(changes.filter((change) => change.verdict === verdict && fails(change)).length, `${verdict} change`),
    ),
    count(lint.length, 'finding of lint', 'findings of lint'),
  ];
  return `It must not ship: ${counts.filter((text) => text !== null).join(', ')}.`;
}

function requestsOf(days: number): string {
  return days === 0 ? '' : ` and the requests of ${days} ${days === 1 ? 'day' : 'days'}`;
}

function count(number: number, one: string, several = `${one}s`): string | null {
  return number === 0 ? null : `${number} ${number === 1 ? one : several}`;
}

/** Changes of one verdict by their kinds: `8 FIELD_ADDED, 1 TYPE_ADDED`. */
export function kindsOf(changes: readonly Change[]): string {
  const counts = Map.groupBy(changes, ({ kind }) => kind);
  return [...counts].map(([kind, of]) => `${of.length} ${kind}`).join(', ');
}

export const verdictMeanings: Record<Verdict, string> = {
  breaking: 'clients would feel it',
  exposing: 'somebody sees what was kept from them',
  dangerous: 'nobody known breaks, but look',
  safe: 'nothing to do',
};

/** What to commit so that a change that fails is let through. */
export function approvalText(change: Change): string {
  return JSON.stringify({ change: idOf(change), reason: '…', until: 'YYYY-MM-DD' });
}
