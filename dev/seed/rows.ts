import type { Reader } from '@souk/platform/database';
import { getTableColumns, getTableName, sql } from 'drizzle-orm';
import type { MySqlColumn, MySqlTable } from 'drizzle-orm/mysql-core';
import { escape as quoted } from 'mysql2';

/** Few enough that no statement comes near the time it may take. */
const ROWS_PER_STATEMENT = 1_000;

/**
 * Inserts any number of rows. The columns translate their values as always, but the statement is put together here: with millions of values,
 * building it from one object for each takes longer than everything else.
 *
 * @throws with the server's reason and without the statement, which may be a megabyte long
 */
export async function insertRows<Table extends MySqlTable>(
  writer: Reader,
  table: Table,
  rows: readonly Table['$inferInsert'][],
): Promise<void> {
  const given = new Set(rows.flatMap((row) => Object.keys(row)));
  const columns = Object.entries<MySqlColumn>(getTableColumns(table)).filter(([key]) => given.has(key));
  const names = columns.map(([, column]) => `\`${column.name}\``).join(', ');
  for (let start = 0; start < rows.length; start += ROWS_PER_STATEMENT) {
    const tuples = rows
      .slice(start, start + ROWS_PER_STATEMENT)
      .map(
        (row: Record<string, unknown>) => `(${columns.map(([key, column]) => literal(column, row[key])).join(', ')})`,
      );
    try {
      await writer.execute(sql.raw(`INSERT INTO \`${getTableName(table)}\` (${names}) VALUES ${tuples.join(',\n')}`));
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      const reason = cause instanceof Error ? cause.message : cause;
      throw new Error(`The rows of ${getTableName(table)} could not be written: ${reason}`, { cause });
    }
  }
}

function literal(column: MySqlColumn, value: unknown): string {
  if (value === undefined) return 'DEFAULT';
  if (value === null) return 'NULL';
  const stored = column.mapToDriverValue(value) as string | number | bigint | boolean | Buffer;
  return typeof stored === 'bigint' ? String(stored) : quoted(stored);
}
