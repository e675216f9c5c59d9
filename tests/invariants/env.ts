import { readShopEnvironment } from '@souk/dev/shop-databases';
import { text, url } from '@souk/platform/env';

/** What the checker may be told; with nothing of it, it looks at the shop that runs here. */
export const readEnv = () =>
  readShopEnvironment({
    TEST_PROVIDER_URL: url(['http:', 'https:'], 'http://127.0.0.1:4006').optional(),
    TEST_PROVIDER_SECRET: text('The secret shared with the provider of test cards.').optional(),
  });

export type Env = ReturnType<typeof readEnv>;
