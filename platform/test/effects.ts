import { int, mysqlTable, varchar } from 'drizzle-orm/mysql-core';

/** What a listener keeps in the tests of events: one row for each effect, in order. */
export const effects = mysqlTable('effects', {
  id: int('id').autoincrement().primaryKey(),
  aggregateId: varchar('aggregate_id', { length: 64 }).notNull(),
  status: varchar('status', { length: 16 }).notNull(),
});
