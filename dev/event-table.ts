import { styleText } from 'node:util';
import type { Amount, ParkedEvent, Route } from './event-routes.ts';

/** How many events have not reached each listener, for people. */
export function routeTable(routes: readonly Route[], out: NodeJS.WriteStream = process.stdout): string {
  const head = line('from', 'to', 'waiting', 'under way', 'parked');
  const lines = routes.map(({ producer, listener, waiting, underWay, parked }) => {
    const text = line(producer, listener, shown(waiting), shown(underWay), shown(parked));
    return parked.count > 0 ? styleText('red', text, { stream: out }) : text;
  });
  return `${[styleText('dim', head, { stream: out }), ...lines].join('\n')}\n`;
}

/** Parked events, each with its reason. */
export function parkedTable(parked: readonly ParkedEvent[]): string {
  if (parked.length === 0) return 'Nothing is parked.\n';
  return parked
    .map(({ eventId, type, producer, listener, aggregateId, occurredAt, reason }) => {
      const age = ageOf((Date.now() - occurredAt.getTime()) / 1_000);
      return `${eventId}  ${type}  ${producer} → ${listener}  ${aggregateId}  ${age} ago\n    ${reason ?? 'sent again'}\n`;
    })
    .join('');
}

function line(...[from = '', to = '', ...amounts]: string[]): string {
  return [from.padEnd(8), to.padEnd(8), ...amounts.map((amount) => amount.padStart(16))].join(' ').trimEnd();
}

function shown({ count, oldestSeconds }: Amount): string {
  return oldestSeconds === null ? '–' : `${count} (${ageOf(oldestSeconds)})`;
}

/** The largest unit that says something, as `3 h`. */
function ageOf(seconds: number): string {
  const [unit, size] = units.find(([, length]) => seconds >= length) ?? ['s', 1];
  return `${Math.max(0, Math.floor(seconds / size))} ${unit}`;
}

const units = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
] as const;
