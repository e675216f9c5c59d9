import type { GraphQLDataSource } from '@apollo/gateway';
import { CallFailure, type GraphQLAnswer } from '@souk/platform/graphql-call';
import {
  ASSERTION_HEADER,
  CLIENT_AGENT_HEADER,
  CLIENT_IP_HEADER,
  DEADLINE_HEADER,
  REQUEST_ID_HEADER,
  type ServiceName,
  type Signer,
} from '@souk/platform/identity';
import { custodyHeaders, heed } from '@souk/platform/token-custody';
import type { RequestScope } from './request-scope.ts';
import type { AddressesOptions } from './subgraph-client/addresses.ts';
import { createBalancer, type Instance } from './subgraph-client/balancer.ts';
import { createBulkhead } from './subgraph-client/bulkhead.ts';
import { type Loss, lostFields, type SubgraphOperation } from './subgraph-client/lost-fields.ts';
import { durations, type Outcome, queueLength, requests, retries } from './subgraph-client/metrics.ts';
import { NotAsked } from './subgraph-client/not-asked.ts';
import { createRetryBudget } from './subgraph-client/retry-budget.ts';

export interface SubgraphClientOptions extends Omit<AddressesOptions, 'onChange'> {
  name: string;
  queryTimeoutMs: number;
  mutationTimeoutMs: number;
  signer: Signer;
}

export interface SubgraphClient extends GraphQLDataSource<RequestScope> {
  close(): Promise<void>;
}

const MAX_UNDER_WAY = 64;
/** A rush is answered fast and comes all at once: what waits here briefly need not be asked again. How long it may, its deadline says. */
const MAX_WAITING = 192;
/** Nobody else is told a refresh token. */
const KEEPER_OF_SESSIONS = 'user';

/**
 * The way from the gateway to one subgraph. A request waits for a place (bulkhead), goes to the address with the least to do of those that work (balancer,
 * breaker) with an assertion of who asks and until when the answer is waited for, and, if it is a query, once more to another address when the first one fails
 * (retry budget). A mutation is sent once: only when no connection came about, so that nothing can have happened, another address is tried.
 *
 * When a client hangs up, its queries end at once. Its mutations go on: half of one would leave a client that comes back with less to rely on than the whole.
 *
 * A subgraph that cannot answer is not an exception: the fields it owns become null, each with an error that names the path and nothing else.
 */
export function createSubgraphClient(options: SubgraphClientOptions): SubgraphClient {
  const { name, queryTimeoutMs, mutationTimeoutMs, signer } = options;
  const balancer = createBalancer({
    ...options,
    maxConnections: MAX_UNDER_WAY,
    probeHeaders: async (timeoutMs) => ({
      [ASSERTION_HEADER]: await signer.assertion(name as ServiceName, null),
      [DEADLINE_HEADER]: String(Date.now() + timeoutMs),
    }),
  });
  const bulkhead = createBulkhead({
    maxUnderWay: MAX_UNDER_WAY,
    maxWaiting: MAX_WAITING,
    onQueue: (length) => queueLength.set({ subgraph: name }, length),
  });
  const budget = createRetryBudget();

  async function ask(scope: RequestScope, request: SubgraphOperation): Promise<GraphQLAnswer> {
    const isMutation = kindOf(request) === 'mutation';
    const timeoutMs = isMutation ? mutationTimeoutMs : queryTimeoutMs;
    const deadlineAt = Date.now() + timeoutMs;
    const limit = limitOf(timeoutMs, isMutation ? undefined : scope.hungUp);
    const { signal } = limit;
    try {
      await balancer.known;
      // Whoever would find nobody to ask need not wait for a place first.
      if (!balancer.canAnswer()) throw new NotAsked('resting');
      const leave = await bulkhead.enter(signal);
      try {
        const custody = isMutation && name === KEEPER_OF_SESSIONS ? scope.custody : undefined;
        const headers = { ...(await headersFor(scope, deadlineAt)), ...custodyHeaders(custody) };
        const answer = await askInstances({ headers, request, signal }, timeoutMs, !isMutation);
        if (custody) heed(custody, answer.extensions);
        return answer;
      } finally {
        leave();
      }
    } finally {
      limit.lift();
    }
  }

  async function headersFor(scope: RequestScope, deadlineAt: number): Promise<Record<string, string>> {
    return {
      [ASSERTION_HEADER]: await signer.assertion(name as ServiceName, scope.viewer),
      [REQUEST_ID_HEADER]: scope.requestId,
      [CLIENT_IP_HEADER]: scope.clientIp,
      [CLIENT_AGENT_HEADER]: scope.clientAgent,
      [DEADLINE_HEADER]: String(deadlineAt),
    };
  }

  async function askInstances(
    call: Parameters<Instance['ask']>[0],
    timeoutMs: number,
    mayRepeat: boolean,
  ): Promise<GraphQLAnswer> {
    const tried = new Set<Instance>();
    let repeats = 0;
    if (mayRepeat) budget.earn();
    let failure: unknown = new NotAsked('resting');
    let instance = balancer.pick();
    while (instance) {
      tried.add(instance);
      try {
        return await instance.ask(call, timeoutMs);
      } catch (error) {
        failure = error;
        if (!(error instanceof CallFailure)) break;
        instance = balancer.pick(tried) ?? again(instance, error);
        if (!instance || error.kind === 'not-sent') continue;
        if (!mayRepeat || repeats++ > 0 || !repeatable.has(error.kind) || !budget.spend()) break;
        retries.inc({ subgraph: name, failure: error.kind });
      }
    }
    throw failure;
  }

  return {
    async process({ request: { query = '{ __typename }', variables, operationName }, context }) {
      const scope = context as RequestScope;
      const request = { query, ...(variables ? { variables } : {}), ...(operationName ? { operationName } : {}) };
      const stopTimer = durations.startTimer({ subgraph: name, kind: kindOf(request) });
      const count = (outcome: Outcome) => requests.inc({ subgraph: name, outcome });
      try {
        const answer = await ask(scope, request);
        count('answered');
        // What a subgraph says beside its answer is for the gateway.
        const { extensions: _, ...rest } = answer;
        return rest as Awaited<ReturnType<GraphQLDataSource['process']>>;
      } catch (error) {
        const { outcome, loss } = consequencesOf(error);
        count(outcome);
        // Of a subgraph that rests its breaker has told, and who hung up reads nothing.
        const isNews = !(error instanceof NotAsked) && outcome !== 'given-up';
        scope.log[isNews ? 'warn' : 'debug']({ err: error, subgraph: name }, 'subgraph did not answer');
        return { data: null, errors: lostFields(request, loss) };
      } finally {
        stopTimer();
      }
    },
    close: () => balancer.close(),
  };
}

