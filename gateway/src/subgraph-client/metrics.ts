import { breakerLevels } from '@souk/platform/breaker';
import { createCounter, createGauge, createHistogram } from '@souk/platform/metrics';
import type { ServiceClientListener } from '@souk/platform/service-client';
import { Gauge } from 'prom-client';

/** What became of a request to a subgraph. */
export type Outcome =
  /** It answered, with or without errors. */
  | 'answered'
  | 'timeout'
  /** No connection, a lost one, or something that is no answer. */
  | 'unavailable'
  | 'too-large'
  /** Nobody was asked: every address of the subgraph is failing and gets a rest. */
  | 'resting'
  /** Nobody was asked: too many requests wait already. */
  | 'full'
  /** The client hung up. */
  | 'given-up';

export const requests = createCounter({
  name: 'souk_subgraph_requests_total',
  help: 'Requests to subgraphs by outcome.',
  labelNames: ['subgraph', 'outcome'],
});

export const durations = createHistogram({
  name: 'souk_subgraph_request_duration_seconds',
  help: 'Time a request to a subgraph took, waiting and retry included.',
  labelNames: ['subgraph', 'kind'],
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
});

export const sharedRequests = createCounter({
  name: 'souk_subgraph_requests_shared_total',
  help: 'Queries that were not sent, because the same was being asked already and its answer did for both.',
  labelNames: ['subgraph'],
});

const retries = createCounter({
  name: 'souk_subgraph_retries_total',
  help: 'Requests that were sent to a subgraph a second time, by what became of the first.',
  labelNames: ['subgraph', 'failure'],
});

const queueLength = createGauge({
  name: 'souk_subgraph_queue_length',
  help: 'Requests that wait until fewer are under way to the same subgraph.',
  labelNames: ['subgraph'],
});

const breakerStates = new Gauge({
  name: 'souk_subgraph_breaker_state',
  help: 'Whether an address of a subgraph gets requests: 0 closed (it does), 1 open (it gets none), 2 trial (it gets one).',
  aggregator: 'max',
  labelNames: ['subgraph', 'address'],
});

/** Tells the metrics what happens on the way to one subgraph. */
export function listenerFor(subgraph: string): ServiceClientListener {
  return {
    queue: (length) => queueLength.labels(subgraph).set(length),
    retry: (failure) => retries.labels(subgraph, failure).inc(),
    address(address, state) {
      if (state) breakerStates.set({ subgraph, address }, breakerLevels[state]);
      else breakerStates.remove({ subgraph, address });
    },
  };
}
