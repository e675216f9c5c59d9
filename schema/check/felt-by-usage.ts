import type { Assessment } from './assess/assessment.ts';
import type { Felt } from './change.ts';
import type { FieldUsage } from './evidence.ts';

/** Which client versions would feel a change by what they were seen to ask for, each once. */
export function feltByUsage(usage: readonly FieldUsage[], { usedAt }: Pick<Assessment, 'usedAt'>): Felt[] {
  const felt = usage.filter(({ coordinate }) => usedAt.some((used) => isAbout(coordinate, used)));
  const byClient = Map.groupBy(felt, ({ contract, client, version }) => JSON.stringify([contract, client, version]));
  return [...byClient.values()].flatMap(([first, ...rest]) => (first ? [rest.reduce(withLater, first)] : [])).map(told);
}

/** `OrderPlaceInput.*` is about every field of it: in what a client may have sent, and in what may be felt. */
function isAbout(coordinate: string, other: string): boolean {
  return coordinate === other || isOneOf(coordinate, other) || isOneOf(other, coordinate);
}

function isOneOf(coordinate: string, all: string): boolean {
  return all.endsWith('.*') && coordinate.startsWith(all.slice(0, -1));
}

/** One request may ask for several coordinates, so their requests are not added up. */
function withLater(known: FieldUsage, more: FieldUsage): FieldUsage {
  return {
    // What was surely sent says more than what may have been.
    ...(known.coordinate.endsWith('.*') ? more : known),
    requests: Math.max(known.requests, more.requests),
    firstSeenAt: known.firstSeenAt < more.firstSeenAt ? known.firstSeenAt : more.firstSeenAt,
    lastSeenAt: known.lastSeenAt > more.lastSeenAt ? known.lastSeenAt : more.lastSeenAt,
  };
}

function told({ contract, client, version, coordinate, requests, firstSeenAt, lastSeenAt }: FieldUsage): Felt {
  const what = coordinate.endsWith('.*') ? 'may have sent it in a variable' : 'asked for it';
  const how = `${what} ${requests} ${requests === 1 ? 'time' : 'times'}`;
  return { contract, client, version, operation: null, how, since: firstSeenAt, lastSeenAt };
}
