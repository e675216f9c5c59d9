import { styleText } from 'node:util';
import { type Change, fails, type Verdict, verdicts } from '../change.ts';
import type { Report } from '../check.ts';
import type { Place } from '../subgraph-sdl.ts';
import { approvalText, feltText, kindsOf, outcome, verdictMeanings } from './wording.ts';

type Style = Parameters<typeof styleText>[0];

/** A report for people at a terminal: what fails first, what is safe counted. Colours follow the terminal and NO_COLOR. */
export function prettyReport(report: Report, { all }: { all: boolean }): string {
  const { before, after, composition, changes, lint, stale } = report;
  const sections = [
    [`${paint('bold', 'Schema check')}  ${before} → ${after}`],
    composition.flatMap(({ code, message, cause, fix, places }) => [
      head('red', '✗', code, placeText(places[0])),
      ...indented(message),
      ...indented(paint('dim', `why: ${cause}`)),
      ...indented(paint('cyan', `→ ${fix}`)),
      ...places.slice(1).map((place) => `    ${paint('dim', `see also ${placeText(place)}`)}`),
    ]),
    ...verdicts.map((verdict) => ofVerdict(verdict, changes, all)),
    lint.flatMap(({ rule, message, hint, place }) => [
      head('red', '✗', `lint/${rule}`, placeText(place)),
      ...indented(message),
      ...indented(paint('cyan', `→ ${hint}`)),
    ]),
    stale.map(
      ({ client, version, name, reason }) =>
        `${paint('yellow', '!')} ${client} ${version}: ${name} was not valid before this change either: ${reason}`,
    ),
    toApprove(changes),
    [paint(report.passed ? ['green', 'bold'] : ['red', 'bold'], `${report.passed ? '✓' : '✗'} ${outcome(report)}`)],
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function ofVerdict(verdict: Verdict, changes: readonly Change[], all: boolean): string[] {
  const found = changes.filter((change) => change.verdict === verdict);
  if (found.length === 0) return [];
  const [style, sign] = looks[verdict];
  const title = `${paint(style, `${sign} ${found.length} ${verdict}`)}  ${paint('dim', verdictMeanings[verdict])}`;
  if (verdict === 'safe' && !all) return [`${title}: ${kindsOf(found)}`];
  return [title, ...found.flatMap((change) => ofChange(change, style))];
}

const looks: Record<Verdict, [Style, string]> = {
  breaking: ['red', '✗'],
  exposing: ['magenta', '✗'],
  dangerous: ['yellow', '!'],
  safe: ['green', '✓'],
};

function ofChange({ kind, coordinate, reason, remedy, feltBy, place, approval, contracts }: Change, style: Style) {
  const where = [contracts.join(' and '), placeText(place)].filter(Boolean).join('  ');
  const [shown, hidden] = [feltBy.slice(0, MOST_SHOWN), feltBy.slice(MOST_SHOWN)];
  return [
    `  ${paint(style, kind)} ${paint('bold', coordinate)}  ${paint('dim', where)}`,
    ...indented(reason),
    ...shown.map((felt) => `    · ${feltText(felt)}`),
    ...(hidden.length > 0 ? [`    · and ${hidden.length} more; --format json tells all`] : []),
    ...(remedy ? indented(paint('cyan', `→ ${remedy}`)) : []),
    ...(approval ? indented(paint('green', `✓ approved: ${approval}`)) : []),
  ];
}

const MOST_SHOWN = 8;

function toApprove(changes: readonly Change[]): string[] {
  const failing = changes.filter(fails);
  if (failing.length === 0) return [];
  return [
    paint('dim', 'If it is wanted all the same, commit to schema/approved-changes.json:'),
    ...failing.map((change) => `  ${approvalText(change)}`),
  ];
}

function head(style: Style, sign: string, title: string, where: string): string {
  return `${paint(style, `${sign} ${title}`)}  ${paint('dim', where)}`;
}

function indented(text: string): string[] {
  return text.split('\n').map((line) => `    ${line}`);
}

function placeText(place: Place | null | undefined): string {
  return place ? `${place.file}:${place.line}` : '';
}

function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}
