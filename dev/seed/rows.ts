import type { Reader } from '@souk/platform/database';
import type { MySqlTable } from 'drizzle-orm/mysql-core';

/** Few enough that no statement comes near the time it may take. */
const ROWS_PER_STATEMENT = 1_000;

/** Inserts any number of rows. */
export async function insertRows<Table extends MySqlTable>(
  writer: Reader,
  table: Table,
  rows: readonly Table['$inferInsert'][],
): Promise<void> {
  for (let start = 0; start < rows.length; start += ROWS_PER_STATEMENT) {
    await writer.insert(table).values(rows.slice(start, start + ROWS_PER_STATEMENT) as Table['$inferInsert'][]);
  }
}
