import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readEnvironment, text, url } from '@souk/platform/env';
import { type SubgraphName, subgraphNames } from '@souk/schema/subgraphs';
import type { z } from 'zod';
import { byName } from './by-name.ts';
import { urlOf } from './databases.ts';
import { mysqlStore, privateAdminUrl } from './mysql-store.ts';
import { Problem } from './problem.ts';
import { rememberedStore } from './remembered-store.ts';
import { secretsOf } from './secrets.ts';
import { askRunningShop, type RunningShop } from './shop-lock.ts';
import { root } from './workspaces.ts';

const database = () => url(['mysql:'], 'mysql://souk_order:secret@127.0.0.1:3306/souk_order').optional();

const variables = {
  USER_DATABASE_URL: database(),
  CATALOG_DATABASE_URL: database(),
  CART_DATABASE_URL: database(),
  ORDER_DATABASE_URL: database(),
  PAYMENT_DATABASE_URL: database(),
  SOUK_FOLDER: text('Where the shop keeps everything.').default(join(root, '.souk')),
  SOUK_MYSQL_ADMIN_URL: url(['mysql:'], 'mysql://root:secret@127.0.0.1:3306').optional(),
};

/** What a command that looks at a shop is told about it. */
export interface ShopEnvironment
  extends Partial<Record<`${Uppercase<SubgraphName>}_DATABASE_URL`, string | undefined>> {
  SOUK_FOLDER: string;
  SOUK_MYSQL_ADMIN_URL?: string | undefined;
}

/** Reads what such a command may be told, with `more` variables of its own; with nothing of it, it looks at the shop that runs here. `.env` counts, and the environment wins. */
export function readShopEnvironment<More extends z.core.$ZodLooseShape>(more: More) {
  const file = join(root, '.env');
  if (existsSync(file)) process.loadEnvFile(file);
  return readEnvironment({ ...variables, ...more }, process.env);
}

/** The databases that the environment names, if it does. @throws {Problem} when it names some of the five and not all */
export function configuredDatabases(env: ShopEnvironment): Record<SubgraphName, string> | undefined {
  const given = subgraphNames.map((name) => [name, env[variableOf(name)]] as const);
  const missing = given.filter(([, value]) => !value).map(([name]) => variableOf(name));
  if (missing.length === subgraphNames.length) return undefined;
  if (missing.length > 0)
    throw new Problem(`Some databases are named and others are not: set ${missing.join(', ')} too.`);
  return Object.fromEntries(given) as Record<SubgraphName, string>;
}

const variableOf = (name: SubgraphName) => `${name.toUpperCase() as Uppercase<SubgraphName>}_DATABASE_URL` as const;

/** The shop that runs here. @throws {Problem} when none does */
export async function runningShop({ SOUK_FOLDER: folder }: ShopEnvironment): Promise<RunningShop> {
  const running = await askRunningShop(folder);
  if (running) return running;
  const names = subgraphNames.map(variableOf).join(', ');
  throw new Problem(
    `No shop runs in ${folder}: start one with "npm start", or name the databases of another with ${names}.`,
  );
}

/** The databases of the shop that runs here, with the account of each subgraph. */
export function subgraphDatabases(env: ShopEnvironment): Record<SubgraphName, string> {
  const { databasePasswords } = secretsOf(env.SOUK_FOLDER);
  const adminUrl = adminUrlOf(env);
  return byName(subgraphNames, (subgraph) => {
    const name = `souk_${subgraph}`;
    return urlOf(adminUrl, { database: name, user: name, password: databasePasswords[subgraph] });
  });
}

/** The administrator of the store that the shop uses: the one named, or that of the store it has started for itself. */
export function adminUrlOf({ SOUK_FOLDER: folder, SOUK_MYSQL_ADMIN_URL }: ShopEnvironment): string {
  if (SOUK_MYSQL_ADMIN_URL) return SOUK_MYSQL_ADMIN_URL;
  const home = join(folder, 'mysql');
  const { port, password } = rememberedStore(home);
  if (port === undefined)
    throw new Problem(`The shop in ${folder} uses a MySQL of its own choice: name it with SOUK_MYSQL_ADMIN_URL.`);
  return existsSync(join(home, 'data')) ? privateAdminUrl(port, password) : mysqlStore.container.url(port, password);
}
