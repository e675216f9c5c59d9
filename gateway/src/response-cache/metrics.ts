import { createCounter } from '@souk/platform/metrics';

/**
 * Where an answer came from: memory; memory or Redis, once Redis had said that it is good; another request that asked the same; the subgraphs.
 * `uncacheable` is what may not be kept, or not for this client.
 */
export type CacheResult = 'hit-memory' | 'hit-redis' | 'shared' | 'miss' | 'uncacheable';

export const cacheRequests = createCounter({
  name: 'souk_response_cache_requests_total',
  help: 'Operations by where their answer came from.',
  labelNames: ['endpoint', 'result'],
});
