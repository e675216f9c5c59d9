import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getDirectiveValues,
} from 'graphql';

/** What the schema says about what a coordinate costs (https://specs.apollo.dev/cost/v0.1). */
export interface CostDirectives {
  /** The weight of @cost; undefined where the schema leaves it to the defaults. */
  weight(node: Directed): number | undefined;
  listSize(node: Directed): ListSize | undefined;
}

/** How long a list is. */
export interface ListSize {
  /** When no slicing argument says it. */
  assumedSize?: number | null;
  /** Arguments that say it. */
  slicingArguments?: readonly string[] | null;
  /** Fields below that hold the list, where the field itself leads to a page of it. */
  sizedFields?: readonly string[] | null;
}

type Directed = GraphQLField<unknown, unknown> | GraphQLArgument | GraphQLInputField | GraphQLNamedType;

/** Reads the directives of each coordinate once, when it is first met. */
export function readCostDirectives(schema: GraphQLSchema): CostDirectives {
  const reader = (name: string) => {
    const definition = schema.getDirective(name);
    const read = new Map<Directed, Record<string, unknown> | undefined>();
    return (node: Directed) => {
      if (!read.has(node)) {
        read.set(node, definition && node.astNode ? getDirectiveValues(definition, node.astNode) : undefined);
      }
      return read.get(node);
    };
  };
  const cost = reader('cost');
  return { weight: (node) => cost(node)?.['weight'] as number | undefined, listSize: reader('listSize') };
}
