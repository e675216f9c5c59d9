import { durationMs, readEnvironment, url } from '@souk/platform/env';
import { subgraphEnvironment } from '@souk/platform/service';

const peerUrl = () => url(['http:', 'https:'], 'http://localhost:4002/graphql');

export const readEnv = () =>
  readEnvironment(
    {
      ...subgraphEnvironment,
      USER_URL: peerUrl(),
      CATALOG_URL: peerUrl(),
      CART_URL: peerUrl(),
      /** How long an order waits for its payment before it expires. */
      ORDER_PAYMENT_WINDOW: durationMs().default(600_000),
    },
    process.env,
  );
