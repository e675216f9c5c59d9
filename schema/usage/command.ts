import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSchema, type GraphQLSchema } from 'graphql';
import { type Contract, contracts } from '../contracts.ts';
import { exitCodes, Problem } from '../problem.ts';
import { commonUsage, printUsage, readCommand, stageOf, wrongUsage } from '../registry/command-options.ts';
import { withRegistry } from '../registry/open-registry.ts';
import { USAGE_DAYS } from '../registry/published-graph.ts';
import type { Registry, Stage } from '../registry/registry.ts';
import { daysBefore, KEPT_DAYS } from '../registry/usage-days.ts';
import { schemaFolder } from '../schema-folder.ts';
import { type UsageReport, unusedOf, usageReport } from './usage-report.ts';
import { fieldText, unusedText, usedText } from './usage-text.ts';

const usage = `Tells what clients asked for, as gateways recorded it.

Usage: souk-schema usage [options]

  --unused               what nobody asked for, deprecated first, and whether anybody would know
  --field <coordinate>   a field such as Order.note, or a type, with each client version
  --client <name>        of one client only
  --contract <name>      ${contracts.join(' or ')}; both unless one is named
  --days <number>        how far to look back; ${USAGE_DAYS}, and ${KEPT_DAYS} at most
  --json                 for programs
${commonUsage}
`;

/** `souk-schema usage`. @returns the exit code */
export async function usageCommand(given: string[], now = new Date()): Promise<number> {
  const { values } = readCommand(given, usage, {
    unused: { type: 'boolean' },
    field: { type: 'string' },
    client: { type: 'string' },
    contract: { type: 'string' },
    days: { type: 'string', default: String(USAGE_DAYS) },
    json: { type: 'boolean' },
  });
  if (values.help) return printUsage(usage);
  const { field, client } = values;
  const stage = stageOf(values.stage, usage);
  const days = daysIn(values.days);
  const asked = contracts.filter((contract) => values.contract === undefined || values.contract === contract);
  if (asked.length === 0)
    throw wrongUsage(`Expected a contract, ${contracts.join(' or ')}, got "${values.contract}".`, usage);

  return withRegistry(values.registry, async (registry) => {
    const since = daysBefore(now, days);
    const [recorded, daysRecorded, schemas] = await Promise.all([
      registry.usageSince(since),
      registry.daysRecorded(since),
      schemasOf(registry, stage, asked),
    ]);
    const report = usageReport({ usage: recorded, daysRecorded, schemas, now, days, field, client });
    if (field !== undefined && report.fields.length === 0) {
      throw new Problem(
        'usage',
        `${asked.join(' and ')} has no ${field}: expected a coordinate such as Order.note, or a type.`,
      );
    }
    const unused = values.unused === true;
    process.stdout.write(values.json ? jsonOf(report, unused) : textOf(report, { unused, field }));
    return exitCodes.ok;
  });
}

function jsonOf(report: UsageReport, unused: boolean): string {
  const fields = unused ? unusedOf(report) : report.fields;
  return `${JSON.stringify({ ...report, fields }, null, 2)}\n`;
}

function textOf(report: UsageReport, { unused, field }: { unused: boolean; field: string | undefined }): string {
  if (unused) return unusedText(report);
  return field === undefined ? usedText(report) : fieldText(report);
}

function daysIn(given: string): number {
  const days = /^\d{1,3}$/.test(given) ? Number(given) : 0;
  if (days < 1 || days > KEPT_DAYS) throw wrongUsage(`Expected from 1 to ${KEPT_DAYS} days, got "${given}".`, usage);
  return days;
}

/** What is published; before that, what lies in the folder. */
async function schemasOf(
  registry: Registry,
  stage: Stage,
  asked: readonly Contract[],
): Promise<Map<Contract, GraphQLSchema>> {
  const published = await registry.latest(stage);
  const apiOf = (contract: Contract) =>
    published?.contracts[contract].api ?? readFileSync(join(schemaFolder(), 'api', `${contract}.graphql`), 'utf8');
  return new Map(asked.map((contract) => [contract, buildSchema(apiOf(contract))]));
}
