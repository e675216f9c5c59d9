import type { GraphQLSchema } from 'graphql';
import type { FieldUsage } from '../check/evidence.ts';
import type { Contract } from '../contracts.ts';
import { daysBefore } from '../registry/usage-days.ts';
import { askableIn } from './askable.ts';

/** Who asked for what, as far as anybody counted. */
export interface UsageReport {
  /** The days that were looked at, today included as far as it has come: `YYYY-MM-DD`, UTC. */
  since: string;
  days: number;
  /** Those of them that are over and on which somebody counted. */
  daysRecorded: number;
  /** Whether somebody counted on each of them: only then what nobody was seen to ask for is unused. */
  isComplete: boolean;
  fields: readonly ReportedField[];
}

export interface ReportedField {
  contract: Contract;
  coordinate: string;
  deprecationReason: string | undefined;
  requests: number;
  /** `YYYY-MM-DD`; undefined when nobody asked for it. */
  lastSeenOn: string | undefined;
  /** Those who asked most first. */
  clients: readonly FieldUsage[];
}

export interface UsageQuestion {
  usage: readonly FieldUsage[];
  daysRecorded: readonly string[];
  /** What clients of each contract may ask for; those that are not there are not told of. */
  schemas: ReadonlyMap<Contract, GraphQLSchema>;
  now: Date;
  days: number;
  /** A coordinate, such as `Order.note`, or a type. */
  field?: string | undefined;
  client?: string | undefined;
}

export function usageReport({ usage, daysRecorded, schemas, now, days, field, client }: UsageQuestion): UsageReport {
  const since = daysBefore(now, days);
  const over = daysRecorded.filter((day) => day >= since && day < daysBefore(now, 0));
  const wanted = client === undefined ? usage : usage.filter((record) => record.client === client);
  const fields = [...schemas].flatMap(([contract, schema]) => {
    const seen = Map.groupBy(
      wanted.filter((record) => record.contract === contract),
      ({ coordinate }) => coordinate,
    );
    // What comes in a variable is recorded for its type.
    const seenFor = (coordinate: string) =>
      [coordinate, coordinate.replace(/\..*/, '.*')].flatMap((recorded) => seen.get(recorded) ?? []);
    return askableIn(schema)
      .filter(({ coordinate }) => field === undefined || isPartOf(coordinate, field))
      .map((asked) => reported({ contract, ...asked }, seenFor(asked.coordinate)));
  });
  return { since, days, daysRecorded: over.length, isComplete: over.length === days, fields };
}

/** What nobody asked for, what is deprecated first. The arguments of a field that nobody asked for are not told of one by one. */
export function unusedOf({ fields }: UsageReport): ReportedField[] {
  const unused = fields.filter(({ requests }) => requests === 0);
  const names = new Set(unused.map(nameOf));
  const goesWithoutSaying = ({ contract, coordinate }: ReportedField) => {
    const [field = '', argument] = coordinate.split('(');
    return argument !== undefined && names.has(nameOf({ contract, coordinate: field }));
  };
  const isDeprecated = ({ deprecationReason }: ReportedField) => Number(deprecationReason !== undefined);
  return unused.filter((field) => !goesWithoutSaying(field)).sort((a, b) => isDeprecated(b) - isDeprecated(a));
}

function nameOf({ contract, coordinate }: Pick<ReportedField, 'contract' | 'coordinate'>): string {
  return `${contract} ${coordinate}`;
}

function isPartOf(coordinate: string, field: string): boolean {
  return coordinate === field || coordinate.startsWith(`${field}(`) || coordinate.startsWith(`${field}.`);
}

function reported(
  field: Pick<ReportedField, 'contract' | 'coordinate' | 'deprecationReason'>,
  usage: readonly FieldUsage[],
): ReportedField {
  const seen = usage.map(({ lastSeenAt }) => lastSeenAt.slice(0, 10)).sort();
  return {
    ...field,
    requests: usage.reduce((sum, { requests }) => sum + requests, 0),
    lastSeenOn: seen.at(-1),
    clients: usage.toSorted((a, b) => b.requests - a.requests),
  };
}
