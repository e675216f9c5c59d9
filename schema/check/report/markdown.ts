import { type Change, fails, type Verdict, verdicts } from '../change.ts';
import type { Report } from '../check.ts';
import { approvalText, feltText, kindsOf, outcome, verdictMeanings } from './wording.ts';

/** A report as GitHub-flavoured Markdown, for a pull request's summary. */
export function markdownReport(report: Report): string {
  const { passed, before, after, composition, changes, lint } = report;
  const sections = [
    `## ${passed ? '✅' : '❌'} Schema check\n\n${text(outcome(report))}\n\n${text(before)} → ${text(after)}`,
    ...composition.map(
      ({ code, message, cause, fix, places }) =>
        `### ❌ \`${code}\`\n\n${text(message)}\n\n- ${text(cause)}\n- **${text(fix)}**\n${places.map(({ file, line }) => `- \`${file}:${line}\``).join('\n')}`,
    ),
    ...verdicts.map((verdict) => ofVerdict(verdict, changes)),
    lint.length === 0
      ? ''
      : `### ❌ Lint\n\n${lint.map(({ rule, message, hint }) => `- \`${rule}\` ${text(message)} ${text(hint)}`).join('\n')}`,
    approvals(changes.filter(fails)),
  ];
  return `${sections.filter(Boolean).join('\n\n')}\n`;
}

const signs: Record<Verdict, string> = { breaking: '❌', exposing: '🔓', dangerous: '⚠️', safe: '✅' };

function ofVerdict(verdict: Verdict, changes: readonly Change[]): string {
  const found = changes.filter((change) => change.verdict === verdict);
  if (found.length === 0) return '';
  const title = `${signs[verdict]} ${found.length} ${verdict}: ${verdictMeanings[verdict]}`;
  if (verdict === 'safe') return `<details><summary>${title}</summary>\n\n${kindsOf(found)}\n\n</details>`;
  const rows = found.map((change) => `| ${cells(change).join(' | ')} |`);
  return `### ${title}\n\n| change | why | who feels it | what to do |\n|---|---|---|---|\n${rows.join('\n')}`;
}

function cells({ kind, coordinate, reason, remedy, feltBy, place, approval }: Change): string[] {
  const where = place ? `<br>\`${place.file}:${place.line}\`` : '';
  return [
    `\`${kind}\`<br>\`${coordinate}\`${where}`,
    cell(reason),
    feltBy.map((felt) => cell(feltText(felt))).join('<br>') || '–',
    [remedy ? cell(remedy) : '', approval ? `**approved:** ${cell(approval)}` : ''].filter(Boolean).join('<br>') || '–',
  ];
}

function approvals(failing: readonly Change[]): string {
  if (failing.length === 0) return '';
  const lines = failing.map(approvalText).join(',\n');
  return `<details><summary>If it is wanted all the same</summary>\n\nCommit to \`schema/approved-changes.json\`:\n\n\`\`\`json\n${lines}\n\`\`\`\n\n</details>`;
}

/** Names from SDL must not become markup. */
function text(plain: string): string {
  return plain.replaceAll('<', '&lt;').replaceAll('@', '@\u200b');
}

function cell(plain: string): string {
  return text(plain).replaceAll('|', '\\|').replaceAll('\n', '<br>');
}
