import { appendOnlyTables } from '@souk/dev/databases';
import { type Breaking, CannotTell } from './invariant.ts';
import type { Source } from './source.ts';

/** MySQL: access denied to a database, a table or a column. */
const deniedErrors = new Set([1044, 1142, 1143]);

/**
 * Accounts with a right on this database or on its ledger that lets them change what is booked. Administrators, whose rights are not given
 * database by database, are not meant: they run migrations and serve nobody. But an account that has rights here by name serves the shop,
 * and must not be an administrator as well.
 */
export async function ledgerWriters(payment: Source): Promise<Breaking> {
  const tables = (appendOnlyTables.payment ?? []).map((table) => `'${table}'`).join(', ');
  try {
    const serving = await payment.rows(`
      SELECT User FROM mysql.tables_priv WHERE Db = DATABASE() AND Table_name IN (${tables}) AND FIND_IN_SET('Insert', Table_priv)
      UNION SELECT User FROM mysql.db WHERE DATABASE() LIKE Db AND Insert_priv = 'Y'`);
    if (serving.length === 0) {
      const what = 'no account of its own may write here, so the service must be an administrator';
      return { count: 1, examples: [{ what }] };
    }
    return await payment.breaking(`
      SELECT CONCAT(User, '@', Host) AS account, CONCAT('on ', Table_name) AS what, CONCAT_WS(',', Table_priv, Column_priv) AS rights
      FROM mysql.tables_priv WHERE Db = DATABASE() AND Table_name IN (${tables})
        AND (${['Update', 'Delete', 'Drop', 'Alter'].map((right) => `FIND_IN_SET('${right}', Table_priv)`).join(' OR ')} OR FIND_IN_SET('Update', Column_priv))
      UNION ALL
      SELECT CONCAT(User, '@', Host), 'on the database', '' FROM mysql.db WHERE DATABASE() LIKE Db AND ${mayChange}
      UNION ALL
      SELECT CONCAT(User, '@', Host), 'on everything', '' FROM mysql.user WHERE ${mayChange}
        AND (User IN (SELECT User FROM mysql.tables_priv WHERE Db = DATABASE()) OR User IN (SELECT User FROM mysql.db WHERE DATABASE() LIKE Db))`);
  } catch (error) {
    if (!(error instanceof Error && 'errno' in error && deniedErrors.has(Number(error.errno)))) throw error;
    throw new CannotTell(
      'this account may not read what others may do: grant it SELECT on mysql.db, mysql.tables_priv and the rights in mysql.user',
    );
  }
}

const mayChange = "(Update_priv = 'Y' OR Delete_priv = 'Y' OR Drop_priv = 'Y' OR Alter_priv = 'Y')";

/** What the checker's account has to read to answer that. */
export const grantsToReadRights = [
  'SELECT ON mysql.db',
  'SELECT ON mysql.tables_priv',
  'SELECT (Host, User, Update_priv, Delete_priv, Drop_priv, Alter_priv) ON mysql.user',
];
