import { type Breaking, none } from './invariant.ts';
import type { Source } from './source.ts';

/**
 * Rows that are there more than once, by these columns. A unique index over them, or over some of them, is proof that there are none;
 * where somebody has dropped it, the rows are counted.
 */
export async function duplicates(source: Source, table: string, columns: readonly string[]): Promise<Breaking> {
  const indexes = await source.rows<{ columns: string }>(
    `SELECT GROUP_CONCAT(column_name) AS columns FROM information_schema.statistics
     WHERE table_schema = DATABASE() AND table_name = ? AND non_unique = 0 GROUP BY index_name`,
    [table],
  );
  const isProven = indexes.some((index) => index.columns.split(',').every((column) => columns.includes(column)));
  if (isProven) return none;
  const list = columns.join(', ');
  const present = columns.map((column) => `${column} IS NOT NULL`).join(' AND ');
  return source.breaking(
    `SELECT '${table}' AS 'table', ${list}, COUNT(*) AS copies FROM ${table} WHERE ${present} GROUP BY ${list} HAVING COUNT(*) > 1`,
  );
}
