import type { FetchNode, PlanNode, QueryPlan } from '@apollo/query-planner';
import type { ConditionValues } from './condition-values.ts';
import { NotCompilable } from './not-compilable.ts';

/** One request to a subgraph, as the plan has it. */
export interface Fetch {
  /** Its place in the plan, from 0. Of two fetches the one with the greater number is the newer one. */
  number: number;
  node: FetchNode;
  /** Where its answer belongs: names, and `@` for the items of a list. Empty for a root fetch. */
  path: readonly string[];
  /** The fetches that are answered before it is made. */
  earlier: ReadonlySet<Fetch>;
}

/** A plan under certain values of its conditions. */
export type Step = { kind: 'fetch'; fetch: Fetch } | { kind: 'sequence' | 'parallel'; steps: readonly Step[] };

/**
 * Turns a plan into the fetches it makes and the order they are made in.
 *
 * @throws {NotCompilable}
 */
export function stepsOf({ node }: QueryPlan, conditions: ConditionValues): { step: Step; fetches: Fetch[] } {
  const fetches: Fetch[] = [];
  if (node?.kind === 'Subscription') throw new NotCompilable('subscription');
  const step = node ? stepOf(node, [], new Set()) : nothing;
  return { step, fetches };

  function stepOf(node: PlanNode, path: readonly string[], earlier: ReadonlySet<Fetch>): Step {
    switch (node.kind) {
      case 'Sequence': {
        const steps: Step[] = [];
        for (const child of node.nodes)
          steps.push(stepOf(child, path, new Set([...earlier, ...steps.flatMap(fetchesIn)])));
        return { kind: 'sequence', steps };
      }
      case 'Parallel':
        return { kind: 'parallel', steps: node.nodes.map((child) => stepOf(child, path, earlier)) };
      case 'Flatten':
        return stepOf(node.node, [...path, ...node.path.map(String)], earlier);
      case 'Condition': {
        const branch = conditions.holds(node.condition) ? node.ifClause : node.elseClause;
        return branch ? stepOf(branch, path, earlier) : nothing;
      }
      case 'Fetch':
        return { kind: 'fetch', fetch: add(node, path, earlier) };
      case 'Defer':
        throw new NotCompilable('@defer');
    }
  }

  function add(node: FetchNode, path: readonly string[], earlier: ReadonlySet<Fetch>): Fetch {
    if (node.contextRewrites?.length) throw new NotCompilable('@fromContext');
    if (!node.requires && path.length > 0) throw new NotCompilable('root fields below the root');
    if (node.requires && path.length === 0) throw new NotCompilable('entities at the root');
    const fetch = { number: fetches.length, node, path, earlier };
    fetches.push(fetch);
    return fetch;
  }
}

function fetchesIn(step: Step): Fetch[] {
  return step.kind === 'fetch' ? [step.fetch] : step.steps.flatMap(fetchesIn);
}

const nothing: Step = { kind: 'sequence', steps: [] };
