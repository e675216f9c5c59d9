import type { AddressesOptions } from './addresses.ts';
import { createBalancer, type Instance, type InstanceCall } from './balancer.ts';
import type { BreakerState } from './breaker.ts';
import { createBulkhead } from './bulkhead.ts';
import { CallFailure, type CallFailureKind } from './call-failure.ts';
import type { GraphQLAnswer } from './graphql-call.ts';
import { NotAsked } from './not-asked.ts';
import { createPatience, type Patience, type Wish } from './patience.ts';
import { createRetryBudget } from './retry-budget.ts';

export interface ServiceClientOptions extends Omit<AddressesOptions, 'onChange'> {
  /** The name of the service that is asked. */
  name: string;
  /** How many requests may be under way at once, and how many more may wait until they are. */
  maxUnderWay: number;
  maxWaiting: number;
  /** Headers of the trifle that an address which is left out is asked, to see whether it answers again. */
  probeHeaders(timeoutMs: number): Promise<Record<string, string>>;
  hear: ServiceClientListener;
}

/** Hears what becomes noteworthy on the way to a service. */
export interface ServiceClientListener {
  /** How many requests wait, whenever that changes. */
  queue(length: number): void;
  /** A request is sent again because of this. */
  retry(failure: CallFailureKind): void;
  /** Whether an address gets requests; undefined when it is an address no longer. */
  address(address: string, state: BreakerState | undefined): void;
}

export interface ServiceRequest extends Pick<InstanceCall, 'request' | 'headers'> {
  /** How long it may take, waiting and repeating included. */
  timeoutMs: number;
  /** Either ends it early, when nobody wants the answer any more. */
  signal?: AbortSignal;
  wish?: Wish;
  /** Whether it may be sent a second time when it is not known what became of the first: never a command, which may have been carried out. */
  mayRepeat: boolean;
  /** Where to note the addresses that are asked, one after the other. */
  addresses?: string[];
}

export interface ServiceClient {
  /**
   * Asks one instance of the service.
   *
   * @throws {NotAsked} when the request never left
   * @throws {CallFailure} when there was no answer
   */
  ask(request: ServiceRequest): Promise<GraphQLAnswer>;
  close(): Promise<void>;
}

/**
 * The way to a service that runs at one or several addresses. A request waits for a place (bulkhead) and goes to the address with the least to do of those
 * that work and stay (balancer, breaker). When no connection came about, so that nothing can have happened, it goes to another one. One that may be
 * repeated is sent once more after other failures, too, to another address where there is one (retry budget).
 */
export function createServiceClient(options: ServiceClientOptions): ServiceClient {
  const { maxUnderWay, maxWaiting, hear } = options;
  const balancer = createBalancer({ ...options, maxConnections: maxUnderWay, onState: hear.address });
  const bulkhead = createBulkhead({ maxUnderWay, maxWaiting, onQueue: hear.queue });
  const budget = createRetryBudget();

  async function askInstances(request: ServiceRequest, patience: Patience): Promise<GraphQLAnswer> {
    const { headers, timeoutMs, mayRepeat, addresses } = request;
    const call: InstanceCall = { request: request.request, headers, patience, mayShare: mayRepeat };
    if (mayRepeat) budget.earn();
    let tried: Set<Instance> | undefined;
    let repeats = 0;
    let failure: unknown;
    let instance = balancer.pick();
    while (instance) {
      addresses?.push(instance.label);
      try {
        return await instance.ask(call, timeoutMs);
      } catch (error) {
        failure = error;
        if (!(error instanceof CallFailure)) break;
        tried = (tried ?? new Set()).add(instance);
        instance = balancer.pick(tried) ?? again(instance, error);
        if (!instance || error.kind === 'not-sent') continue;
        // What it was behind was its bad luck, and it goes alone now.
        if (error.kind === 'passed-over' && call.mayShare) {
          call.mayShare = false;
          continue;
        }
        if (!mayRepeat || repeats++ > 0 || !repeatable.has(error.kind) || !budget.spend()) break;
        hear.retry(error.kind);
      }
    }
    throw failure ?? new NotAsked('resting');
  }

  return {
    async ask(request) {
      if (!balancer.isKnown()) await balancer.known;
      // Whoever would find nobody to ask need not wait for a place first.
      if (!balancer.canAnswer()) throw new NotAsked('resting');
      const patience = createPatience(request);
      try {
        const entered = bulkhead.enter(patience);
        const leave = entered instanceof Promise ? await entered : entered;
        try {
          return await askInstances(request, patience);
        } finally {
          leave();
        }
      } finally {
        patience.end();
      }
    },
    close: () => balancer.close(),
  };
}

/** After these, another try may have more luck: an answer that took all the time there was, or is too large, would be the same again. */
const repeatable = new Set<CallFailureKind>(['refused', 'cut', 'wrong-answer']);

/** Connections end, often just as they are used after a rest, and the same address answers on the next one. */
function again(instance: Instance, { kind }: CallFailure): Instance | undefined {
  return (kind === 'cut' || kind === 'passed-over') && instance.admits() ? instance : undefined;
}
