import { Counter, Gauge } from 'prom-client';
import type { SupergraphStatus } from './followed-supergraph.ts';

const swaps = new Counter({
  name: 'souk_supergraph_swaps_total',
  help: 'New supergraphs by what became of them: served, or refused while the last good one stays.',
  labelNames: ['endpoint', 'outcome'],
});

const watched = new Map<string, () => SupergraphStatus>();

new Gauge({
  name: 'souk_supergraph_info',
  help: 'The supergraph that is served: 1, or with several processes how many of them serve it.',
  labelNames: ['endpoint', 'variant', 'number', 'hash', 'source'],
  collect() {
    this.reset();
    for (const [endpoint, status] of watched) {
      const { variant, served } = status();
      if (!served) continue;
      const { number, hash, source } = served;
      this.set({ endpoint, variant: variant ?? 'none', number: number ?? 'none', hash, source }, 1);
    }
  },
});

new Gauge({
  name: 'souk_supergraph_refused',
  help: 'Whether the newest supergraph was refused, and an older one is served: 1, or with several processes how many of them have.',
  labelNames: ['endpoint'],
  collect() {
    for (const [endpoint, status] of watched) this.set({ endpoint }, status().refusal === null ? 0 : 1);
  },
});

new Gauge({
  name: 'souk_supergraph_check_age_seconds',
  help: 'How long ago the registry told what is newest; of several processes, the longest.',
  labelNames: ['endpoint'],
  aggregator: 'max',
  collect() {
    for (const [endpoint, status] of watched) {
      const { answeredAt } = status();
      if (answeredAt) this.set({ endpoint }, (Date.now() - answeredAt.getTime()) / 1000);
    }
  },
});

/** Tells of the supergraph of an endpoint from now on. */
export function watchSupergraph(endpoint: string, status: () => SupergraphStatus): void {
  watched.set(endpoint, status);
}

/** Counts what becomes of a swap. @throws what the swap throws */
export async function countSwap(endpoint: string, swap: () => Promise<void>): Promise<void> {
  try {
    await swap();
    swaps.inc({ endpoint, outcome: 'served' });
  } catch (error) {
    swaps.inc({ endpoint, outcome: 'refused' });
    throw error;
  }
}
