import { type Address, type Addresses, type AddressesOptions, followAddresses } from './addresses.ts';
import { type BreakerState, createBreaker } from './breaker.ts';
import { callGraphQL, type GraphQLAnswer, type GraphQLCall } from './graphql-call.ts';
import { openHttpPool } from './http-client/pool.ts';
import { createPatience } from './patience.ts';
import { untilTrue } from './until-true.ts';

/** One address of a service, with connections of its own and a breaker of its own. */
export interface Instance {
  /** Its address, for people. */
  label: string;
  admits(): boolean;
  /** Asks it; only right after it was picked. `timeoutMs` is how long requests of its kind may take. @throws {CallFailure} when there is no answer */
  ask(call: InstanceCall, timeoutMs: number): Promise<GraphQLAnswer>;
}

export type InstanceCall = Omit<GraphQLCall, 'path' | 'onFarewell'>;

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

function openInstance(address: Address, options: BalancerOptions): OpenInstance {
  const { name, logger, maxConnections, probeHeaders } = options;
  const { origin, pathname: path } = address.url;
  const label = labelOf(address);
  const facts = { service: name, address: label };
  const pool = openHttpPool({ origin, connections: maxConnections, ...(address.ip ? { ip: address.ip } : {}) });
  const closing = new AbortController();
  const breaker = createBreaker({ onState, probe: (signal) => probe(signal, () => {}) });
  options.onState(label, 'closed');
  let underWay = 0;
  let isLeaving = false;

  function onState(next: BreakerState): void {
    options.onState(label, next);
    if (next === 'open') logger.warn(facts, 'a service is failing here and is left out');
    if (next === 'closed') logger.info(facts, 'a service works here again');
  }

  async function probe(signal: AbortSignal, onFarewell: () => void): Promise<void> {
    const patience = createPatience({ timeoutMs: PROBE_TIMEOUT_MS, signal });
    try {
      const headers = await probeHeaders(PROBE_TIMEOUT_MS);
      const request = { query: '{ __typename }' };
      await callGraphQL(pool, { path, headers, request, patience, mayShare: false, onFarewell });
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

  function onFarewell(): void {
    if (isLeaving || closing.signal.aborted) return;
    isLeaving = true;
    logger.info(facts, 'a service is about to stop here and is left');
    void untilTrue(stays, closing.signal).then((isBack) => {
      isLeaving = false;
      if (isBack) logger.info(facts, 'a service is here to stay again');
    });
  }

  return {
    label,
    underWay: () => underWay,
    isLeaving: () => isLeaving,
    admits: breaker.admits,
    async ask({ headers, request, patience, mayShare }, timeoutMs) {
      underWay++;
      const watched = breaker.begin(timeoutMs);
      try {
        const answer = await callGraphQL(pool, { path, headers, request, patience, mayShare, onFarewell });
        watched.answered();
        return answer;
      } catch (error) {
        watched.failed(error);
        throw error;
      } finally {
        underWay--;
      }
    },
    async close() {
      closing.abort();
      breaker.close();
      options.onState(label, undefined);
      await pool.close();
    },
  };
}

function labelOf({ url, ip }: Address): string {
  return ip ? `${url.href} at ${ip}` : url.href;
}
