import { createHash } from 'node:crypto';
import type { Variables } from '@souk/platform/cost';
import { type DocumentNode, type GraphQLSchema, getVariableValues, type OperationDefinitionNode } from 'graphql';
import { asksForSchema } from '../introspection.ts';
import { createMaxAge } from './max-age.ts';

/** An operation whose answer may be kept for everybody. */
export interface CacheableOperation {
  /** How many seconds an answer is good. */
  maxAgeSeconds: number;
  /**
   * What an answer depends on, as one name: endpoints and graphs, documents, operations and values of variables that differ have different ones. Variables
   * count as the operation declares them, with their defaults; others do not count. Undefined when they are not of their types.
   */
  keyFor(variables: Variables): string | undefined;
}

/** Finds out once for each operation whether its answers may be kept; undefined when they may not. */
export type ReadCacheable = (
  document: { text: string; ast: DocumentNode },
  operation: OperationDefinitionNode,
) => CacheableOperation | undefined;

/**
 * @param schema     what the supergraph describes
 * @param supergraph its text
 */
export function createReadCacheable(schema: GraphQLSchema, supergraph: string): ReadCacheable {
  const maxAge = createMaxAge(schema);
  const graph = digest([supergraph]);
  return ({ text, ast }, operation) => {
    const maxAgeSeconds = asksForSchema(ast) ? 0 : maxAge(ast, operation);
    if (maxAgeSeconds === 0) return undefined;
    const what = digest([graph, text, operation.name?.value ?? null]);
    return {
      maxAgeSeconds,
      keyFor(variables) {
        // In the order and the spelling of the schema, so one set of values has one text.
        const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], variables, { maxErrors: 1 });
        return coerced && digest([what, coerced]);
      },
    };
  };
}

/** JSON keeps apart what differs: text in no normal form, and halves of characters, which UTF-8 would make the same. */
function digest(parts: unknown): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
