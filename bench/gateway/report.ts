import { quantile } from '@souk/dev/quantile';
import { machineInWords } from '../machine.ts';
import { writeResult } from '../write-result.ts';
import type { Contestant } from './contestants.ts';
import type { LoadResult } from './load.ts';
import { type WorkloadName, workloadNames, workloadOf } from './workloads.ts';

export interface Measurement extends LoadResult {
  contestant: string;
  workload: WorkloadName;
  round: number;
}

/** How it was measured, as it was told on the command line. */
export interface Setting {
  before: string;
  rounds: string;
  seconds: string;
  connections: string;
}

/** A table for each workload: medians of the rounds, and how many times that of the stock gateway in the same round. */
export function tableOf(measurements: readonly Measurement[]): string {
  return workloadNames
    .filter((name) => measurements.some(({ workload }) => workload === name))
    .map((name) =>
      sectionOf(
        workloadOf(name),
        measurements.filter(({ workload }) => workload === name),
      ),
    )
    .join('\n\n');
}

/** @returns the file */
export function writeReport(measurements: readonly Measurement[], contestants: Contestant[], setting: Setting): string {
  return writeResult(
    'gateway',
    `# The gateway beside others

${new Date().toISOString().slice(0, 10)}, ${machineInWords()}. Before the start: ${setting.before}.

\`npm run bench:gateway\`: one core for the gateway, another one for ${setting.connections} clients, which each wait for their answer, and the subgraphs together; medians of
${setting.rounds} rounds, in each of which the gateways took turns for ${setting.seconds} seconds a workload. Every gateway gave the same data. What each number means is told in
[docs/performance.md](../../docs/performance.md).

${contestants.map(({ name, says }) => `- **${name}** ${says}`).join('\n')}

${tableOf(measurements)}
`,
  );
}

function sectionOf({ name, says }: { name: string; says: string }, measurements: readonly Measurement[]): string {
  const names = [...new Set(measurements.map(({ contestant }) => contestant))];
  const stock = measurements.filter(({ contestant }) => contestant === 'stock');
  const rows = names.map((contestant) => {
    const own = measurements.filter((each) => each.contestant === contestant);
    const middle = (of: (each: Measurement) => number) => quantile(own.map(of), 0.5);
    const ratio = (of: (each: Measurement) => number) => {
      const ratios = own.flatMap((each) => {
        const other = stock.find(({ round }) => round === each.round);
        return other && each.requests > 0 && other.requests > 0 ? [of(each) / of(other)] : [];
      });
      return ratios.length > 0 ? quantile(ratios, 0.5).toFixed(2) : '–';
    };
    return [
      contestant,
      rateOf(own, middle),
      ratio(perSecond),
      ratio((each) => 1 / cpuOf(each)),
      middle(cpuOf).toFixed(0),
      middle(({ p50Ms }) => p50Ms).toFixed(1),
      middle(({ p99Ms }) => p99Ms).toFixed(1),
      middle(({ residentMb }) => residentMb).toFixed(0),
    ];
  });
  const header = [
    'gateway',
    'requests/s',
    '× stock',
    '× stock per CPU',
    'CPU ms per 1,000',
    'p50 ms',
    'p99 ms',
    'RSS MB',
  ];
  const bytes = Math.round(
    quantile(
      measurements.map(({ bytesPerAnswer }) => bytesPerAnswer),
      0.5,
    ),
  );
  return [
    `**${name}**: ${says} (${bytes} bytes)`,
    '',
    ...[header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`),
  ].join('\n');
}

function rateOf(own: readonly Measurement[], middle: (of: (each: Measurement) => number) => number): string {
  const failures = own.reduce((sum, each) => sum + each.failures, 0);
  return `${Math.round(middle(perSecond))}${failures > 0 ? ` (${failures} failed)` : ''}`;
}

const perSecond = ({ requests, seconds }: LoadResult) => requests / seconds;
const cpuOf = ({ cpuMs, requests }: LoadResult) => (cpuMs / Math.max(1, requests)) * 1_000;
