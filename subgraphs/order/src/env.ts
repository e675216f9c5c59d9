import { durationMs, readEnvironment, urls } from '@souk/platform/env';
import { subgraphEnvironment } from '@souk/platform/service';

const peer = () => urls('http://localhost:4002/graphql');

export const readEnv = () =>
  readEnvironment(
    {
      ...subgraphEnvironment,
      /** Where the other subgraphs answer: one address or several. */
      USER_URL: peer(),
      CATALOG_URL: peer(),
      CART_URL: peer(),
      /** How long an order waits for its payment before it expires. */
      ORDER_PAYMENT_WINDOW: durationMs().default(600_000),
    },
    process.env,
  );
