import type { Report } from '../check.ts';
import { explanations } from '../explanations.ts';
import { findingsOf } from './findings.ts';

/** A report in SARIF 2.1.0, which code scanning reads: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html */
export function sarifReport(report: Report): string {
  const findings = findingsOf(report);
  const rules = [...new Set(findings.map(({ rule }) => rule))].sort();
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'souk-schema',
            rules: rules.map((id) => ({ id, shortDescription: { text: explanations[id]?.cause ?? id } })),
          },
        },
        results: findings.map(({ rule, level, title, text, place }) => ({
          ruleId: rule,
          ruleIndex: rules.indexOf(rule),
          level,
          message: { text: `${title}\n${text}` },
          locations: [
            {
              // Code scanning wants a place for everything; what is nobody's line belongs to the graph.
              physicalLocation: {
                artifactLocation: { uri: place?.file ?? 'schema/supergraph.graphql' },
                region: { startLine: place?.line ?? 1 },
              },
            },
          ],
        })),
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}
