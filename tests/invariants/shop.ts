import { createHmac } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { allByName } from '@souk/dev/by-name';
import { mysqlStore, privateAdminUrl } from '@souk/dev/mysql-store';
import { Problem } from '@souk/dev/problem';
import { rememberedStore } from '@souk/dev/remembered-store';
import { secretsOf } from '@souk/dev/secrets';
import { askRunningShop } from '@souk/dev/shop-lock';
import { type SubgraphName, subgraphNames } from '@souk/schema/subgraphs';
import type { Sources } from './check.ts';
import type { Env } from './env.ts';
import { openProviderLog, type ProviderLog } from './provider-log.ts';
import { makeReadOnlyAccount } from './read-only-account.ts';
import { openSource, type Source } from './source.ts';

/** A shop to look at. */
export interface ShopToCheck {
  databaseUrls: Record<SubgraphName, string>;
  providerLog: ProviderLog | null;
}

/** The shop that the environment names, or else the one that runs here. @throws {Problem} when there is neither */
export async function findShop(env: Env): Promise<ShopToCheck> {
  return configuredShop(env) ?? runningShop(env);
}

function configuredShop(env: Env): ShopToCheck | undefined {
  const { TEST_PROVIDER_URL, TEST_PROVIDER_SECRET } = env;
  const given = subgraphNames.map((name) => [name, env[`${name.toUpperCase()}_DATABASE_URL` as keyof Env]] as const);
  const missing = given.filter(([, url]) => !url).map(([name]) => `${name.toUpperCase()}_DATABASE_URL`);
  if (missing.length === subgraphNames.length) return undefined;
  if (missing.length > 0)
    throw new Problem(`Some databases are named and others are not: set ${missing.join(', ')} too.`);
  return {
    databaseUrls: Object.fromEntries(given) as Record<SubgraphName, string>,
    providerLog:
      TEST_PROVIDER_URL && TEST_PROVIDER_SECRET
        ? openProviderLog({ url: TEST_PROVIDER_URL, secret: TEST_PROVIDER_SECRET })
        : null,
  };
}

async function runningShop({ SOUK_FOLDER: folder, SOUK_MYSQL_ADMIN_URL }: Env): Promise<ShopToCheck> {
  const running = await askRunningShop(folder);
  if (!running) {
    const names = subgraphNames.map((name) => `${name.toUpperCase()}_DATABASE_URL`).join(', ');
    throw new Problem(
      `No shop runs in ${folder}: start one with "npm start", or name the databases of another with ${names}.`,
    );
  }
  const databases = Object.fromEntries(subgraphNames.map((subgraph) => [subgraph, `souk_${subgraph}`])) as Record<
    SubgraphName,
    string
  >;
  const { testProviderUrl: url } = running;
  const secrets = secretsOf(folder);
  const name = 'souk_invariants';
  return {
    databaseUrls: await makeReadOnlyAccount(SOUK_MYSQL_ADMIN_URL ?? adminUrlOf(folder), {
      name,
      // The same in every run, and of use to nobody who does not know the secrets of the shop anyway.
      password: createHmac('sha256', secrets.keyEncryptionSecret).update(name).digest('base64url'),
      databases,
    }),
    providerLog: url ? openProviderLog({ url, secret: secrets.testProviderSecret }) : null,
  };
}

/** The administrator of the store that the shop has started for itself. */
function adminUrlOf(folder: string): string {
  const home = join(folder, 'mysql');
  const { port, password } = rememberedStore(home);
  if (port === undefined)
    throw new Problem(`The shop in ${folder} uses a MySQL of its own choice: name it with SOUK_MYSQL_ADMIN_URL.`);
  return existsSync(join(home, 'data')) ? privateAdminUrl(port, password) : mysqlStore.container.url(port, password);
}

/** Opens one connection to each database. */
export async function openSources({ databaseUrls, providerLog }: ShopToCheck): Promise<Sources & AsyncDisposable> {
  const sources: Record<SubgraphName, Source> = await allByName(subgraphNames, (name) =>
    openSource(databaseUrls[name]),
  );
  return {
    ...sources,
    providerLog,
    demand: null,
    [Symbol.asyncDispose]: async () => void (await allByName(subgraphNames, (name) => sources[name].close())),
  };
}
