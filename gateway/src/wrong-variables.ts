import type { ApolloServerPlugin } from '@apollo/server';
import { GraphQLError, getVariableValues } from 'graphql';

/**
 * Refuses variables that are not of their types, at the first mistake. Whatever looks at them later would collect every mistake there is before it tells
 * five of them: a list of 20,000 wrong ids, which is a small request, would keep the process busy for seconds.
 */
export const refuseWrongVariables: ApolloServerPlugin = {
  async requestDidStart() {
    return {
      async didResolveOperation({ operation, request, schema }) {
        const { variableDefinitions = [] } = operation ?? {};
        if (variableDefinitions.length === 0) return;
        const { errors } = getVariableValues(schema, variableDefinitions, request.variables ?? {}, { maxErrors: 1 });
        const [mistake] = errors ?? [];
        if (!mistake) return;
        throw new GraphQLError(mistake.message, {
          nodes: mistake.nodes ?? null,
          extensions: { code: 'BAD_USER_INPUT', http: { status: 400 } },
        });
      },
    };
  },
};
