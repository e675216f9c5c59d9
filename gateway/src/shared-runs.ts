import { createCounter } from '@souk/platform/metrics';
import type { GatewayExecutor, GatewayInterface, GatewayRequest, GatewayResult } from './gateway-interface.ts';
import { JointHangUp } from './hang-up.ts';
import { createSharedPlace, type SharedPlace } from './limits/shared-place.ts';
import type { RequestScope } from './request-scope.ts';
import { PLAN_HEADER } from './response-cache/cached-gateway.ts';
import type { MutationClock } from './subgraph-client/mutation-clock.ts';

export interface SharedRunsOptions {
  /** Path of the endpoint. */
  endpoint: string;
  /** Of all mutations of this gateway. */
  clock: MutationClock;
}

const sharedRuns = createCounter({
  name: 'souk_operations_shared_total',
  help: 'Queries that were not executed, because the same was being executed already for the same viewer.',
  labelNames: ['endpoint'],
});

/** As with requests to subgraphs, whose answers it would share: nobody is told older news than by those. */
const JOIN_WITHIN_MS = 50;

interface Run {
  result: Promise<GatewayResult>;
  /** By `performance.now()`. */
  beganAtMs: number;
  hungUp: JointHangUp;
  place: SharedPlace | undefined;
}

/**
 * Executes a query once for all who ask it at the same time and are the same viewer, as guests are. Each has been let in and counted by itself before. It ends
 * early only when all of them have hung up, and while the subgraph they wait for is silent, the places of all of them are lent.
 */
export function withSharedRuns(gateway: GatewayInterface, { endpoint, clock }: SharedRunsOptions): GatewayInterface {
  const runs = new Map<string, Map<string, Run>>();
  const numberOf = numberObjects();

  function share(request: GatewayRequest, scope: RequestScope, executor: GatewayExecutor): Promise<GatewayResult> {
    const [who, what] = keyOf(request, scope);
    const run = runs.get(who)?.get(what);
    return run && mayJoin(run) ? join(run, scope) : begin([who, what], request, scope, executor);
  }

  function begin(
    [who, what]: readonly [string, string],
    request: GatewayRequest,
    scope: RequestScope,
    executor: GatewayExecutor,
  ): Promise<GatewayResult> {
    const hungUp = new JointHangUp();
    const member = hungUp.join(scope.hungUp);
    const place = scope.lendPlace && createSharedPlace(scope.lendPlace);
    // Its own way to an answer ends and lends with all who share it.
    scope.hungUp = hungUp as object as AbortSignal;
    if (place) scope.lendPlace = place.lend;
    const run: Run = { result: executor(request), beganAtMs: performance.now(), hungUp, place };
    const ofThem = runs.get(who) ?? new Map<string, Run>();
    runs.set(who, ofThem.set(what, run));
    return run.result.finally(() => {
      member.unlink();
      if (ofThem.get(what) === run) ofThem.delete(what);
      if (ofThem.size === 0 && runs.get(who) === ofThem) runs.delete(who);
    });
  }

  function join({ result, hungUp, place }: Run, scope: RequestScope): Promise<GatewayResult> {
    sharedRuns.labels(endpoint).inc();
    scope.record.span?.setAttribute('souk.joined', true);
    const member = hungUp.join(scope.hungUp);
    const leave = scope.lendPlace && place?.join(scope.lendPlace);
    return result.finally(() => {
      leave?.();
      member.unlink();
    });
  }

  /** There is a new viewer, as an object, whenever anything about one may have changed, and a new schema with each supergraph. */
  function keyOf({ schema, queryHash, operationName, request }: GatewayRequest, { viewer }: RequestScope) {
    const scope = `${clock.now()} ${numberOf(schema)} ${viewer ? numberOf(viewer) : 'guest'}`;
    return [
      scope,
      `${queryHash} ${operationName} ${request.variables ? JSON.stringify(request.variables) : ''}`,
    ] as const;
  }

  return {
    onSchemaLoadOrUpdate: (callback) => gateway.onSchemaLoadOrUpdate(callback),
    async load(options) {
      const { executor } = await gateway.load(options);
      if (!executor) return { executor };
      return {
        executor(request) {
          const scope = request.context as RequestScope;
          return mayShare(request, scope) ? share(request, scope, executor) : executor(request);
        },
      };
    },
    stop: () => gateway.stop(),
  };
}

function mayJoin({ beganAtMs, hungUp }: Run): boolean {
  return !hungUp.aborted && performance.now() - beganAtMs < JOIN_WITHIN_MS;
}

/** What is for one request alone, or is shared already, is executed by itself. */
function mayShare({ operation, request: { http } }: GatewayRequest, scope: RequestScope): boolean {
  const { custody, debug, parts, sources } = scope;
  return (
    operation.operation === 'query' &&
    custody === undefined &&
    debug === undefined &&
    parts === undefined &&
    sources === undefined &&
    http?.headers.has(PLAN_HEADER) !== true
  );
}

/** Gives each object a number of its own, for as long as it is there. */
function numberObjects(): (object: object) => number {
  const numbers = new WeakMap<object, number>();
  let last = 0;
  return (object) => {
    const known = numbers.get(object);
    if (known !== undefined) return known;
    numbers.set(object, ++last);
    return last;
  };
}
