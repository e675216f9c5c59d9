import { AsyncLocalStorage } from 'node:async_hooks';
import { trace } from '@opentelemetry/api';
import type { AddressesOptions } from './addresses.ts';
import { type Balancer, createBalancer, type Instance } from './balancer.ts';
import type { BreakerState } from './breaker.ts';
import { type Bulkhead, createBulkhead, type Leave } from './bulkhead.ts';
import { CallFailure, type CallFailureKind } from './call-failure.ts';
import type { AnswerListener, GraphQLAnswer } from './graphql-call.ts';
import { NotAsked } from './not-asked.ts';
import { Patience, type Wish } from './patience.ts';
import { createRetryBudget, type RetryBudget } from './retry-budget.ts';

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

export interface ServiceRequest {
  /** Query, variables and so on; or their JSON text. */
  request: object | string;
  headers: Readonly<Record<string, string>>;
  /** How long it may take, waiting and repeating included. */
  timeoutMs: number;
  /** Either ends it early, when nobody wants the answer any more. */
  signal?: AbortSignal;
  wish?: Wish;
  /** Whether it may be sent a second time when it is not known what became of the first: never a command, which may have been carried out. */
  mayRepeat: boolean;
  /** Where to note the addresses that are asked, one after the other. */
  addresses?: string[] | undefined;
}

export interface ServiceClient {
  /**
   * Asks one instance of the service.
   *
   * @throws {NotAsked} when the request never left
   * @throws {CallFailure} when there was no answer
   */
  ask(request: ServiceRequest): Promise<GraphQLAnswer>;
  /** The same for a listener, which may be told before this returns: promises on the way of each request would take a good part of the time it takes. */
  tell(request: ServiceRequest, listener: AnswerListener): void;
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
  const way: Way = { balancer, bulkhead, budget: createRetryBudget(), hear };

  function tell(request: ServiceRequest, listener: AnswerListener): void {
    const call = new ServiceCall(way, request, listener);
    if (balancer.isKnown()) call.begin();
    else void balancer.known.then(() => call.begin());
  }

  return {
    tell,
    ask: (request) => new Promise((answered, failed) => tell(request, { answered, failed })),
    close: () => balancer.close(),
  };
}

/** What all calls of a service have in common. */
interface Way {
  balancer: Balancer;
  bulkhead: Bulkhead;
  budget: RetryBudget;
  hear: ServiceClientListener;
}

/** A request to a service, until one of its instances has answered or none will. */
class ServiceCall implements AnswerListener {
  readonly #way: Way;
  readonly #request: ServiceRequest;
  readonly #listener: AnswerListener;
  /** Where what it is made for is traced. */
  readonly #within = trace.getActiveSpan() ? AsyncLocalStorage.snapshot() : undefined;
  #patience: Patience | undefined;
  #leave: Leave | undefined;
  #body = '';
  #mayShare = false;
  #instance: Instance | undefined;
  #tried: Set<Instance> | undefined;
  #repeats = 0;

  constructor(way: Way, request: ServiceRequest, listener: AnswerListener) {
    this.#way = way;
    this.#request = request;
    this.#listener = listener;
  }

  begin(): void {
    const { balancer, bulkhead } = this.#way;
    // Whoever would find nobody to ask need not wait for a place first.
    if (!balancer.canAnswer()) {
      this.#end(new NotAsked('resting'));
      return;
    }
    let entered: Leave | Promise<Leave>;
    try {
      const { request } = this.#request;
      this.#body = typeof request === 'string' ? request : JSON.stringify(request);
      this.#patience = new Patience(this.#request);
      entered = bulkhead.enter(this.#patience);
    } catch (error) {
      this.#end(error);
      return;
    }
    if (!(entered instanceof Promise)) this.#enter(entered);
    else
      entered.then(
        (leave) => this.#enter(leave),
        (refusal: unknown) => this.#end(refusal),
      );
  }

  #enter(leave: Leave): void {
    const { balancer, budget } = this.#way;
    const { mayRepeat } = this.#request;
    this.#leave = leave;
    this.#mayShare = mayRepeat;
    if (mayRepeat) budget.earn();
    const instance = balancer.pick();
    if (instance) this.#try(instance);
    else this.#end(new NotAsked('resting'));
  }

  #try(instance: Instance): void {
    const { headers, timeoutMs, addresses } = this.#request;
    this.#instance = instance;
    addresses?.push(instance.label);
    const patience = this.#patience as Patience;
    instance.ask({ body: this.#body, headers, patience, mayShare: this.#mayShare }, timeoutMs, this);
  }

  answered(answer: GraphQLAnswer): void {
    this.#free();
    this.#listener.answered(answer);
  }

  failed(error: unknown): void {
    const next = this.#nextAfter(error);
    if (!next) this.#end(error);
    else if (this.#within) this.#within(() => this.#try(next));
    else this.#try(next);
  }

  /** Who is to be asked instead of the one that gave no answer. */
  #nextAfter(error: unknown): Instance | undefined {
    const { balancer, budget, hear } = this.#way;
    const before = this.#instance;
    if (!before || !(error instanceof CallFailure)) return undefined;
    const { kind } = error;
    this.#tried = (this.#tried ?? new Set()).add(before);
    const next = balancer.pick(this.#tried) ?? again(before, error);
    if (!next || kind === 'not-sent') return next;
    // What it was behind was its bad luck, and it goes alone now.
    if (kind === 'passed-over' && this.#mayShare) {
      this.#mayShare = false;
      return next;
    }
    if (!this.#request.mayRepeat || this.#repeats++ > 0 || !repeatable.has(kind) || !budget.spend()) return undefined;
    hear.retry(kind);
    return next;
  }

  #end(error: unknown): void {
    this.#free();
    this.#listener.failed(error);
  }

  #free(): void {
    this.#leave?.();
    this.#patience?.end();
  }
}

/** After these, another try may have more luck: an answer that took all the time there was, or is too large, would be the same again. */
const repeatable = new Set<CallFailureKind>(['refused', 'cut', 'wrong-answer']);

/** Connections end, often just as they are used after a rest, and the same address answers on the next one. */
function again(instance: Instance, { kind }: CallFailure): Instance | undefined {
  return (kind === 'cut' || kind === 'passed-over') && instance.admits() ? instance : undefined;
}
