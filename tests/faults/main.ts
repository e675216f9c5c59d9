import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Performance, perform } from './perform.ts';
import { reportOf, rowOf } from './report.ts';
import { scenarios } from './scenarios.ts';

/**
 * `npm run faults`: breaks a private shop in every way that is written down in `scenarios/`, and tells what held.
 */
const usage = `npm run faults [-- options]

  (none)            the tests of the project, small: what CI runs
  --full            every scenario as large as the report shows it; takes about an hour and writes docs/faults.md
  --only <name>,…   these scenarios only: ${Object.keys(scenarios).join(', ')}
  --seed <text>     other choices; the same seed makes the same ones
  --small           with --only: as small as in CI
`;

const { values } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    small: { type: 'boolean', default: false },
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
  const scale = values.small ? 'small' : 'full';
  const performances = await perform(wanted, { scale, seed: values.seed, hear: (each) => say(`${lineOf(each)}\n`) });
  if (values.full && values.only === undefined) {
    const file = fileURLToPath(new URL('../../docs/faults.md', import.meta.url));
    writeFileSync(file, reportOf(performances, { seed: values.seed, cores: cpus() }));
    say(`Written to ${file}\n`);
  }
  return performances.some(({ failure }) => failure !== null) ? 1 : 0;
}

function lineOf(performance: Performance): string {
  const { name, tookMs, failure } = performance;
  return `${name} (${Math.round(tookMs / 1_000)} s): ${rowOf(performance)}${failure === null ? '' : `\n${failure}`}`;
}

function runTests(): number {
  const { status } = spawnSync('vitest', ['run', '--project', 'faults'], { stdio: 'inherit' });
  return status ?? 1;
}

function say(text: string, exitCode = 0): number {
  process.stdout.write(text);
  return exitCode;
}
