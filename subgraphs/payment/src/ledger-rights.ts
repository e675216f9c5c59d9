import { type Database, errorNumber } from '@souk/platform/database';
import type { Logger } from '@souk/platform/logger';
import { type SQL, sql } from 'drizzle-orm';

/** What the database must not allow, done to no row. */
const rewritings = [
  sql`DELETE FROM ledger_transactions WHERE FALSE`,
  sql`UPDATE ledger_transactions SET kind = kind WHERE FALSE`,
  sql`DELETE FROM ledger_entries WHERE FALSE`,
  sql`UPDATE ledger_entries SET account = account WHERE FALSE`,
];

/** MySQL: the account may not do this to a table, or to one of its columns. */
const deniedErrors = new Set([1142, 1143]);

/**
 * Finds out whether the ledger is append-only for us. `dev/migrate.ts` grants the account SELECT and INSERT on its tables and takes back more;
 * where rights are granted by hand, this is who notices.
 */
export async function checkLedgerRights(db: Database, log: Logger): Promise<boolean> {
  const denied = await Promise.all(rewritings.map((rewriting) => isDenied(db, rewriting)));
  const isAppendOnly = denied.every(Boolean);
  if (!isAppendOnly) {
    log.error(
      'this account may rewrite the ledger: grant it SELECT and INSERT on the tables of the ledger, and no more',
    );
  }
  return isAppendOnly;
}

async function isDenied(db: Database, statement: SQL): Promise<boolean> {
  try {
    await db.execute(statement);
    return false;
  } catch (error) {
    if (deniedErrors.has(errorNumber(error) ?? 0)) return true;
    throw error;
  }
}
