import { type FieldNode, valueFromASTUntyped } from 'graphql';

/** Told of a mutation that may have been carried out or not. `retryable`: it carries a key, and is done once however often it is sent. */
export interface UnknownOutcome {
  message: string;
  extensions: { code: 'SUBGRAPH_TIMEOUT'; retryable: boolean };
}

/**
 * What a client has to know of a change when nobody can say whether it was made: whether sending it again is harmless, or where to look first.
 *
 * @param field     the mutation's root field
 * @param variables of the operation it stands in
 */
export function unknownOutcome(field: FieldNode, variables: Record<string, unknown>): UnknownOutcome {
  const retryable = hasIdempotencyKey(field, variables);
  const advice = retryable
    ? 'Send it again with the same idempotencyKey: it is done once only.'
    : 'Look whether it was done before you send it again.';
  const message = `This part of the shop did not say whether the change was made. ${advice}`;
  return { message, extensions: { code: 'SUBGRAPH_TIMEOUT', retryable } };
}

/** Whether a mutation carries a key of its own, as an argument or in its input. */
function hasIdempotencyKey({ arguments: given = [] }: FieldNode, variables: Record<string, unknown>): boolean {
  return given.some(({ name, value }) => {
    const argument: unknown = valueFromASTUntyped(value, variables);
    if (name.value === 'idempotencyKey') return typeof argument === 'string';
    return typeof Object(argument).idempotencyKey === 'string';
  });
}
