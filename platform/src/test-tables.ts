import { generateMySQLDrizzleJson, generateMySQLMigration } from 'drizzle-kit/api';
import { sql } from 'drizzle-orm';
import type { Database } from './database.ts';

/** Creates tables of the platform in an empty test database, as a subgraph's migrations would. */
export async function createTables(db: Database, tables: Record<string, unknown>): Promise<void> {
  const statements = await generateMySQLMigration(
    await generateMySQLDrizzleJson({}),
    await generateMySQLDrizzleJson(tables),
  );
  for (const statement of statements) await db.execute(sql.raw(statement));
}
