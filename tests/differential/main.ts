import { parseArgs } from 'node:util';
import { deferring } from './deferring.ts';
import { openCompiledGateway } from './gateways.ts';
import { graphNames } from './graphs.ts';
import { describe, runSeries, type Series } from './series.ts';

/**
 * `npm run differential`: operations by chance through the stock gateway and the shop's, whose answers have to be the same.
 */
const usage = `npm run differential [-- options]

  --operations <n>   how many, shared among the graphs; 2000 if not told
  --seed <text>      other operations; the same seed makes the same ones
  --graph <name>     one graph only: ${graphNames.join(', ')}
  --deferred         our answers in parts, put together; of the graphs of clients that may use @defer
  --differences <n>  stop after so many in a graph; 3 if not told
  --from <n>         the first of them, to see one again that a run has told of
`;

const { values } = parseArgs({
  options: {
    operations: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    graph: { type: 'string' },
    deferred: { type: 'boolean', default: false },
    from: { type: 'string', default: '0' },
    differences: { type: 'string', default: '3' },
    help: { type: 'boolean', default: false },
  },
});
process.exitCode = await run();

async function run(): Promise<number> {
  const possible = values.deferred ? graphNames.filter((name) => name !== 'souk-admin') : graphNames;
  const wanted = possible.filter((name) => values.graph === undefined || values.graph === name);
  const [operations, from] = [Number(values.operations), Number(values.from)];
  if (values.help) return say(usage);
  if (wanted.length === 0 || !Number.isInteger(operations) || !Number.isInteger(from)) return say(usage, 2);
  let differences = 0;
  for (const graph of wanted) {
    const series = await runSeries({
      graph,
      seed: values.seed,
      operations: Math.ceil(operations / wanted.length),
      ...(values.deferred ? deferring : { open: openCompiledGateway }),
      from,
      maxDifferences: Number(values.differences),
    });
    differences += series.differences.length;
    say(summaryOf(series));
  }
  return differences > 0 ? 1 : 0;
}

function summaryOf({ graph, operations, differences, paths, reasons, dependences, ...counts }: Series): string {
  const each = (total: number) => (total / operations).toFixed(1);
  const lines = [
    `${graph}: ${operations} operations, ${differences.length} differences; ${counts.failed} met failing subgraphs, ${counts.imperfect} with errors or corrected values`,
    `  compiled ${paths.compiled}, slow ${paths.slow}, stock ${paths.stock}, deferred ${paths.deferred}, not executed ${paths.none}; ${each(counts.requests)} requests and ${each(counts.bytes)} bytes each`,
    ...[...reasons].sort(([, one], [, other]) => other - one).map(([reason, count]) => `  ${count} × ${reason}`),
    ...[...dependences].map(
      ([subgraphs, count]) =>
        `  ${count} × by the plan in parts: it depends on ${subgraphs}, which failed, otherwise than the whole plan`,
    ),
    ...differences.map((difference) => `\n${describe(difference)}\n`),
  ];
  return `${lines.join('\n')}\n`;
}

function say(text: string, exitCode = 0): number {
  process.stdout.write(text);
  return exitCode;
}
