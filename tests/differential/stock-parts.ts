import { buildOperationContext, executeQueryPlan } from '@apollo/gateway';
import type { PlanNode } from '@apollo/query-planner';
import { withDefer } from '@souk/platform/defer';
import type { Gateway } from '../../gateway/src/execution/compiled-gateway.ts';
import { createGraph } from '../../gateway/src/execution/graph.ts';
import { planOperation } from '../../gateway/src/execution/planned-operation.ts';
import { serve, type TestedGateway } from './gateways.ts';
import type { Graph } from './graphs.ts';
import { openDataSource } from './wire.ts';

/**
 * Gives whole what is asked for in parts, by the plan in parts: the stock executor runs it as if it were one for a whole answer. Where that differs from what
 * the stock gateway answers, the two plans do.
 */
export async function openStockParts({ supergraphSdl }: Pick<Graph, 'supergraphSdl'>): Promise<TestedGateway> {
  const graph = await createGraph(supergraphSdl);
  const schema = withDefer(graph.apiSchema.toGraphQLJSSchema());
  const services = Object.fromEntries(graph.subgraphs.map(({ name }) => [name, openDataSource(name)]));
  let announce: Parameters<Gateway['onSchemaLoadOrUpdate']>[0] = () => {};
  return serve({
    onSchemaLoadOrUpdate(listener) {
      announce = listener;
      return () => {};
    },
    async load() {
      announce({ apiSchema: schema, coreSupergraphSdl: supergraphSdl });
      return {
        schema,
        async executor(context) {
          const { operationName, variables = {} } = context.request;
          const { plan, document, deferredFor } = planOperation(context.document, operationName, graph);
          const deferred = deferredFor(variables);
          const first = deferred?.operation.first;
          return executeQueryPlan(
            first ? { kind: 'QueryPlan', node: asOne(first) } : plan,
            services,
            context,
            buildOperationContext({ schema, operationDocument: document, ...(operationName ? { operationName } : {}) }),
            graph.supergraphSchema,
            graph.apiSchema,
          );
        },
      };
    },
    async stop() {},
  });
}

/** What leads to the deferred parts after what leads to the part around them. */
function asOne(node: PlanNode): PlanNode {
  switch (node.kind) {
    case 'Sequence':
    case 'Parallel':
      return { ...node, nodes: node.nodes.map(asOne) };
    case 'Flatten':
      return { ...node, node: asOne(node.node) };
    case 'Condition':
      return {
        ...node,
        ...(node.ifClause && { ifClause: asOne(node.ifClause) }),
        ...(node.elseClause && { elseClause: asOne(node.elseClause) }),
      };
    case 'Defer': {
      const deferred = node.deferred.flatMap((part) => (part.node ? [asOne(part.node)] : []));
      const first = node.primary.node ? [asOne(node.primary.node)] : [];
      return { kind: 'Sequence', nodes: [...first, { kind: 'Parallel', nodes: deferred }] };
    }
    case 'Fetch':
      return node;
  }
}
