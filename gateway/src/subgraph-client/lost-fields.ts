import type { ErrorCode } from '@souk/platform/errors';
import { unknownOutcome } from '@souk/platform/unknown-outcome';
import {
  type FieldNode,
  type GraphQLFormattedError,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
} from 'graphql';

/** Why there is no answer, as far as it concerns the client. */
export interface Loss {
  reason: 'unavailable' | 'timeout' | 'too-large';
  /** Whether the subgraph may have done what it was asked. */
  mayHaveActed: boolean;
  retryAfterMs?: number;
}

/** What a subgraph is asked. */
export interface SubgraphOperation {
  query: string;
  variables?: Record<string, unknown>;
}

/**
 * One error for each field that is lost. Paths are those of the subgraph's own answer; the gateway translates them. For a mutation the code tells what a client
 * has to know before it does anything else: after SUBGRAPH_UNAVAILABLE nothing has been done, after SUBGRAPH_TIMEOUT it is unknown, and sending it again is
 * harmless only with an idempotency key.
 */
export function lostFields({ query, variables = {} }: SubgraphOperation, loss: Loss): GraphQLFormattedError[] {
  const operation = parse(query).definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  if (operation?.operation === 'mutation') return lostMutations(operation, variables, loss);
  const error = lostRead(loss);
  const paths = operation ? lostPaths(operation) : [];
  return paths.length === 0 ? [error] : paths.map((path) => ({ ...error, path }));
}

function lostRead({ reason, retryAfterMs }: Loss): GraphQLFormattedError {
  switch (reason) {
    case 'timeout':
      return lost('SUBGRAPH_TIMEOUT', 'This part of the shop did not answer in time. Try again.', { retryable: true });
    case 'too-large':
      return lost('SUBGRAPH_UNAVAILABLE', 'This part of the answer is too large. Ask for less at a time.', {
        retryable: false,
      });
    case 'unavailable':
      return lost('SUBGRAPH_UNAVAILABLE', 'This part of the shop is not available right now. Try again.', {
        retryable: true,
        retryAfterMs,
      });
  }
}

function lostMutations(
  { selectionSet }: OperationDefinitionNode,
  variables: Record<string, unknown>,
  { mayHaveActed, retryAfterMs }: Loss,
): GraphQLFormattedError[] {
  return fieldsOf(selectionSet).map((field) => {
    const path = [responseName(field)];
    if (!mayHaveActed)
      return {
        ...lost(
          'SUBGRAPH_UNAVAILABLE',
          'This part of the shop is not available right now. Nothing was changed. Try again.',
          { retryable: true, retryAfterMs },
        ),
        path,
      };
    return { ...unknownOutcome(field, variables), path };
  });
}

function lost(
  code: ErrorCode,
  message: string,
  { retryable, retryAfterMs }: { retryable: boolean; retryAfterMs?: number | undefined },
): GraphQLFormattedError {
  return { message, extensions: { code, retryable, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) } };
}

function lostPaths({ selectionSet }: OperationDefinitionNode): (string | number)[][] {
  const fields = fieldsOf(selectionSet);
  if (fields[0]?.name.value !== '_entities') return fields.map((field) => [responseName(field)]);
  const names = fields.flatMap((entities) => (entities.selectionSet ? fieldsOf(entities.selectionSet) : []));
  return [...new Set(names.map(responseName))].map((name) => ['_entities', 0, name]);
}

/** The fields of a selection set through its inline fragments, each name of the answer once. */
function fieldsOf({ selections }: SelectionSetNode): FieldNode[] {
  const fields = selections.flatMap((selection) => {
    if (selection.kind === Kind.FIELD) return selection.name.value === '__typename' ? [] : [selection];
    return selection.kind === Kind.INLINE_FRAGMENT ? fieldsOf(selection.selectionSet) : [];
  });
  return [...new Map(fields.map((field) => [responseName(field), field])).values()];
}

function responseName({ alias, name }: FieldNode): string {
  return alias?.value ?? name.value;
}
