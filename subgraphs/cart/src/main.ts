import { pruneIdempotencyKeys } from '@souk/platform/idempotency';
import { runSubgraph } from '@souk/platform/subgraph';
import { readSubgraphSdl } from '@souk/schema/subgraphs';
import { dropExpiredCarts, forgetMerges } from './cart-expiry.ts';
import { createContext } from './context.ts';
import { readEnv } from './env.ts';
import { events } from './events.ts';
import { resolvers } from './resolvers.ts';

await runSubgraph({
  name: 'cart',
  env: readEnv(),
  typeDefs: readSubgraphSdl('cart'),
  parts: ({ db }) => ({
    resolvers,
    createContext: (request) => createContext(request, { db }),
    events,
    sweeps: [
      { name: 'expired-carts', everyMs: 60_000, run: () => dropExpiredCarts(db) },
      { name: 'old-merges', everyMs: 600_000, run: () => forgetMerges(db) },
      { name: 'old-idempotency-keys', everyMs: 60_000, run: () => pruneIdempotencyKeys(db) },
    ],
    close: [],
  }),
});
