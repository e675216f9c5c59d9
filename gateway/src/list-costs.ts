import { operationFromDocument, Supergraph } from '@apollo/federation-internals';
import { type PlanNode, type QueryPlan, QueryPlanner, type SubscriptionNode } from '@apollo/query-planner';
import { type DocumentNode, Kind, parse, validate } from 'graphql';
import { defaultDocumentLimits } from './document-guard.ts';
import { createKnownDocuments } from './known-documents.ts';

/** What one operation asks of the shop. */
export interface OperationCost {
  name: string;
  /** Estimated points, with what the schema assumes where a variable decides. */
  cost: number;
  /** Requests to subgraphs that its plan makes, whatever conditions it has. */
  subgraphRequests: number;
}

/**
 * Estimates and plans every operation of some documents, the dearest first.
 *
 * @param supergraphSdl as the gateway gets it
 * @throws {Error} for a document that the gateway would not run
 */
export function listCosts(supergraphSdl: string, texts: string[]): OperationCost[] {
  const supergraph = Supergraph.build(supergraphSdl);
  const planner = new QueryPlanner(supergraph);
  const api = supergraph.apiSchema();
  const documents = createKnownDocuments(supergraphSdl, defaultDocumentLimits);

  return texts
    .flatMap((text) => {
      const document = parse(text);
      const faults = validate(api.toGraphQLJSSchema(), document);
      if (faults.length > 0) throw new Error(faults.map(({ message }) => message).join(' '));
      return namesIn(document).map((name) => ({
        name: name ?? '(without a name)',
        cost: documents.admit(text)?.cost(name, {}) ?? 0,
        subgraphRequests: requestsOf(
          planner.buildQueryPlan(
            operationFromDocument(api, document, name === undefined ? {} : { operationName: name }),
          ),
        ),
      }));
    })
    .sort((a, b) => b.cost - a.cost);
}

function namesIn({ definitions }: DocumentNode): (string | undefined)[] {
  return definitions.flatMap((node) => (node.kind === Kind.OPERATION_DEFINITION ? [node.name?.value] : []));
}

function requestsOf({ node }: QueryPlan): number {
  return node ? requestsIn(node) : 0;
}

function requestsIn(node: PlanNode | SubscriptionNode): number {
  switch (node.kind) {
    case 'Fetch':
      return 1;
    case 'Flatten':
      return requestsIn(node.node);
    case 'Sequence':
    case 'Parallel':
      return total(node.nodes);
    case 'Condition':
      return total([node.ifClause, node.elseClause]);
    case 'Defer':
      return total([node.primary.node, ...node.deferred.map((deferred) => deferred.node)]);
    case 'Subscription':
      return total([node.primary, node.rest]);
  }
}

function total(nodes: (PlanNode | undefined)[]): number {
  return nodes.reduce((sum, node) => sum + (node ? requestsIn(node) : 0), 0);
}
