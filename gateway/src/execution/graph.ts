import { setImmediate as turn } from 'node:timers/promises';
import { type Schema, Supergraph } from '@apollo/federation-internals';
import { QueryPlanner } from '@apollo/query-planner';
import { type GraphQLSchema, isAbstractType, isInterfaceType } from 'graphql';

/** What is known of one supergraph, made once for it. */
export interface Graph {
  /** What clients see: the supergraph without what is inaccessible. */
  apiSchema: Schema;
  supergraphSchema: GraphQLSchema;
  planner: QueryPlanner;
  /** The subgraphs it is made of, with the addresses that were composed into it. */
  subgraphs: readonly { name: string; url: string }[];
  /** Values of `__typename` in a subgraph's answer for which a type condition holds. An interface object goes by the name of its interface. */
  typenamesFor(condition: string): ReadonlySet<string>;
}

/**
 * Builds what planning and compiling need of a supergraph, in pieces with room for others in between: all of it together takes half a second of a large graph,
 * and requests would wait for it.
 *
 * @throws when the SDL is no valid supergraph
 */
export async function createGraph(supergraphSdl: string): Promise<Graph> {
  const supergraph = Supergraph.build(supergraphSdl, { validateSupergraph: true });
  await turn();
  const supergraphSchema = supergraph.schema.toGraphQLJSSchema();
  await turn();
  // What has no `@defer` is planned as it would be otherwise.
  const planner = new QueryPlanner(supergraph, { incrementalDelivery: { enableDefer: true } });
  await turn();
  const typenames = new Map<string, ReadonlySet<string>>();
  return {
    apiSchema: supergraph.apiSchema(),
    supergraphSchema,
    planner,
    subgraphs: [...supergraph.subgraphsMetadata()],
    typenamesFor(condition) {
      const known = typenames.get(condition) ?? typenamesOf(supergraphSchema, condition);
      typenames.set(condition, known);
      return known;
    },
  };
}

function typenamesOf(schema: GraphQLSchema, condition: string): ReadonlySet<string> {
  const type = schema.getType(condition);
  if (!type || !isAbstractType(type)) return new Set([condition]);
  const interfaces = isInterfaceType(type) ? schema.getImplementations(type).interfaces : [];
  return new Set([
    condition,
    ...schema.getPossibleTypes(type).map(({ name }) => name),
    ...interfaces.map(({ name }) => name),
  ]);
}
