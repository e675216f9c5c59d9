import { createHash } from 'node:crypto';
import type { CheckRequest, Graph } from '../check/check.ts';
import { type SubgraphSdl, textOf } from '../check/subgraph-sdl.ts';
import { type Contract, contracts } from '../contracts.ts';
import type { Publication, Registry } from './registry.ts';
import { daysBefore } from './usage-days.ts';

/** A publication as a state of the graph that changes are compared with. */
export function graphOf({ stage, number, subgraphs, contracts: published }: Publication): Graph {
  const apis = Object.fromEntries(contracts.map((contract) => [contract, published[contract].api]));
  return { label: `${stage} ${number}`, subgraphs, apis: apis as Record<Contract, string> };
}

/** SHA-256 of what the subgraphs say, not of the files they say it in: equal graphs have equal hashes. */
export function graphHashOf(subgraphs: readonly SubgraphSdl[]): string {
  const texts = subgraphs.map((subgraph) => [subgraph.name, textOf(subgraph)] as const);
  return createHash('sha256')
    .update(JSON.stringify(texts.sort(([a], [b]) => (a < b ? -1 : 1))))
    .digest('hex');
}

/** How long recorded requests count: who has not asked for a field for a month is taken not to need it. */
export const USAGE_DAYS = 30;

/** What is known of clients: the operations they registered, and what they asked for lately. */
export async function clientsOf(
  registry: Registry,
  now: Date,
): Promise<Pick<CheckRequest, 'operations' | 'usage' | 'usageDays'>> {
  const firstDay = daysBefore(now, USAGE_DAYS);
  const [operations, usage, days] = await Promise.all([
    registry.operations(),
    registry.usageSince(firstDay),
    registry.daysRecorded(firstDay),
  ]);
  return { operations, usage, usageDays: days.length };
}
