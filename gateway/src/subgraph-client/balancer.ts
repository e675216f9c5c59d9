import { callGraphQL, type GraphQLAnswer, type GraphQLCall } from '@souk/platform/graphql-call';
import { openHttpPool } from '@souk/platform/http-pool';
import { type Address, type Addresses, type AddressesOptions, followAddresses } from './addresses.ts';
import { type BreakerState, createBreaker } from './breaker.ts';
import { breakerStates } from './metrics.ts';

/** One address of a subgraph, with connections of its own and a breaker of its own. */
export interface Instance {
  admits(): boolean;
  /** Asks it; only right after it was picked. `timeoutMs` is how long requests of its kind may take. @throws {CallFailure} when there is no answer */
  ask(call: InstanceCall, timeoutMs: number): Promise<GraphQLAnswer>;
}

export type InstanceCall = Omit<GraphQLCall, 'path'>;

export interface BalancerOptions extends Omit<AddressesOptions, 'onChange'> {
  /** The subgraph's name. */
  name: string;
  maxConnections: number;
  /** Headers of the trifle that an address which is left out is asked, to see whether it answers again. */
  probeHeaders(timeoutMs: number): Promise<Record<string, string>>;
}

export interface Balancer {
  /** Resolves when it is known whom to ask, or a little later when DNS is silent. */
  known: Addresses['known'];
  /** Whether there is anybody to ask. */
  canAnswer(): boolean;
  /** The address to ask next: of those that work and are not in `except`, the one with the least to do. Undefined when there is none. */
  pick(except?: ReadonlySet<Instance>): Instance | undefined;
  close(): Promise<void>;
}

/**
 * Spreads the requests to one subgraph over its addresses. Least to do beats taking turns, because an address that has become slow gathers requests and so
 * gets fewer; where all have as little to do, they take turns. One that fails is left out by its breaker, and comes back by it.
 */
export function createBalancer(options: BalancerOptions): Balancer {
  const { name, logger } = options;
  let instances: OpenInstance[] = [];
  let turn = 0;

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
      logger.info({ subgraph: name, addresses: instances.map(({ label }) => label) }, 'addresses of a subgraph');
    },
  });

  return {
    known: addresses.known,
    canAnswer: () => instances.some((instance) => instance.admits()),
    pick(except) {
      const able = instances.filter((instance) => instance.admits() && !except?.has(instance));
      const least = Math.min(...able.map((instance) => instance.underWay()));
      const idlest = able.filter((instance) => instance.underWay() === least);
      return idlest[turn++ % idlest.length];
    },
    async close() {
      addresses.close();
      await Promise.all(instances.map((instance) => instance.close()));
    },
  };
}

interface OpenInstance extends Instance {
  label: string;
  /** How many answers are awaited from it. */
  underWay(): number;
  close(): Promise<void>;
}

const PROBE_TIMEOUT_MS = 1_000;

function openInstance(address: Address, { name, logger, maxConnections, probeHeaders }: BalancerOptions): OpenInstance {
  const { origin, pathname: path } = address.url;
  const label = labelOf(address);
  const pool = openHttpPool({ origin, connections: maxConnections, ...(address.ip ? { ip: address.ip } : {}) });
  const breaker = createBreaker({
    onState,
    probe: async (closing) =>
      callGraphQL(pool, {
        path,
        headers: await probeHeaders(PROBE_TIMEOUT_MS),
        request: { query: '{ __typename }' },
        signal: AbortSignal.any([closing, AbortSignal.timeout(PROBE_TIMEOUT_MS)]),
      }),
  });
  const state = { subgraph: name, address: label };
  breakerStates.set(state, 0);
  let underWay = 0;

  function onState(next: BreakerState): void {
    breakerStates.set(state, { closed: 0, open: 1, trial: 2 }[next]);
    if (next === 'open') logger.warn(state, 'a subgraph is failing here and is left out');
    if (next === 'closed') logger.info(state, 'a subgraph works here again');
  }

  return {
    label,
    underWay: () => underWay,
    admits: breaker.admits,
    ask(call, timeoutMs) {
      underWay++;
      return breaker.watch(timeoutMs, () => callGraphQL(pool, { path, ...call })).finally(() => underWay--);
    },
    async close() {
      breaker.close();
      breakerStates.remove(state);
      await pool.close();
    },
  };
}

function labelOf({ url, ip }: Address): string {
  return ip ? `${url.href} at ${ip}` : url.href;
}
