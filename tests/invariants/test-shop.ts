import { randomBytes } from 'node:crypto';
import { allByName } from '@souk/dev/by-name';
import { createTestDatabase } from '@souk/dev/test-database';
import { openDatabase } from '@souk/platform/database';
import { idToBytes, typeOfId } from '@souk/platform/id';
import type { IdKind } from '@souk/platform/id-prefixes';
import { type SubgraphName, subgraphNames } from '@souk/schema/subgraphs';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, expect, inject } from 'vitest';
import { check, type Finding, type Sources } from './check.ts';
import type { ProviderLog } from './provider-log.ts';
import { makeReadOnlyAccount } from './read-only-account.ts';
import { openSources } from './shop.ts';
import { type TestHistory, testHistory } from './test-history.ts';

/** Five databases with a small history, the administrator's way into them, and the checker's. */
export interface TestShop extends Omit<TestHistory, 'rows'> {
  /** Forgets everything and begins again. @param isSettled without what is still under way */
  begin(options: { isSettled: boolean }): Promise<void>;
  /** Runs a statement as the administrator, who may do what no service does. Ids are given as text. */
  change(name: SubgraphName, sql: string, ...values: unknown[]): Promise<void>;
  check(options?: { providerLog?: ProviderLog; demand?: Map<string, number> }): Promise<Finding[]>;
  sources: Sources;
  /** The account of the service, which is also the name of its database. */
  nameOf(name: SubgraphName): string;
}

/** Makes the shop of a test file, and removes it afterwards. */
export function useTestShop(): TestShop {
  const shop = {} as TestShop & { close(): Promise<void> };
  beforeAll(async () => {
    Object.assign(shop, await openTestShop());
  });
  afterAll(() => shop.close?.());
  return shop;
}

async function openTestShop(): Promise<Omit<TestShop, keyof TestHistory> & { close(): Promise<void> }> {
  const databases = await allByName(subgraphNames, createTestDatabase);
  const names = mapped((name) => new URL(databases[name].adminUrl).pathname.slice(1));
  const admins = await allByName(subgraphNames, (name) =>
    createConnection({ uri: databases[name].adminUrl, timezone: 'Z', multipleStatements: true }),
  );
  const account = `test_${randomBytes(5).toString('hex')}_reader`;
  const databaseUrls = await makeReadOnlyAccount(inject('mysqlAdminUrl'), {
    name: account,
    password: randomBytes(12).toString('base64url'),
    databases: names,
  });
  const sources = await openSources({ databaseUrls, providerLog: null });
  let isSettled = true;

  return {
    sources,
    nameOf: (name) => names[name],
    async begin(options) {
      isSettled = options.isSettled;
      await allByName(subgraphNames, (name) => empty(admins[name]));
      const { rows, ...history } = testHistory(options);
      await allByName(subgraphNames, (name) =>
        fill(
          databases[name].adminUrl,
          rows.filter((each) => each.in === name),
        ),
      );
      Object.assign(this, history);
    },
    async change(name, sql, ...values) {
      await admins[name].query(sql, values.map(asStored));
    },
    check: (options) => check({ ...sources, ...options }, { isSettled }),
    async close() {
      await sources[Symbol.asyncDispose]();
      await admins.order.query(`DROP USER '${account}'@'%'`);
      await allByName(subgraphNames, (name) => admins[name].end());
      await allByName(subgraphNames, (name) => databases[name].drop());
    },
  };
}

const mapped = <Value>(make: (name: SubgraphName) => Value) =>
  Object.fromEntries(subgraphNames.map((name) => [name, make(name)])) as Record<SubgraphName, Value>;

/** What migrations put there stays. */
const kept = ['__drizzle_migrations', 'role_grants', 'access_version', 'search_generation'];

async function empty(admin: Connection): Promise<void> {
  const [tables] = await admin.query<RowDataPacket[]>(
    'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()',
  );
  const all = tables.map((table) => String(table['name'])).filter((name) => !kept.includes(name));
  await admin.query(all.map((name) => `DELETE FROM ${name}`).join(';'));
}

async function fill(url: string, tables: TestHistory['rows']): Promise<void> {
  const { db, close } = openDatabase({ url, poolSize: 1 });
  for (const { table, rows } of tables) await db.insert(table).values(rows as never);
  await close();
}

function asStored(value: unknown): unknown {
  const kind: IdKind | undefined = typeof value === 'string' ? typeOfId(value) : undefined;
  return kind ? idToBytes(kind, value as string) : value;
}

/** The ids of the invariants that are broken, in their order. */
export function brokenOf(findings: readonly Finding[]): string[] {
  expect(findings.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
  return findings.filter(({ outcome }) => outcome === 'broken').map(({ id }) => id);
}

/** One way to break an invariant, and all that is seen to be broken then. */
export interface Corruption {
  breaks: string;
  /** What else one row cannot but break with it. */
  alsoBreaks?: string[];
  by: string;
  /** Begins with a shop in which all is settled, and also checks what is only true then. */
  isSettled?: boolean;
  change(shop: TestShop): Promise<void>;
  /** Takes back a change of the tables themselves. */
  restore?(shop: TestShop): Promise<void>;
}

/** Corrupts a shop and sees exactly what should be broken be broken. */
export async function expectBroken(shop: TestShop, corruption: Corruption): Promise<void> {
  const { breaks, alsoBreaks = [], isSettled = false, change, restore } = corruption;
  await shop.begin({ isSettled });
  expect(brokenOf(await shop.check())).toEqual([]);
  try {
    await change(shop);
    const findings = await shop.check();
    expect(brokenOf(findings)).toEqual([breaks, ...alsoBreaks].sort(byPlace(findings)));
    const found = findings.find(({ id }) => id === breaks);
    expect(found?.count).toBeGreaterThan(0);
    expect(found?.examples).not.toEqual([]);
  } finally {
    await shop.begin({ isSettled });
    await restore?.(shop);
  }
}

const byPlace = (findings: readonly Finding[]) => (one: string, other: string) =>
  findings.findIndex(({ id }) => id === one) - findings.findIndex(({ id }) => id === other);
