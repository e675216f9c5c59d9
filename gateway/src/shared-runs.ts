import { createCounter } from '@souk/platform/metrics';
import type { GraphQLSchema } from 'graphql';
import { Errand, UnderWay } from './errand.ts';
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
  errand: Errand;
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
  const nameOf = nameObjects();
  const runs = new UnderWay<Run>();
  let beganAtTick = -1;
  let beganWith: GraphQLSchema | undefined;

  function share(request: GatewayRequest, scope: RequestScope, executor: GatewayExecutor): Promise<GatewayResult> {
    const tick = clock.now();
    if (tick !== beganAtTick || request.schema !== beganWith) {
      beganAtTick = tick;
      beganWith = request.schema;
      // Whoever waits for earlier ones is told of them; nobody else finds them.
      runs.removeAll();
    }
    const errand = errandOf(request, scope);
    const run = runs.find(errand);
    return run && mayJoin(run) ? join(run, scope) : begin(errand, request, scope, executor);
  }

  function begin(
    errand: Errand,
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
    const run: Run = { errand, result: executor(request), beganAtMs: performance.now(), hungUp, place };
    runs.add(run);
    return run.result.finally(() => {
      member.unlink();
      runs.remove(run);
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

  /** There is a new viewer, as an object, whenever anything about one may have changed. */
  function errandOf({ queryHash, operationName, request }: GatewayRequest, { viewer }: RequestScope): Errand {
    const variables = request.variables ? JSON.stringify(request.variables) : '';
    return new Errand(viewer ? nameOf(viewer) : 'guest', queryHash, `${operationName} ${variables}`);
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

/** Gives each object a name of its own, for as long as it is there. */
function nameObjects(): (object: object) => string {
  const names = new WeakMap<object, string>();
  let last = 0;
  return (object) => {
    const known = names.get(object);
    if (known !== undefined) return known;
    const name = String(++last);
    names.set(object, name);
    return name;
  };
}
