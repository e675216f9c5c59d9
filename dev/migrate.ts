import { setTimeout as delay } from 'node:timers/promises';
import { subgraphNames } from '@souk/schema/subgraphs';
import { prepareDatabase } from './databases.ts';
import { mysqlStore } from './mysql-store.ts';
import { Problem } from './problem.ts';

/**
 * `node dev/migrate.ts`: brings the five databases of a deployed shop up to date, as one step before its services start.
 * It reads the administrator's URL from SOUK_MYSQL_ADMIN_URL and each account's password from `<SUBGRAPH>_DATABASE_PASSWORD`.
 * With REGISTRY_DATABASE_PASSWORD it makes the database of the schema registry too.
 */
const WAIT_MS = 120_000;

async function migrate(): Promise<void> {
  const adminUrl = required('SOUK_MYSQL_ADMIN_URL');
  const passwords = subgraphNames.map((subgraph) => required(`${subgraph.toUpperCase()}_DATABASE_PASSWORD`));
  await untilItAnswers(adminUrl);
  for (const [position, subgraph] of subgraphNames.entries()) {
    const name = `souk_${subgraph}`;
    await prepareDatabase(adminUrl, { subgraph, name, password: passwords[position] ?? '' });
    console.log(`${name} is up to date`);
  }
  const password = process.env['REGISTRY_DATABASE_PASSWORD'];
  if (!password) return;
  await prepareDatabase(adminUrl, { subgraph: 'registry', name: 'souk_registry', password });
  console.log('souk_registry is up to date');
}

/** A database that starts at the same time may need a while, above all the first time. */
async function untilItAnswers(url: string): Promise<void> {
  const giveUpAt = Date.now() + WAIT_MS;
  for (;;) {
    try {
      return await mysqlStore.check(url);
    } catch (error) {
      if (Date.now() > giveUpAt) throw error;
      await delay(1_000);
    }
  }
}

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Problem(`${name} is missing: "node dev/write-env.ts" writes a .env that has it.`);
  return value;
}

await migrate().catch((error: unknown) => {
  console.error(error instanceof Problem ? error.message : error);
  process.exitCode = 1;
});
