import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { migrate } from '@souk/platform/database';
import type { SubgraphName } from '@souk/schema/subgraphs';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { Problem } from './problem.ts';
import { root, workspaceOf } from './workspaces.ts';

/**
 * Tables that no service may ever change or remove a row of, not even by mistake: the account itself cannot.
 * Everything else in a subgraph's database is open to that subgraph, and to nobody but that subgraph.
 */
export const appendOnlyTables: Partial<Record<DatabaseOwner, readonly string[]>> = {
  payment: ['ledger_transactions', 'ledger_entries'],
  registry: ['publications'],
};

/** Who has a database of its own: each subgraph, and the registry of schemas where there is one. */
export type DatabaseOwner = SubgraphName | 'registry';

export interface SubgraphDatabase {
  subgraph: DatabaseOwner;
  /** Of the database and of its account, for example `souk_order`. */
  name: string;
  password: string;
}

/**
 * Makes the database of one subgraph with its account, or brings an existing one up to date: applies the migrations as the administrator,
 * then grants the account what the service needs and nothing more.
 *
 * @returns the URL the service connects with
 */
export async function prepareDatabase(adminUrl: string, database: SubgraphDatabase): Promise<string> {
  const { subgraph, name, password } = database;
  const admin = await createConnection({ uri: adminUrl });
  try {
    await admin.query(`CREATE DATABASE IF NOT EXISTS ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci`);
    await applyMigrations(subgraph, urlOf(adminUrl, { database: name }));
    await admin.query(`CREATE USER IF NOT EXISTS '${name}'@'%'`);
    await admin.query(`ALTER USER '${name}'@'%' IDENTIFIED BY ${admin.escape(password)}`);
    for (const grant of await grantsFor(admin, database)) await admin.query(`GRANT ${grant} TO '${name}'@'%'`);
    for (const right of await tooMuchFor(admin, database)) await admin.query(`REVOKE ${right} FROM '${name}'@'%'`);
  } finally {
    await admin.end();
  }
  return urlOf(adminUrl, { database: name, user: name, password });
}

/** Removes a database and its account. */
export async function dropDatabase(adminUrl: string, name: string): Promise<void> {
  const admin = await createConnection({ uri: adminUrl });
  try {
    await admin.query(`DROP DATABASE IF EXISTS ${name}`);
    await admin.query(`DROP USER IF EXISTS '${name}'@'%'`);
  } finally {
    await admin.end();
  }
}

async function applyMigrations(subgraph: DatabaseOwner, url: string): Promise<void> {
  const folder = join(subgraph === 'registry' ? join(root, 'schema') : workspaceOf(subgraph), 'migrations');
  if (!existsSync(folder))
    throw new Problem(`The subgraph "${subgraph}" has no migrations: expected them in ${folder}.`);
  await migrate({ url, folder }).catch((error: unknown) => {
    throw new Problem(
      `The migrations of the "${subgraph}" subgraph do not apply to its database: ${reasonOf(error)}. ` +
        'Where the database holds nothing of worth, start over with "npm start -- --reset".',
      { cause: error },
    );
  });
}

/** What the server said, beneath what the libraries made of it. */
function reasonOf(error: unknown): string {
  let reason = error;
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause;
  return reason instanceof Error ? reason.message : String(reason);
}

const EVERYTHING = 'SELECT, INSERT, UPDATE, DELETE';

/** Rights only add up in MySQL, so where one table gets fewer, every table is granted by name. */
async function grantsFor(admin: Connection, { subgraph, name }: SubgraphDatabase): Promise<string[]> {
  const appendOnly = appendOnlyTables[subgraph];
  if (!appendOnly) return [`${EVERYTHING} ON ${name}.*`];
  const [tables] = await admin.query<RowDataPacket[]>(
    'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ?',
    [name],
  );
  return tables.map((table) => {
    const rights = appendOnly.includes(table['name']) ? 'SELECT, INSERT' : EVERYTHING;
    return `${rights} ON ${name}.${table['name']}`;
  });
}

/** What somebody has granted by hand, or an earlier release, that would let the account rewrite what may only be added to. */
async function tooMuchFor(admin: Connection, { subgraph, name }: SubgraphDatabase): Promise<string[]> {
  const appendOnly = appendOnlyTables[subgraph];
  if (!appendOnly) return [];
  const account = [`'${name}'@'%'`, name];
  const [wide] = await admin.query<RowDataPacket[]>(
    'SELECT 1 FROM information_schema.schema_privileges WHERE grantee = ? AND table_schema = ? LIMIT 1',
    account,
  );
  const [rewriting] = await admin.query<RowDataPacket[]>(
    `SELECT DISTINCT table_name AS name FROM information_schema.table_privileges
     WHERE grantee = ? AND table_schema = ? AND table_name IN (?) AND privilege_type NOT IN ('SELECT', 'INSERT')`,
    [...account, appendOnly],
  );
  return [
    ...(wide.length > 0 ? [`ALL PRIVILEGES ON ${name}.*`] : []),
    ...rewriting.map((table) => `UPDATE, DELETE ON ${name}.${table['name']}`),
  ];
}

/** The URL of a database on the same server, through another account where one is named. */
export function urlOf(adminUrl: string, parts: { database: string; user?: string; password?: string }): string {
  const url = new URL(adminUrl);
  url.pathname = `/${parts.database}`;
  if (parts.user !== undefined) url.username = parts.user;
  if (parts.password !== undefined) url.password = parts.password;
  return url.href;
}
