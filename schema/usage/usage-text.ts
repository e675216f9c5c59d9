import { type ReportedField, type UsageReport, unusedOf } from './usage-report.ts';

/** Every field that was asked for: how often, when last, by whom. */
export function usedText(report: UsageReport): string {
  const used = report.fields.filter(({ requests }) => requests > 0);
  const lines = used.map(
    (field) => `${columnsOf(field, used)}  ${field.lastSeenOn}  ${clientsOf(field)}${mark(field)}`,
  );
  return text(byContract(used, lines), coverage(report));
}

/** One field, or those of one type, with each client version. */
export function fieldText(report: UsageReport): string {
  const lines = report.fields.flatMap((field) => [
    `${field.coordinate}  ${field.contract}  ${requestsText(field.requests)}${mark(field)}`,
    ...field.clients.map(
      ({ client, version, requests, firstSeenAt, lastSeenAt, coordinate }) =>
        `  ${client} ${version}  ${requestsText(requests)}, ${firstSeenAt.slice(0, 10)} to ${lastSeenAt.slice(0, 10)}${maybe(coordinate)}`,
    ),
  ]);
  return text(lines, coverage(report));
}

/** What nobody asked for, and how much is known about that. */
export function unusedText(report: UsageReport): string {
  const unused = unusedOf(report);
  const lines = unused.map((field) => `  ${field.coordinate}${mark(field)}`);
  const title = report.isComplete
    ? `Unused for ${report.days} days: ${unused.length} of ${report.fields.length}.`
    : `Not asked for while somebody counted: ${unused.length} of ${report.fields.length}.`;
  return text(byContract(unused, lines), `${title} ${coverage(report)}`);
}

function coverage({ since, days, daysRecorded, isComplete }: UsageReport): string {
  if (isComplete) return `Somebody counted on each of the ${days} days since ${since}.`;
  const counted = daysRecorded === 0 ? 'On none' : `On ${daysRecorded}`;
  return `${counted} of the ${days} days since ${since} somebody counted the whole day: what nobody asked for on the others, nobody knows.`;
}

function byContract(fields: readonly ReportedField[], lines: readonly string[]): string[] {
  return lines.flatMap((line, at) => {
    const contract = fields[at]?.contract;
    return contract === fields[at - 1]?.contract ? [line] : [...(at === 0 ? [] : ['']), contract ?? '', line];
  });
}

function columnsOf({ coordinate, requests }: ReportedField, all: readonly ReportedField[]): string {
  const width = Math.min(60, Math.max(...all.map((field) => field.coordinate.length)));
  return `  ${coordinate.padEnd(width)}  ${requestsText(requests).padStart(18)}`;
}

const MOST_SHOWN = 4;

function clientsOf({ clients }: ReportedField): string {
  const names = clients
    .slice(0, MOST_SHOWN)
    .map(({ client, version, coordinate }) => `${client} ${version}${maybe(coordinate)}`);
  return [...names, ...(clients.length > MOST_SHOWN ? [`${clients.length - MOST_SHOWN} more`] : [])].join(', ');
}

/** What comes in a variable, nobody sees. */
function maybe(coordinate: string): string {
  return coordinate.endsWith('.*') ? ' (may have sent it in a variable)' : '';
}

function mark({ deprecationReason }: ReportedField): string {
  return deprecationReason === undefined ? '' : `  deprecated: ${deprecationReason}`;
}

function requestsText(requests: number): string {
  return `${requests.toLocaleString('en')} ${requests === 1 ? 'request' : 'requests'}`;
}

function text(lines: readonly string[], last: string): string {
  return `${[...lines, ...(lines.length > 0 ? [''] : []), last].join('\n')}\n`;
}
