import type { Variables } from '@souk/platform/cost';
import { GRAPHQL_MAX_INT, GRAPHQL_MIN_INT, Kind, type VariableDefinitionNode } from 'graphql';

/**
 * Whether variables are of their types for sure: all that are needed are there, each of a scalar of GraphQL itself and given as what that is written as. Of all others
 * graphql-js has to say whether they are, which takes many times as long.
 */
export function arePlain(definitions: readonly VariableDefinitionNode[], variables: Variables): boolean {
  return definitions.every((definition) => {
    const value = variables[definition.variable.name.value];
    const isNeeded = definition.type.kind === Kind.NON_NULL_TYPE;
    const type = isNeeded ? definition.type.type : definition.type;
    if (value === undefined || value === null) return !isNeeded;
    return type.kind === Kind.NAMED_TYPE && isWrittenAs(type.name.value, value);
  });
}

function isWrittenAs(scalar: string, value: unknown): boolean {
  switch (scalar) {
    case 'ID':
    case 'String':
      return typeof value === 'string';
    case 'Int':
      return Number.isInteger(value) && (value as number) <= GRAPHQL_MAX_INT && (value as number) >= GRAPHQL_MIN_INT;
    case 'Float':
      return Number.isFinite(value);
    case 'Boolean':
      return typeof value === 'boolean';
    default:
      return false;
  }
}
