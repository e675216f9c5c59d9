import type { Reader } from '@souk/platform/database';
import { getTableName } from 'drizzle-orm';
import type { MySqlTable } from 'drizzle-orm/mysql-core';

/** Few enough that no statement comes near the time it may take. */
const ROWS_PER_STATEMENT = 1_000;

/**
 * Inserts any number of rows.
 *
 * @throws with the server's reason and without the statement, which may be a megabyte long
 */
export async function insertRows<Table extends MySqlTable>(
  writer: Reader,
  table: Table,
  rows: readonly Table['$inferInsert'][],
): Promise<void> {
  for (let start = 0; start < rows.length; start += ROWS_PER_STATEMENT) {
    const values = rows.slice(start, start + ROWS_PER_STATEMENT) as Table['$inferInsert'][];
    try {
      await writer.insert(table).values(values);
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      const reason = cause instanceof Error ? cause.message : cause;
      throw new Error(`The rows of ${getTableName(table)} could not be written: ${reason}`, { cause });
    }
  }
}
