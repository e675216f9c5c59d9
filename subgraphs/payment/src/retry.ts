import { type SQL, sql } from 'drizzle-orm';
import type { AnyMySqlColumn } from 'drizzle-orm/mysql-core';

/** When to ask a provider again: after 5 s at first, then after a quarter of the time it has taken so far, at most 5 minutes. */
export function nextTry(createdAt: AnyMySqlColumn): SQL<Date> {
  const ageSeconds = sql`TIMESTAMPDIFF(SECOND, ${createdAt}, CURRENT_TIMESTAMP(3))`;
  return sql`(CURRENT_TIMESTAMP(3) + INTERVAL GREATEST(5, LEAST(300, ${ageSeconds} DIV 4)) SECOND)`;
}
