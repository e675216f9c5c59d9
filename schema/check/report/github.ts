import type { Report } from '../check.ts';
import { type Finding, findingsOf } from './findings.ts';
import { outcome } from './wording.ts';

/** A report as workflow commands, which GitHub shows beside the lines of a pull request: https://docs.github.com/actions/reference/workflow-commands-for-github-actions */
export function githubReport(report: Report): string {
  return `${[...findingsOf(report).map(annotation), outcome(report)].join('\n')}\n`;
}

function annotation({ level, title, text, place }: Finding): string {
  const command = level === 'note' ? 'notice' : level;
  const properties = [
    ...(place ? [`file=${property(place.file)}`, `line=${place.line}`] : []),
    `title=${property(title)}`,
  ];
  return `::${command} ${properties.join(',')}::${data(text)}`;
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
