import type { AddressesOptions } from './addresses.ts';
import { createBalancer, type Instance, type InstanceCall } from './balancer.ts';
import type { BreakerState } from './breaker.ts';
import { createBulkhead } from './bulkhead.ts';
import { CallFailure, type CallFailureKind, type GraphQLAnswer } from './graphql-call.ts';
import { NotAsked } from './not-asked.ts';
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

export interface ServiceRequest extends Omit<InstanceCall, 'headers'> {
  /** Made when it is this request's turn. */
  headers(): Promise<Record<string, string>>;
  /** How long requests of its kind may take. */
  timeoutMs: number;
  /** Whether it may be sent a second time when it is not known what became of the first: never a command, which may have been carried out. */
  mayRepeat: boolean;
  /** Told of each address that is asked, one after the other. */
  onAsk?: (address: string) => void;
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

  async function askInstances(
    call: InstanceCall,
    { timeoutMs, mayRepeat, onAsk }: Pick<ServiceRequest, 'timeoutMs' | 'mayRepeat' | 'onAsk'>,
  ): Promise<GraphQLAnswer> {
    const tried = new Set<Instance>();
    let repeats = 0;
    if (mayRepeat) budget.earn();
    let failure: unknown;
    let instance = balancer.pick();
    while (instance) {
      tried.add(instance);
      onAsk?.(instance.label);
      try {
        return await instance.ask(call, timeoutMs);
      } catch (error) {
        failure = error;
        if (!(error instanceof CallFailure)) break;
        instance = balancer.pick(tried) ?? again(instance, error);
        if (!instance || error.kind === 'not-sent') continue;
        if (!mayRepeat || repeats++ > 0 || !repeatable.has(error.kind) || !budget.spend()) break;
        hear.retry(error.kind);
      }
    }
    throw failure ?? new NotAsked('resting');
  }

  return {
    async ask({ request, headers, signal, ...options }) {
      await balancer.known;
      // Whoever would find nobody to ask need not wait for a place first.
      if (!balancer.canAnswer()) throw new NotAsked('resting');
      const leave = await bulkhead.enter(signal);
      try {
        return await askInstances({ request, signal, headers: await headers() }, options);
      } finally {
        leave();
      }
    },
    close: () => balancer.close(),
  };
}

/** After these, another try may have more luck: an answer that took all the time there was, or is too large, would be the same again. */
const repeatable = new Set<CallFailureKind>(['refused', 'cut', 'wrong-answer']);

/** Connections end, often just as they are used after a rest, and the same address answers on the next one. */
function again(instance: Instance, { kind }: CallFailure): Instance | undefined {
  return kind === 'cut' && instance.admits() ? instance : undefined;
}
