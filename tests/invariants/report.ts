import { styleText } from 'node:util';
import type { Finding } from './check.ts';

/** What was found, as a table for people; the rows that break an invariant stand under it. */
export function tableOf(
  findings: readonly Finding[],
  tookMs: number,
  out: NodeJS.WriteStream = process.stdout,
): string {
  const style = (format: Parameters<typeof styleText>[0], text: string) => styleText(format, text, { stream: out });
  const lines = findings.flatMap((finding) => {
    const { id, says, kind, ms, reason, examples, count } = finding;
    const time = ms > 0 ? `${ms.toFixed(0)} ms` : '';
    const head = `${id.padEnd(4)} ${style('dim', kind)} ${style(colours[finding.outcome], verdict(finding).padEnd(12))} ${style('dim', time.padStart(8))}  ${says}`;
    const details = examples.map((example) => `${INDENT}${describe(example)}`);
    if (count > examples.length) details.push(`${INDENT}and ${count - examples.length} more`);
    if (reason) details.push(`${INDENT}${reason}`);
    return [head, ...details.map((line) => (finding.outcome === 'broken' ? line : style('dim', line)))];
  });
  return [...lines, '', style(isSound(findings) ? 'green' : 'red', summaryOf(findings, tookMs)), ''].join('\n');
}

const INDENT = ' '.repeat(12);
const colours = { ok: 'green', broken: 'red', skipped: 'yellow', failed: 'red' } as const;

function verdict({ outcome, count }: Finding): string {
  return outcome === 'broken' ? `${count} BROKEN` : outcome;
}

function describe(example: Finding['examples'][number]): string {
  return Object.entries(example)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name} ${value}`)
    .join('  ');
}

function summaryOf(findings: readonly Finding[], tookMs: number): string {
  const count = (outcome: Finding['outcome']) => findings.filter((finding) => finding.outcome === outcome).length;
  const words = { ok: 'ok', broken: 'broken', skipped: 'skipped', failed: 'not checked' } as const;
  const parts = (Object.keys(words) as Finding['outcome'][])
    .filter((outcome) => count(outcome) > 0)
    .map((outcome) => `${count(outcome)} ${words[outcome]}`);
  return `${findings.length} invariants: ${parts.join(', ')}; ${tookMs.toFixed(0)} ms.`;
}

/** The same for programs. */
export function jsonOf(findings: readonly Finding[], tookMs: number): string {
  return `${JSON.stringify({ holds: isSound(findings), tookMs: Math.round(tookMs), findings }, null, 2)}\n`;
}

function isSound(findings: readonly Finding[]): boolean {
  return findings.every(({ outcome }) => outcome === 'ok' || outcome === 'skipped');
}

/** 1 when an invariant is broken, 2 when one could not be checked although it should, 0 otherwise. */
export function exitCodeOf(findings: readonly Finding[]): number {
  if (findings.some(({ outcome }) => outcome === 'broken')) return 1;
  return isSound(findings) ? 0 : 2;
}
