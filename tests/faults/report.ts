import type { CpuInfo } from 'node:os';
import type { Performance } from './perform.ts';

/** The report of a full run, as Markdown. */
export function reportOf(performances: readonly Performance[], machine: { seed: string; cores: CpuInfo[] }): string {
  const { seed, cores } = machine;
  const held = performances.filter(({ failure, missed }) => failure === null && missed.length === 0).length;
  const minutes = Math.round(performances.reduce((sum, { tookMs }) => sum + tookMs, 0) / 60_000);
  return `# What the shop survives

Written by \`npm run faults -- --full\`; \`tests/faults/scenarios/\` has what is done in each row, and every row is part of the tests in a smaller size.
After each row everything was left to settle; then all invariants were checked (\`npm run invariants\` names them), and the log of the payment provider was
compared with the ledger. Load, shop and stores shared ${cores.length} cores (${cores[0]?.model.trim() ?? 'unknown'}). Seed \`${seed}\`; ${minutes} minutes in all.
${held} of ${performances.length} rows hold in full.

| fault | must hold | reached | |
|---|---|---|---|
${performances.map((each) => `| ${each.scenario.fault} | ${each.scenario.mustHold} | ${rowOf(each)} | ${verdictOf(each)} |`).join('\n')}
`;
}

/** What was reached, and what was not. */
export function rowOf({ figures, missed, failure }: Performance): string {
  if (failure !== null) return `**broken**: ${failure.split('\n', 1)[0]}`;
  return [...figures, ...missed.map((reason) => `*missed*: ${reason}`)].join('; ');
}

function verdictOf({ failure, missed }: Performance): string {
  if (failure !== null) return 'broken';
  return missed.length > 0 ? 'holds, target missed' : 'holds';
}
