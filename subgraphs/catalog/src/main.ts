import { createCache } from '@souk/platform/cache';
import { pruneIdempotencyKeys } from '@souk/platform/idempotency';
import { runSubgraph } from '@souk/platform/subgraph';
import { readSubgraphSdl } from '@souk/schema/subgraphs';
import { createContext } from './context.ts';
import { readEnv } from './env.ts';
import { events } from './events.ts';
import { summariseAllStale } from './product-summary.ts';
import { releaseForgotten } from './reservation-end.ts';
import { resolvers } from './resolvers.ts';

await runSubgraph({
  name: 'catalog',
  env: readEnv(),
  typeDefs: readSubgraphSdl('catalog'),
  parts: ({ db, redis }) => {
    const cache = createCache({ redis, name: 'catalog' });
    return {
      resolvers,
      createContext: (request) => createContext(request, { db, cache }),
      events,
      sweeps: [
        { name: 'stale-search-texts', everyMs: 2_000, run: () => summariseAllStale(db) },
        { name: 'forgotten-holds', everyMs: 60_000, run: () => releaseForgotten(db) },
        { name: 'old-idempotency-keys', everyMs: 60_000, run: () => pruneIdempotencyKeys(db) },
      ],
      close: [],
    };
  },
});
