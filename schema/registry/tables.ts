import { exactText, instant } from '@souk/platform/database';
import { bigint, customType, date, int, mysqlTable, primaryKey, varchar } from 'drizzle-orm/mysql-core';
import type { Publication } from './registry.ts';

/** JSON as text, which both servers store alike; supergraphs are larger than the 64 KiB that TEXT can hold. */
const longText = customType<{ data: string }>({ dataType: () => 'longtext' });

/** Every state of the graph that was ever put up. Only ever added to: the account has no right to change or remove a row. */
export const publications = mysqlTable(
  'publications',
  {
    stage: exactText('stage', 16).notNull(),
    number: int('number').notNull(),
    kind: exactText('kind', 16).$type<Publication['kind']>().notNull(),
    takenFrom: varchar('taken_from', { length: 64 }),
    author: varchar('author', { length: 191 }).notNull(),
    publishedAt: instant('published_at').notNull(),
    reason: varchar('reason', { length: 1000 }),
    checkSummary: longText('check_summary').notNull(),
    hash: exactText('hash', 64).notNull(),
    subgraphs: longText('subgraphs').notNull(),
    contracts: longText('contracts').notNull(),
  },
  (table) => [primaryKey({ columns: [table.stage, table.number] })],
);

/** The operations of each version of each client. */
export const clientManifests = mysqlTable(
  'client_manifests',
  {
    contract: exactText('contract', 16).notNull(),
    client: exactText('client', 128).notNull(),
    version: exactText('version', 64).notNull(),
    registeredAt: instant('registered_at').notNull(),
    operations: longText('operations').notNull(),
  },
  (table) => [primaryKey({ columns: [table.contract, table.client, table.version] })],
);

/** How often clients asked for what, day by day. The hash stands for contract, client, version and coordinate, which are too long for a key. */
export const fieldUsage = mysqlTable(
  'field_usage',
  {
    day: date('day', { mode: 'string' }).notNull(),
    keyHash: exactText('key_hash', 64).notNull(),
    contract: exactText('contract', 16).notNull(),
    client: exactText('client', 128).notNull(),
    version: exactText('version', 64).notNull(),
    coordinate: exactText('coordinate', 255).notNull(),
    requests: bigint('requests', { mode: 'number' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.day, table.keyHash] })],
);

/** Which batches of which processes those counts are made of, so that none is added twice; and on which days anybody counted. */
export const usageSources = mysqlTable(
  'usage_sources',
  {
    day: date('day', { mode: 'string' }).notNull(),
    source: exactText('source', 36).notNull(),
    lastSequence: bigint('last_sequence', { mode: 'number' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.day, table.source] })],
);
