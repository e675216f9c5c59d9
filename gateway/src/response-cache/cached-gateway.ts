import type { GraphQLError } from 'graphql';
import { WrittenData } from '../execution/written-data.ts';
import type { GatewayExecutor, GatewayInterface } from '../gateway-interface.ts';
import type { RequestScope } from '../request-scope.ts';
import type { Answer, ResponseCache } from './response-cache.ts';

/** Apollo Gateway's executor with a cache before it. Apollo Server asks it once an operation is valid and has passed its plugins, so those who may not ask do not. */
export function withResponseCache(gateway: GatewayInterface, cache: ResponseCache): GatewayInterface {
  return {
    onSchemaLoadOrUpdate: (callback) => gateway.onSchemaLoadOrUpdate(callback),
    async load(options) {
      const { executor } = await gateway.load(options);
      return { executor: executor && cached(executor, cache) };
    },
    stop: () => gateway.stop(),
  };
}

function cached(executor: GatewayExecutor, cache: ResponseCache): GatewayExecutor {
  return (request) => {
    const { operationName, variables = {}, http } = request.request;
    const scope = request.context as RequestScope;
    const question = cache.question(scope, operationName, variables);
    // Who asks for the plan, where it is shown, asks for how the answer is made.
    if (!question || http?.headers.has(PLAN_HEADER)) return executor(request);
    const answer = cache.answer(question, scope, async (context) => {
      const { data, errors } = await executor({ ...request, context });
      return { data: written(data), errors: errors as Answer['errors'] };
    });
    return answer.then(inResult);
  };
}

/** Shows the plan beside the answer, where that is allowed. */
export const PLAN_HEADER = 'apollo-query-plan-experimental';

function inResult({ data, errors }: Answer): {
  data?: Record<string, unknown> | null;
  errors?: readonly GraphQLError[];
} {
  return {
    ...(data === undefined ? {} : { data: data && (data as object as Record<string, unknown>) }),
    ...(errors ? { errors } : {}),
  };
}

/** As the compiled executor gives it: what is written need not be read to be written again. */
function written(data: unknown): Answer['data'] {
  if (data === undefined || data === null || data instanceof WrittenData) return data;
  return WrittenData.of(JSON.stringify(data));
}
