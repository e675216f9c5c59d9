import { type Database, must, nowPlus, type Reader, type Transaction } from '@souk/platform/database';
import { eq, lt, sql } from 'drizzle-orm';
import { createBell } from './bell.ts';
import { accessChanges, accessVersion } from './tables.ts';

/** Something that is in force at once, although tokens already issued say otherwise. */
export type AccessChange = Pick<typeof accessChanges.$inferInsert, 'kind' | 'subject'>;

/** Rung after a transaction that recorded a change. */
export const accessBell = createBell();

const SINGLE_ROW = 1;

/**
 * Notes changes in the transaction that makes them. Do it last: transactions with a change commit one after another from here on,
 * so that a reader who has seen version 7 has seen everything before it.
 */
export async function recordAccessChanges(tx: Transaction, changes: readonly AccessChange[]): Promise<void> {
  if (changes.length === 0) return;
  await tx
    .update(accessVersion)
    .set({ version: sql`${accessVersion.version} + 1` })
    .where(must(eq(accessVersion.id, SINGLE_ROW)));
  const version = await currentAccessVersion(tx);
  await tx.insert(accessChanges).values(changes.map((change) => ({ ...change, version })));
}

/** The version of what is committed, or of what this transaction is about to commit. */
export async function currentAccessVersion(db: Reader): Promise<number> {
  const [row] = await db
    .select({ version: accessVersion.version })
    .from(accessVersion)
    .where(eq(accessVersion.id, SINGLE_ROW));
  if (!row) throw new Error('Expected the counter of access changes; migrations make it.');
  return row.version;
}

/** Forgets changes that no token can be older than, a slice at a time. */
export async function pruneAccessChanges(db: Database): Promise<void> {
  await db
    .delete(accessChanges)
    .where(must(lt(accessChanges.changedAt, nowPlus(-7 * 86_400))))
    .limit(1_000);
}
