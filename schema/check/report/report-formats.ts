import type { Report } from '../check.ts';
import { githubReport } from './github.ts';
import { markdownReport } from './markdown.ts';
import { prettyReport } from './pretty.ts';
import { sarifReport } from './sarif.ts';

/** The forms in which a report can be had. The JSON form is the report itself, for programs. */
export const reportFormats = {
  pretty: prettyReport,
  json: (report: Report) => `${JSON.stringify(report, null, 2)}\n`,
  markdown: markdownReport,
  github: githubReport,
  sarif: sarifReport,
} satisfies Record<string, (report: Report, options: { all: boolean }) => string>;

export type ReportFormat = keyof typeof reportFormats;

export function isReportFormat(name: string): name is ReportFormat {
  return Object.hasOwn(reportFormats, name);
}
