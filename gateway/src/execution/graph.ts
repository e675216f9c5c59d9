import { type Schema, Supergraph } from '@apollo/federation-internals';
import { QueryPlanner } from '@apollo/query-planner';
import { type GraphQLSchema, isAbstractType, isInterfaceType } from 'graphql';

/** What is known of one supergraph, made once for it. */
export interface Graph {
  /** What clients see: the supergraph without what is inaccessible. */
  apiSchema: Schema;
  supergraphSchema: GraphQLSchema;
  planner: QueryPlanner;
  /** Values of `__typename` in a subgraph's answer for which a type condition holds. An interface object goes by the name of its interface. */
  typenamesFor(condition: string): ReadonlySet<string>;
}

/**
 * Builds what planning and compiling need of a supergraph.
 *
 * @throws when the SDL is no supergraph
 */
export function createGraph(supergraphSdl: string): Graph {
  // Apollo Gateway validates it when it loads it.
  const supergraph = Supergraph.build(supergraphSdl, { validateSupergraph: false });
  const supergraphSchema = supergraph.schema.toGraphQLJSSchema();
  const typenames = new Map<string, ReadonlySet<string>>();
  return {
    apiSchema: supergraph.apiSchema(),
    supergraphSchema,
    planner: new QueryPlanner(supergraph),
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
