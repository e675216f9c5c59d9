import type { ApolloServerPlugin } from '@apollo/server';
import type { GraphQLFormattedError } from 'graphql';

/** What is wrong with a request is said this many times, and no more. */
export const MAX_REQUEST_ERRORS = 5;
/** How long the errors of one answer may be together. */
const MAX_ERROR_BYTES = 15 * 1024;

/**
 * Keeps the errors of an answer few and short, however many mistakes a request makes and however long its names are. Fields that were lost while others
 * were found are named one by one, as many as there is room for.
 */
export const capErrors: ApolloServerPlugin = {
  async requestDidStart() {
    const errorsThatFit = createErrorRoom();
    return {
      async willSendResponse({ response: { body } }) {
        if (body.kind !== 'single' || !body.singleResult.errors) return;
        const { data, errors } = body.singleResult;
        body.singleResult.errors = errorsThatFit(data ? errors : errors.slice(0, MAX_REQUEST_ERRORS));
      },
    };
  },
};

/** Makes room for the errors of one answer, or of what follows its first part. @returns which errors there is room for, beside those before */
export function createErrorRoom(): (errors: readonly GraphQLFormattedError[]) => GraphQLFormattedError[] {
  let room = MAX_ERROR_BYTES;
  return (errors) => {
    const kept: GraphQLFormattedError[] = [];
    for (const error of errors) {
      room -= Buffer.byteLength(JSON.stringify(error));
      if (room < 0) break;
      kept.push(error);
    }
    // An answer without errors would say that all is well.
    return kept.length > 0 ? kept : errors.slice(0, 1).map(({ message, extensions = {} }) => ({ message, extensions }));
  };
}
