import { runSubgraph } from '@souk/platform/subgraph';
import { readSubgraphSdl } from '@souk/schema/subgraphs';
import { createContext } from './context.ts';
import { readEnv } from './env.ts';
import { events } from './events.ts';
import { checkLedgerRights } from './ledger-rights.ts';
import { openOrders } from './peers.ts';
import { processEventsLeftBehind } from './provider-event.ts';
import { openProviders } from './providers/offered.ts';
import type { Providers } from './providers/provider.ts';
import { reconcileDaily } from './reconcile.ts';
import { sendDueRefunds } from './refund-delivery.ts';
import { resolvers } from './resolvers.ts';
import { checkDuePayments } from './settlement.ts';
import { addWebhooks } from './webhooks.ts';

const env = readEnv();
const offered = await openProviders(env);

await runSubgraph({
  name: 'payment',
  env,
  typeDefs: readSubgraphSdl('payment'),
  parts: ({ db, signer, logger: log }) => {
    const orders = openOrders({ urls: env.ORDER_URL, signer, logger: log });
    const providers: Providers = new Map(offered.map((provider) => [provider.name, provider]));
    const cashier = { orders, providers, log };
    checkLedgerRights(db, log).catch((error: unknown) => log.warn({ err: error }, 'rights on the ledger not checked'));
    return {
      resolvers,
      createContext: (request) => createContext(request, { db, cashier }),
      events,
      routes: (app) => addWebhooks(app, { db, providers, log }),
      sweeps: [
        { name: 'payments-check', everyMs: 1_000, run: () => checkDuePayments(db, cashier) },
        { name: 'refunds-send', everyMs: 500, run: () => sendDueRefunds(db, cashier) },
        { name: 'reconciliations', everyMs: 60_000, run: () => reconcileDaily(db, cashier) },
        { name: 'provider-events', everyMs: 5_000, run: () => processEventsLeftBehind(db, log) },
      ],
      close: [orders.close, ...offered.map((provider) => provider.close)],
    };
  },
});
