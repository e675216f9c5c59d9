import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '@souk/dev/workspaces';
import { readEnvironment, text, url } from '@souk/platform/env';

const database = () => url(['mysql:'], 'mysql://souk_invariants:secret@127.0.0.1:3306/souk_order').optional();

/** What the checker may be told; with nothing of it, it looks at the shop that runs here. `.env` counts, and the environment wins. */
export function readEnv() {
  const file = join(root, '.env');
  if (existsSync(file)) process.loadEnvFile(file);
  return readEnvironment(
    {
      USER_DATABASE_URL: database(),
      CATALOG_DATABASE_URL: database(),
      CART_DATABASE_URL: database(),
      ORDER_DATABASE_URL: database(),
      PAYMENT_DATABASE_URL: database(),
      TEST_PROVIDER_URL: url(['http:', 'https:'], 'http://127.0.0.1:4006').optional(),
      TEST_PROVIDER_SECRET: text('The secret shared with the provider of test cards.').optional(),
      SOUK_FOLDER: text('Where the shop keeps everything.').default(join(root, '.souk')),
      SOUK_MYSQL_ADMIN_URL: url(['mysql:'], 'mysql://root:secret@127.0.0.1:3306').optional(),
    },
    process.env,
  );
}

export type Env = ReturnType<typeof readEnv>;
