import type { ApolloServerPlugin } from '@apollo/server';
import { SoukError } from '@souk/platform/errors';
import { GraphQLError } from 'graphql';

/** Refuses operations of a kind that the schema does not have, such as subscriptions where there are none: validation has nothing to hold them against. */
export const refuseUnknownKinds: ApolloServerPlugin = {
  async requestDidStart() {
    return {
      async didResolveOperation({ operation, schema }) {
        if (!operation || schema.getRootType(operation.operation)) return;
        const message = `Expected an operation of a kind that this API has, got a ${operation.operation}.`;
        const error = new SoukError('GRAPHQL_VALIDATION_FAILED', message);
        throw new GraphQLError(message, {
          originalError: error,
          extensions: { ...error.extensions, http: { status: 400 } },
        });
      },
    };
  },
};
