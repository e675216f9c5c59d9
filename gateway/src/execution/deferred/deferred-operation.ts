import {
  type CompositeType,
  type Operation,
  operationFromDocument,
  type SelectionSet,
} from '@apollo/federation-internals';
import type { FetchNode, PlanNode, QueryPlan } from '@apollo/query-planner';
import { asksForSchema } from '../../introspection.ts';
import type { Graph } from '../graph.ts';
import { NotCompilable } from '../not-compilable.ts';
import { prepareRequests } from '../subgraph-request.ts';
import type { MarkedOperation } from './mark-deferred.ts';

/*
 * Terminology
 *
 * The *parts* of an answer are what comes first, and the deferred fragments. A fragment is deferred within an *enclosing* part. In a list it has many
 * *places*, one for each object, all of which come at once.
 */

/** An operation whose answer comes in parts. */
export interface DeferredOperation {
  /** What leads to the first part. */
  first: PlanNode | undefined;
  /** What leads from the enclosing part to a deferred one, by our labels; nothing where all of it is there by then. */
  later: ReadonlyMap<string, PlanNode | undefined>;
  /** The labels of the client by ours. */
  labels: MarkedOperation['labels'];
  requestsOf(fetch: FetchNode): ReturnType<typeof prepareRequests>;
  selectionSet: SelectionSet;
  rootType: CompositeType;
}

/**
 * Plans an operation with `@defer`. The planner emits `Defer` nodes for it (https://github.com/apollographql/federation/blob/main/query-planner-js/src/QueryPlan.ts).
 *
 * @throws {NotCompilable} when it has something in it that is answered whole only
 */
export function planDeferred({ document, labels }: MarkedOperation, { apiSchema, planner }: Graph): DeferredOperation {
  if (asksForSchema(document)) throw new NotCompilable('introspection');
  const operation = operationFromDocument(apiSchema, document);
  const rootType = apiSchema.schemaDefinition.rootType(operation.rootKind);
  if (!rootType) throw new NotCompilable(`no ${operation.rootKind} type`);
  const plan = planParts(operation, planner);
  const { fetches, later } = partsOf(plan);
  const prepared = new Map(fetches.map((fetch) => [fetch, prepareRequests(fetch)]));
  return {
    first: plan.node?.kind === 'Subscription' ? undefined : plan.node,
    later,
    labels,
    requestsOf(fetch) {
      const requests = prepared.get(fetch);
      if (!requests) throw new Error('Expected a fetch of the plan.');
      return requests;
    },
    selectionSet: operation.selectionSet,
    rootType,
  };
}

/** Some operations, of those with chains of `@requires`, the planner plans as a whole only: it ends with an assertion of its own. */
function planParts(operation: Operation, planner: Graph['planner']): QueryPlan {
  try {
    return planner.buildQueryPlan(operation);
  } catch (error) {
    throw new NotCompilable(`not to be planned in parts: ${(error as Error).message}`);
  }
}

function partsOf({ node: root }: QueryPlan): { fetches: FetchNode[]; later: Map<string, PlanNode | undefined> } {
  const fetches: FetchNode[] = [];
  const later = new Map<string, PlanNode | undefined>();
  if (root?.kind === 'Subscription') throw new NotCompilable('subscription');
  visit(root);
  return { fetches, later };

  function visit(node: PlanNode | undefined): void {
    switch (node?.kind) {
      case 'Fetch':
        if (node.contextRewrites?.length) throw new NotCompilable('@fromContext');
        fetches.push(node);
        break;
      case 'Flatten':
        visit(node.node);
        break;
      case 'Sequence':
      case 'Parallel':
        node.nodes.forEach(visit);
        break;
      case 'Condition':
        visit(node.ifClause);
        visit(node.elseClause);
        break;
      case 'Defer':
        visit(node.primary.node);
        for (const { label = '', node: deferred } of node.deferred) {
          later.set(label, deferred);
          visit(deferred);
        }
    }
  }
}
