import { type Change, fails, idOf } from '../change.ts';
import type { Report } from '../check.ts';
import type { Place } from '../subgraph-sdl.ts';
import { feltText } from './wording.ts';

/** A report as a flat list, as tools that annotate code want it. */
export interface Finding {
  level: 'error' | 'warning' | 'note';
  /** What kind it is: a code of composition, `lint/<rule>`, or the kind of a change. */
  rule: string;
  title: string;
  text: string;
  place: Place | null;
}

/** Everything of a report that somebody should look at; safe changes are not among it. */
export function findingsOf({ composition, lint, changes }: Report): Finding[] {
  return [
    ...composition.map(({ code, message, cause, fix, places }) => ({
      level: 'error' as const,
      rule: code,
      title: 'The graph does not compose',
      text: `${message}\n${cause}\n${fix}`,
      place: places[0] ?? null,
    })),
    ...changes.filter(({ verdict }) => verdict !== 'safe').map(ofChange),
    ...lint.map(({ rule, message, hint, place }) => ({
      level: 'error' as const,
      rule: `lint/${rule}`,
      title: `Lint: ${rule}`,
      text: `${message}\n${hint}`,
      place,
    })),
  ];
}

function ofChange(change: Change): Finding {
  const { kind, verdict, message, reason, remedy, feltBy, approval, place } = change;
  const lines = [message, reason, ...feltBy.map(feltText), ...(remedy ? [remedy] : [])];
  return {
    level: fails(change) ? 'error' : 'warning',
    rule: kind,
    title: `${verdict}: ${idOf(change)}`,
    text: [...lines, ...(approval ? [`Approved: ${approval}`] : [])].join('\n'),
    place,
  };
}
