import { quantile } from '@souk/dev/quantile';
import { machineInWords } from '../machine.ts';
import { writeResult } from '../write-result.ts';
import type { Journey } from './journeys.ts';

/** One journey in one round; costs are for one time that it is taken. */
export interface Measured {
  journey: string;
  /** Those that were not taken to their end, which count for costs and for nothing else. */
  failures: number;
  firstFailure: string | undefined;
  perSecond: number;
  operationsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  gatewayCpuMs: number;
  subgraphsCpuMs: number;
  storesCpuMs: number;
  subgraphRequests: number;
  statements: number;
  backgroundStatements: number;
}

/** Medians of the rounds. */
export function tableOf(measured: readonly Measured[]): string {
  const columns: [title: string, value: (each: Measured) => number, digits: number][] = [
    ['a second', (each) => each.perSecond, 1],
    ['operations a second', (each) => each.operationsPerSecond, 1],
    ['failed', (each) => each.failures, 0],
    ['p50 ms', (each) => each.p50Ms, 0],
    ['p99 ms', (each) => each.p99Ms, 0],
    ['CPU ms', (each) => each.gatewayCpuMs + each.subgraphsCpuMs + each.storesCpuMs, 1],
    ['gateway', (each) => each.gatewayCpuMs, 1],
    ['subgraphs', (each) => each.subgraphsCpuMs, 1],
    ['stores', (each) => each.storesCpuMs, 1],
    ['requests to subgraphs', (each) => each.subgraphRequests, 1],
    ['SQL', (each) => each.statements, 1],
    ['SQL in the background', (each) => each.backgroundStatements, 1],
  ];
  const names = [...new Set(measured.map(({ journey }) => journey))];
  const rows = names.map((name) => {
    const own = measured.filter(({ journey }) => journey === name);
    return [name, ...columns.map(([, value, digits]) => quantile(own.map(value), 0.5).toFixed(digits))];
  });
  const header = ['journey', ...columns.map(([title]) => title)];
  return [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** @returns the file */
export function writeReport(
  measured: readonly Measured[],
  journeys: readonly Journey[],
  setting: { before: string; products: string; rounds: string; seconds: string; customers: string },
): string {
  const { before, products, rounds, seconds, customers } = setting;
  return writeResult(
    'shop',
    `# The whole shop

${new Date().toISOString().slice(0, 10)}, ${machineInWords()}. Before the start: ${before}.

\`npm run bench:shop\`: a shop with ${products} products, its stores and ${customers} customers, who each wait for their answer, all on this machine; medians of ${rounds} rounds of
${seconds} seconds a journey. Costs are for one time that the journey is taken. What each number means is told in [docs/performance.md](../../docs/performance.md).

${journeys.map(({ name, says }) => `- **${name}** ${says}`).join('\n')}

${tableOf(measured)}
`,
  );
}
