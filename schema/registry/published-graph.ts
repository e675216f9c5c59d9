import type { Graph } from '../check/check.ts';
import { type Contract, contracts } from '../contracts.ts';
import type { Publication } from './registry.ts';

/** A publication as a state of the graph that changes are compared with. */
export function graphOf({ stage, number, subgraphs, contracts: published }: Publication): Graph {
  const apis = Object.fromEntries(contracts.map((contract) => [contract, published[contract].api]));
  return { label: `${stage} ${number}`, subgraphs, apis: apis as Record<Contract, string> };
}

/** How long recorded requests count: who has not asked for a field for a month is taken not to need it. */
const USAGE_DAYS = 30;

/** The first day (`YYYY-MM-DD`, UTC) whose requests count. */
export function firstDayThatCounts(now: Date): string {
  return new Date(now.getTime() - USAGE_DAYS * 86_400_000).toISOString().slice(0, 10);
}
