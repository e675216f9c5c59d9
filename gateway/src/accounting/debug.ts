import type { IncomingHttpHeaders } from 'node:http';
import type { QueryPlan } from '@apollo/query-planner';
import { prettyFormatQueryPlan } from '@apollo/query-planner';
import { debugIn } from '@souk/platform/debug-report';
import type { Viewer } from '@souk/platform/identity';
import type { StatementTally } from '@souk/platform/sql-statements';
import type { SubgraphRequest } from './request-record.ts';

const DEBUG_HEADER = 'x-souk-debug';
const DEBUG_SCOPE = 'debug:read';

const debugParts = ['plan', 'subgraphs', 'sql'] as const;
/**
 * What staff may ask to be told beside an answer.
 *
 * - `plan`      the query plan
 * - `subgraphs` each request to a subgraph: where it went, when, how long it took, what became of it
 * - `sql`       how many SQL statements each subgraph sent for it, and how long those took
 */
export type DebugPart = (typeof debugParts)[number];

/** What is found out for the answer's `extensions.debug`. An answer with one is for this request alone: it is neither cached nor shared. */
export interface DebugReport {
  readonly parts: ReadonlySet<DebugPart>;
  readonly subgraphs: object[];
  readonly sql: Record<string, StatementTally>;
  plan?: string;
}

/**
 * Opens a report for staff with the scope `debug:read` who send `x-souk-debug: plan, subgraphs, sql`, or some of it. Undefined for anybody else, whose answer is
 * the same as without the header.
 */
export function debugReportFor(headers: IncomingHttpHeaders, viewer: Viewer | null): DebugReport | undefined {
  const asked = headers[DEBUG_HEADER];
  if (typeof asked !== 'string' || !viewer?.scopes.has(DEBUG_SCOPE)) return undefined;
  const words = new Set(asked.split(',').map((word) => word.trim()));
  const parts = debugParts.filter((part) => words.has(part));
  return parts.length > 0 ? { parts: new Set(parts), subgraphs: [], sql: {} } : undefined;
}

/** An operation is to be executed by this plan. Plans are written out only where somebody wants to read one. */
export function reportPlan(report: DebugReport | undefined, plan: QueryPlan): void {
  if (report?.parts.has('plan')) report.plan = prettyFormatQueryPlan(plan);
}

/** A subgraph answered, or did not. @param times.extensions what the subgraph said beside its answer */
export function reportSubgraph(
  report: DebugReport,
  asked: Pick<SubgraphRequest, 'subgraph' | 'kind' | 'outcome' | 'addresses'>,
  times: { startMs: number; durationMs: number; extensions: Record<string, unknown> | undefined },
): void {
  const { subgraph, kind, outcome, addresses } = asked;
  const { startMs, durationMs, extensions } = times;
  report.subgraphs.push({
    subgraph,
    kind,
    outcome,
    addresses,
    startMs: rounded(startMs),
    durationMs: rounded(durationMs),
  });
  const sql = debugIn(extensions)?.sql;
  if (!sql) return;
  const before = report.sql[subgraph] ?? { count: 0, durationMs: 0 };
  report.sql[subgraph] = { count: before.count + sql.count, durationMs: rounded(before.durationMs + sql.durationMs) };
}

/** An answer with the report in its `extensions.debug`. */
export function withReport(answer: string, { parts, plan, subgraphs, sql }: DebugReport): string {
  const { extensions, ...rest } = JSON.parse(answer) as { extensions?: object };
  const found = { plan: plan ?? null, subgraphs, sql };
  const debug = Object.fromEntries([...parts].map((part) => [part, found[part]]));
  return JSON.stringify({ ...rest, extensions: { ...extensions, debug } });
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
