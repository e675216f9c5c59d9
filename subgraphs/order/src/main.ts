import { pruneIdempotencyKeys } from '@souk/platform/idempotency';
import { openAlarm } from '@souk/platform/jobs';
import { runSubgraph } from '@souk/platform/subgraph';
import { readSubgraphSdl } from '@souk/schema/subgraphs';
import { type CheckoutDesk, pruneCheckouts, recoverCheckouts } from './checkout.ts';
import { createContext } from './context.ts';
import { readEnv } from './env.ts';
import { events } from './events.ts';
import { expireOrder, expireOverdueOrders } from './expiry.ts';
import { createPeers } from './peers.ts';
import { resolvers } from './resolvers.ts';

const env = readEnv();
const paymentWindowMs = env.ORDER_PAYMENT_WINDOW;

await runSubgraph({
  name: 'order',
  env,
  typeDefs: readSubgraphSdl('order'),
  parts: ({ db, signer, logger }) => {
    const peers = createPeers({ signer, logger, env });
    const expiry = openAlarm({
      name: 'order-expiry',
      redisUrl: env.REDIS_URL,
      logger,
      run: (orderId) => expireOrder(db, orderId),
    });
    const remind = (orderId: string, delayMs: number) => void expiry.set(orderId, delayMs);
    const checkoutDesk: CheckoutDesk = { db, peers, logger, paymentWindowMs, remind };
    return {
      resolvers,
      createContext: (request) => createContext(request, { db, checkoutDesk }),
      events,
      sweeps: [
        // Who waits seconds for a payment, as tests do, wants to see it expire within seconds.
        {
          name: 'orders-expire',
          everyMs: paymentWindowMs < 60_000 ? 1_000 : 15_000,
          run: () => expireOverdueOrders(db),
        },
        { name: 'checkouts-recover', everyMs: 2_000, run: () => recoverCheckouts(checkoutDesk) },
        { name: 'checkouts-prune', everyMs: 600_000, run: () => pruneCheckouts(db) },
        { name: 'idempotency-prune', everyMs: 60_000, run: () => pruneIdempotencyKeys(db) },
      ],
      close: [expiry.close, peers.close],
    };
  },
});
