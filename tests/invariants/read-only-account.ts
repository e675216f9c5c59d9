import type { SubgraphName } from '@souk/schema/subgraphs';
import { createConnection } from 'mysql2/promise';
import { grantsToReadRights } from './ledger-writers.ts';

/**
 * Makes an account that can read the five databases and do nothing else, as the administrator.
 *
 * @returns the URLs to read them with
 */
export async function makeReadOnlyAccount(
  adminUrl: string,
  account: { name: string; password: string; databases: Record<SubgraphName, string> },
): Promise<Record<SubgraphName, string>> {
  const { name, password, databases } = account;
  const admin = await createConnection({ uri: adminUrl });
  try {
    await admin.query(`CREATE USER IF NOT EXISTS '${name}'@'%'`);
    await admin.query(`ALTER USER '${name}'@'%' IDENTIFIED BY ${admin.escape(password)}`);
    const grants = [...Object.values(databases).map((database) => `SELECT ON ${database}.*`), ...grantsToReadRights];
    for (const grant of grants) await admin.query(`GRANT ${grant} TO '${name}'@'%'`);
  } finally {
    await admin.end();
  }
  const urlOf = (database: string) => {
    const url = new URL(adminUrl);
    Object.assign(url, { pathname: `/${database}`, username: name, password });
    return url.href;
  };
  return Object.fromEntries(
    Object.entries(databases).map(([subgraph, database]) => [subgraph, urlOf(database)]),
  ) as Record<SubgraphName, string>;
}