/** The planner writes the operation's kind first. */
function kindOf({ query }: SubgraphOperation): 'query' | 'mutation' {
  return query.startsWith('mutation') ? 'mutation' : 'query';
}

/** A signal that ends a request when its time is up or its client hangs up, whichever is first. */
function limitOf(timeoutMs: number, hungUp: AbortSignal | undefined): { signal: AbortSignal; lift(): void } {
  const controller = new AbortController();
  const hangUp = () => controller.abort(hungUp?.reason);
  const timer = setTimeout(() => controller.abort(new DOMException('Time is up.', 'TimeoutError')), timeoutMs);
  hungUp?.addEventListener('abort', hangUp);
  if (hungUp?.aborted) hangUp();
  return {
    signal: controller.signal,
    lift() {
      clearTimeout(timer);
      hungUp?.removeEventListener('abort', hangUp);
    },
  };
}

/** After these, another try may have more luck: an answer that took all the time there was, or is too large, would be the same again. */
const repeatable = new Set<CallFailure['kind']>(['refused', 'cut', 'wrong-answer']);

/** Connections end, often just as they are used after a rest, and the same address answers on the next one. */
function again(instance: Instance, { kind }: CallFailure): Instance | undefined {
  return kind === 'cut' && instance.admits() ? instance : undefined;
}

const RETRY_AFTER_MS = 1_000;

function consequencesOf(error: unknown): { outcome: Outcome; loss: Loss } {
  if (error instanceof NotAsked) {
    const { reason: outcome } = error;
    const reason = outcome === 'timeout' ? 'timeout' : 'unavailable';
    return { outcome, loss: { reason, mayHaveActed: false, retryAfterMs: RETRY_AFTER_MS } };
  }
  if (!(error instanceof CallFailure))
    return { outcome: 'unavailable', loss: { reason: 'unavailable', mayHaveActed: true } };
  const { kind, mayHaveActed } = error;
  switch (kind) {
    case 'timeout':
    case 'too-large':
      return { outcome: kind, loss: { reason: kind, mayHaveActed } };
    case 'given-up':
      return { outcome: kind, loss: { reason: 'unavailable', mayHaveActed } };
    case 'not-sent':
    case 'refused':
    case 'cut':
    case 'wrong-answer':
      return { outcome: 'unavailable', loss: { reason: 'unavailable', mayHaveActed } };
  }
}
