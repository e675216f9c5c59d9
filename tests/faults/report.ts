import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Performance } from './perform.ts';
import { scenarios } from './scenarios.ts';

const jsonFile = fileURLToPath(new URL('../../docs/faults.json', import.meta.url));
const pageFile = fileURLToPath(new URL('../../docs/faults.md', import.meta.url));

/** What the report keeps of a full run of one scenario. */
interface Entry extends Pick<Performance, 'figures' | 'missed' | 'failure'> {
  seed: string;
  minutes: number;
  day: string;
  machine: string;
}

/** Puts what was reached into the report, in the place of what was there of the same scenarios, so that one row can be run again. */
export function report(performances: readonly Performance[], seed: string): void {
  const entries: Record<string, Entry> = existsSync(jsonFile) ? JSON.parse(readFileSync(jsonFile, 'utf8')) : {};
  for (const { name, figures, missed, failure, tookMs } of performances) {
    entries[name] = {
      figures,
      missed,
      failure,
      seed,
      minutes: Math.ceil(tookMs / 60_000),
      day: new Date().toISOString().slice(0, 10),
      machine: `${cpus().length} × ${cpus()[0]?.model.trim() || 'unknown'}`,
    };
  }
  writeFileSync(jsonFile, `${JSON.stringify(entries, null, 2)}\n`);
  writeFileSync(pageFile, pageOf(entries));
}

function pageOf(entries: Readonly<Record<string, Entry>>): string {
  const rows = Object.entries(scenarios).map(([name, { fault, mustHold }]) => {
    const entry = entries[name];
    return `| ${fault} | ${mustHold} | ${entry ? summaryOf(entry) : 'not run yet'} | ${entry ? verdictOf(entry) : ''} |`;
  });
  const runs = Object.entries(entries).map(
    ([name, { seed, minutes, day, machine }]) => `| \`${name}\` | ${day} | ${minutes} min | \`${seed}\` | ${machine} |`,
  );
  return `# What the shop survives

Written by \`npm run faults -- --full\`. \`tests/faults/scenarios/\` has what is done for each row, and every row is among the tests in a smaller size.
After each row everything was left to settle; then every invariant held (\`npm run invariants\` names them), the provider's log equal to the ledger among them.
Load, services and stores shared the cores of one machine, so times say what such a machine can do. A target of time that was missed is said with its reason.

| fault | must hold | reached | |
|---|---|---|---|
${rows.join('\n')}

One row again: \`npm run faults -- --full --only <scenario>\`.

| scenario | run on | took | seed | cores |
|---|---|---|---|---|
${runs.join('\n')}
`;
}

/** What was reached, and what was not. */
export function summaryOf({ figures, missed, failure }: Pick<Performance, 'figures' | 'missed' | 'failure'>): string {
  if (failure !== null) return `**broken**: ${failure.split('\n', 1)[0]}`;
  return [...figures, ...missed.map((reason) => `*missed*: ${reason}`)].join('; ');
}

function verdictOf({ failure, missed }: Entry): string {
  if (failure !== null) return 'broken';
  return missed.length > 0 ? 'holds, target missed' : 'holds';
}
