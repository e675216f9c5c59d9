import { createCostEstimator } from '@souk/platform/cost';
import {
  buildSchema,
  type GraphQLError,
  type GraphQLSchema,
  Kind,
  NoDeprecatedCustomRule,
  type OperationDefinitionNode,
  validate,
} from 'graphql';
import { firstDayWithout } from '../check/deprecation.ts';
import type { Place } from '../check/subgraph-sdl.ts';
import type { ClientOperation } from './documents.ts';

/** What one contract says about the operations of a client. */
export interface OperationsReport {
  /** Whether the gateway would run all of them. */
  passed: boolean;
  faults: OperationFault[];
  deprecations: DeprecatedUse[];
  operations: { name: string; type: string; cost: number }[];
}

export interface OperationFault {
  message: string;
  place: Place | null;
}

export interface DeprecatedUse extends OperationFault {
  /** The first day on which it may be gone, `YYYY-MM-DD`; null when none was promised. */
  until: string | null;
}

/**
 * Validates a client's operations against what it sees of the graph, lists what it uses that will go, and estimates what each costs with the values of
 * its variables that the schema assumes.
 *
 * @param contract `api` is what clients see; `supergraph` knows the costs; both as SDL
 */
export function checkOperations(
  { api, supergraph }: { api: string; supergraph: string },
  operations: readonly ClientOperation[],
  unreadable: readonly GraphQLError[] = [],
): OperationsReport {
  const schema = buildSchema(api);
  const estimate = createCostEstimator(buildSchema(supergraph, { assumeValid: true }));
  const faults = [...unreadable, ...operations.flatMap(({ document }) => validate(schema, document))];
  return {
    passed: faults.length === 0,
    faults: distinct(faults.map(faultOf)),
    deprecations: distinct(operations.flatMap((operation) => deprecatedUses(schema, operation))),
    operations: operations
      .map(({ name, type, document }) => {
        const [node] = document.definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
        return { name, type, cost: estimate(document, node as OperationDefinitionNode)({}) };
      })
      .sort((a, b) => b.cost - a.cost),
  };
}

function deprecatedUses(schema: GraphQLSchema, { document }: ClientOperation): DeprecatedUse[] {
  return validate(schema, document, [NoDeprecatedCustomRule]).map((error) => ({
    ...faultOf(error),
    until: firstDayWithout(error.message) ?? null,
  }));
}

function faultOf({ message, source, locations }: GraphQLError): OperationFault {
  const line = locations?.[0]?.line;
  if (!source || line === undefined) return { message, place: null };
  return { message, place: { file: source.name, line: line + source.locationOffset.line - 1 } };
}

/** A fragment's fault is a fault of each operation that uses it; it is said once. */
function distinct<Item>(items: Item[]): Item[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}
