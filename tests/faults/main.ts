import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { type Performance, perform } from './perform.ts';
import { report, summaryOf } from './report.ts';
import { scenarios } from './scenarios.ts';

/**
 * `npm run faults`: breaks a private shop in every way that is written down in `scenarios/`, and tells what held.
 */
const usage = `npm run faults [-- options]

  (none)            the tests of the project, small: what CI runs
  --full            every scenario as large as the report shows it; takes more than an hour and writes docs/faults.md
  --only <name>,…   these scenarios only, as small as in CI, or with --full as large as in the report:
                    ${Object.keys(scenarios).join(', ')}
  --seed <text>     other choices; the same seed makes the same ones
`;

const { values } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    only: { type: 'string' },
    seed: { type: 'string', default: 'souk' },
    help: { type: 'boolean', default: false },
  },
});
process.exitCode = await run();

async function run(): Promise<number> {
  if (values.help) return say(usage);
  if (!values.full && values.only === undefined) return runTests();
  const names = values.only?.split(',') ?? Object.keys(scenarios);
  const unknown = names.filter((name) => !(name in scenarios));
  if (unknown.length > 0) return say(`There is no scenario ${unknown.join(', ')}.\n\n${usage}`, 2);

  const wanted = Object.fromEntries(Object.entries(scenarios).filter(([name]) => names.includes(name)));
  const performances = await perform(wanted, {
    scale: values.full ? 'full' : 'small',
    seed: values.seed,
    hear(each) {
      say(`${lineOf(each)}\n`);
      if (values.full) report([each], values.seed);
    },
  });
  return performances.some(({ failure }) => failure !== null) ? 1 : 0;
}

function lineOf(performance: Performance): string {
  const { name, tookMs, failure } = performance;
  return `${name} (${Math.round(tookMs / 1_000)} s): ${summaryOf(performance)}${failure === null ? '' : `\n${failure}`}`;
}

function runTests(): number {
  const { status } = spawnSync('vitest', ['run', '--project', 'faults'], { stdio: 'inherit' });
  return status ?? 1;
}

function say(text: string, exitCode = 0): number {
  process.stdout.write(text);
  return exitCode;
}
