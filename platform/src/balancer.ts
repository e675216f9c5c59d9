import { type Address, type Addresses, type AddressesOptions, followAddresses } from './addresses.ts';
import { type Breaker, type BreakerState, createBreaker, type WatchedRequest } from './breaker.ts';
import {
  type AnswerListener,
  type CallListener,
  callGraphQL,
  type GraphQLAnswer,
  type GraphQLCall,
} from './graphql-call.ts';
import { openHttpPool } from './http-client/pool.ts';
import { Patience } from './patience.ts';
import { untilTrue } from './until-true.ts';

/** One address of a service, with connections of its own and a breaker of its own. */
export interface Instance {
  /** Its address, for people. */
  label: string;
  admits(): boolean;
  /** Asks it; only right after it was picked. `timeoutMs` is how long requests of its kind may take. */
  ask(call: InstanceCall, timeoutMs: number, listener: AnswerListener): void;
}

export type InstanceCall = Omit<GraphQLCall, 'path'>;

export interface BalancerOptions extends Omit<AddressesOptions, 'onChange'> {
  /** The service's name. */
  name: string;
  maxConnections: number;
  /** Headers of the trifle that an address which is left out is asked, to see whether it answers again. */
  probeHeaders(timeoutMs: number): Promise<Record<string, string>>;
  /** Told of each address whether it gets requests; undefined when it is an address no longer. */
  onState(address: string, state: BreakerState | undefined): void;
}

export interface Balancer {
  /** Resolves when it is known whom to ask, or a little later when DNS is silent. */
  known: Addresses['known'];
  /** Whether it has resolved. */
  isKnown(): boolean;
  /** Whether there is anybody to ask. */
  canAnswer(): boolean;
  /** The address to ask next: of those that work and are not in `except`, the one with the least to do. Undefined when there is none. */
  pick(except?: ReadonlySet<Instance>): Instance | undefined;
  close(): Promise<void>;
}

/**
 * Spreads the requests to one service over its addresses. Least to do beats taking turns, because an address that has become slow gathers requests and so
 * gets fewer; where all have as little to do, they take turns. One that fails is left out by its breaker, and comes back by it. One that says that it is
 * about to stop is asked only when there is no other, until it answers without saying so: then something new runs there.
 */
export function createBalancer(options: BalancerOptions): Balancer {
  const { name, logger } = options;
  let instances: OpenInstance[] = [];
  let turn = 0;
  let isKnown = false;

  const addresses = followAddresses({
    ...options,
    onChange(wanted) {
      const before = new Map(instances.map((instance) => [instance.label, instance]));
      instances = wanted.map((address) => {
        const known = before.get(labelOf(address));
        before.delete(labelOf(address));
        return known ?? openInstance(address, options);
      });
      for (const gone of before.values()) void gone.close();
      logger.info({ service: name, addresses: instances.map(({ label }) => label) }, 'addresses of a service');
    },
  });

  void addresses.known.then(() => {
    isKnown = true;
  });

  return {
    known: addresses.known,
    isKnown: () => isKnown,
    canAnswer: () => instances.some(admits),
    pick(except) {
      const [sole] = instances;
      if (sole && instances.length === 1) return sole.admits() && !except?.has(sole) ? sole : undefined;
      const able = instances.filter((instance) => instance.admits() && !except?.has(instance));
      const staying = able.filter((instance) => !instance.isLeaving());
      const wanted = staying.length > 0 ? staying : able;
      const least = Math.min(...wanted.map((instance) => instance.underWay()));
      const idlest = wanted.filter((instance) => instance.underWay() === least);
      return idlest[turn++ % idlest.length];
    },
    async close() {
      addresses.close();
      await Promise.all(instances.map((instance) => instance.close()));
    },
  };
}

const admits = (instance: Instance) => instance.admits();

interface OpenInstance extends Instance {
  /** How many answers are awaited from it. */
  underWay(): number;
  /** Whether it has said that it is about to stop. */
  isLeaving(): boolean;
  close(): Promise<void>;
}

const PROBE_TIMEOUT_MS = 1_000;
const TRIFLE = JSON.stringify({ query: '{ __typename }' });

function openInstance(address: Address, options: BalancerOptions): OpenInstance {
  const { name, logger, maxConnections, probeHeaders } = options;
  const { origin, pathname: path } = address.url;
  const label = labelOf(address);
  const facts = { service: name, address: label };
  const pool = openHttpPool({ origin, connections: maxConnections, ...(address.ip ? { ip: address.ip } : {}) });
  const closing = new AbortController();
  const breaker = createBreaker({ onState, probe });
  options.onState(label, 'closed');
  let isLeaving = false;

  function onState(next: BreakerState): void {
    options.onState(label, next);
    if (next === 'open') logger.warn(facts, 'a service is failing here and is left out');
    if (next === 'closed') logger.info(facts, 'a service works here again');
  }

  async function probe(signal: AbortSignal, farewell?: () => void): Promise<void> {
    const patience = new Patience({ timeoutMs: PROBE_TIMEOUT_MS, signal });
    try {
      const headers = await probeHeaders(PROBE_TIMEOUT_MS);
      await new Promise<GraphQLAnswer>((answered, failed) => {
        const call = { path, headers, body: TRIFLE, patience, mayShare: false };
        callGraphQL(pool, call, { answered, failed, farewell });
      });
    } finally {
      patience.end();
    }
  }

  async function stays(signal: AbortSignal): Promise<boolean> {
    let stays = true;
    await probe(signal, () => {
      stays = false;
    });
    return stays;
  }

  function farewell(): void {
    if (isLeaving || closing.signal.aborted) return;
    isLeaving = true;
    logger.info(facts, 'a service is about to stop here and is left');
    void untilTrue(stays, closing.signal).then((isBack) => {
      isLeaving = false;
      if (isBack) logger.info(facts, 'a service is here to stay again');
    });
  }

  const watchedInstance: WatchedInstance = { underWay: 0, breaker, farewell };
  return {
    label,
    underWay: () => watchedInstance.underWay,
    isLeaving: () => isLeaving,
    admits: breaker.admits,
    ask({ headers, body, patience, mayShare }, timeoutMs, listener) {
      const watched = new WatchedCall(watchedInstance, breaker.begin(timeoutMs), listener);
      callGraphQL(pool, { path, headers, body, patience, mayShare }, watched);
    },
    async close() {
      closing.abort();
      breaker.close();
      options.onState(label, undefined);
      await pool.close();
    },
  };
}

interface WatchedInstance {
  underWay: number;
  breaker: Breaker;
  farewell(): void;
}

/** Counts a call as under way until its end, of which the breaker is told first. */
class WatchedCall implements CallListener {
  readonly #instance: WatchedInstance;
  readonly #request: WatchedRequest;
  readonly #listener: AnswerListener;

  constructor(instance: WatchedInstance, request: WatchedRequest, listener: AnswerListener) {
    this.#instance = instance;
    this.#request = request;
    this.#listener = listener;
    instance.underWay++;
  }

  answered(answer: GraphQLAnswer): void {
    this.#instance.underWay--;
    this.#instance.breaker.answered(this.#request);
    this.#listener.answered(answer);
  }

  failed(error: unknown): void {
    this.#instance.underWay--;
    this.#instance.breaker.failed(this.#request, error);
    this.#listener.failed(error);
  }

  farewell(): void {
    this.#instance.farewell();
  }
}

function labelOf({ url, ip }: Address): string {
  return ip ? `${url.href} at ${ip}` : url.href;
}
