import { createHmac } from 'node:crypto';
import { allByName, byName } from '@souk/dev/by-name';
import { secretsOf } from '@souk/dev/secrets';
import { adminUrlOf, configuredDatabases, runningShop } from '@souk/dev/shop-databases';
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
  return configuredShop(env) ?? shopThatRuns(env);
}

function configuredShop(env: Env): ShopToCheck | undefined {
  const { TEST_PROVIDER_URL, TEST_PROVIDER_SECRET } = env;
  const databaseUrls = configuredDatabases(env);
  if (!databaseUrls) return undefined;
  return {
    databaseUrls,
    providerLog:
      TEST_PROVIDER_URL && TEST_PROVIDER_SECRET
        ? openProviderLog({ url: TEST_PROVIDER_URL, secret: TEST_PROVIDER_SECRET })
        : null,
  };
}

async function shopThatRuns(env: Env): Promise<ShopToCheck> {
  const { testProviderUrl: url } = await runningShop(env);
  const databases = byName(subgraphNames, (subgraph) => `souk_${subgraph}`);
  const secrets = secretsOf(env.SOUK_FOLDER);
  const name = 'souk_invariants';
  return {
    databaseUrls: await makeReadOnlyAccount(adminUrlOf(env), {
      name,
      // The same in every run, and of use to nobody who does not know the secrets of the shop anyway.
      password: createHmac('sha256', secrets.keyEncryptionSecret).update(name).digest('base64url'),
      databases,
    }),
    providerLog: url ? openProviderLog({ url, secret: secrets.testProviderSecret }) : null,
  };
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
