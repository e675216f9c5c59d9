import type { ApolloServerPlugin } from '@apollo/server';
import { SoukError } from '@souk/platform/errors';
import { GraphQLError } from 'graphql';
import { costEstimated } from './accounting/request-record.ts';
import type { RequestScope } from './request-scope.ts';

/** A client that sends `x-souk-cost: 1` is told what its operation was estimated to cost, in `extensions.cost`. */
export const COST_HEADER = 'x-souk-cost';

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
        async didResolveOperation({ request, contextValue: { document, record, ahead } }) {
          // Whatever is run has come through the door.
          if (!document) throw new Error('Expected a document that the guard has measured.');
          estimated = document.cost(request.operationName, request.variables ?? {});
          // The executor would take it for a mistake of ours.
          if (estimated === undefined) throw asRequestError(noSuchOperation());
          if (!ahead) costEstimated(record, endpoint, estimated);
          if (estimated > budget) throw asRequestError(tooDear());
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

function noSuchOperation(): SoukError {
  return new SoukError(
    'BAD_USER_INPUT',
    'Expected operationName to name one of the operations of the document. It may be left out where there is only one.',
  );
}

function tooDear(): SoukError {
  return new SoukError(
    'COST_LIMIT_EXCEEDED',
    'The operation would cost too much. Ask for smaller pages, or for less of each object; the header x-souk-cost: 1 tells what an operation costs.',
  );
}

function asRequestError(error: SoukError): GraphQLError {
  return new GraphQLError(error.message, {
    originalError: error,
    extensions: { ...error.extensions, http: { status: 400 } },
  });
}
