import type { ApolloServerPlugin } from '@apollo/server';
import { SoukError } from '@souk/platform/errors';
import { GraphQLError } from 'graphql';
import { Histogram } from 'prom-client';
import type { RequestScope } from './request-scope.ts';

/** A client that sends `x-souk-cost: 1` is told what its operation was estimated to cost, in `extensions.cost`. */
const COST_HEADER = 'x-souk-cost';

const estimates = new Histogram({
  name: 'souk_operation_cost_points',
  help: 'Estimated cost of operations.',
  labelNames: ['endpoint'],
  buckets: [1, 10, 50, 100, 250, 500, 1_000, 2_500, 5_000],
});

/** Refuses operations whose estimated cost is above the budget, before they are planned. */
export function limitCost({
  endpoint,
  budget,
}: {
  endpoint: string;
  budget: number;
}): ApolloServerPlugin<RequestScope> {
  return {
    async requestDidStart() {
      let estimated: number | undefined;
      return {
        async didResolveOperation({ request, contextValue: { document } }) {
          // Whatever is run has come through the door.
          if (!document) throw new Error('Expected a document that the guard has measured.');
          estimated = document.cost(request.operationName, request.variables ?? {});
          if (estimated === undefined) return;
          estimates.observe({ endpoint }, estimated);
          if (estimated > budget) throw tooDear();
        },
        async willSendResponse({ request, response: { body } }) {
          if (estimated === undefined || request.http?.headers.get(COST_HEADER) !== '1' || body.kind !== 'single')
            return;
          body.singleResult.extensions = { ...body.singleResult.extensions, cost: { estimated } };
        },
      };
    },
  };
}

function tooDear(): GraphQLError {
  const error = new SoukError(
    'COST_LIMIT_EXCEEDED',
    'The operation would cost too much. Ask for smaller pages, or for less of each object; the header x-souk-cost: 1 tells what an operation costs.',
  );
  return new GraphQLError(error.message, {
    originalError: error,
    extensions: { ...error.extensions, http: { status: 400 } },
  });
}
