import type { Reader, Transaction } from '@souk/platform/database';
import { SoukError } from '@souk/platform/errors';
import { eq, sql } from 'drizzle-orm';
import { type UserRow, users } from './tables.ts';

/** The account with this normalised address. */
export async function userByEmail(db: Reader, emailKey: string): Promise<UserRow | null> {
  const [user] = await db.select().from(users).where(eq(users.emailKey, emailKey));
  return user ?? null;
}

export async function userById(db: Reader, id: string): Promise<UserRow | null> {
  const [user] = await db.select().from(users).where(eq(users.id, id));
  return user ?? null;
}

/** Reads an account and keeps others from changing it, its sessions' number or its address book until the transaction ends. */
export async function lockUser(tx: Transaction, id: string): Promise<UserRow | null> {
  const [user] = await tx.select().from(users).where(eq(users.id, id)).for('update');
  return user ?? null;
}

/**
 * The same for who is asking, whose account exists as long as their token is believed.
 *
 * @throws {SoukError} UNAUTHENTICATED when it was deleted a moment ago
 */
export async function lockViewer(tx: Transaction, id: string): Promise<UserRow> {
  const user = await lockUser(tx, id);
  if (!user || user.deletedAt) throw new SoukError('UNAUTHENTICATED', 'This account no longer exists.');
  return user;
}

/** Reads back what was just written. */
export async function mustBeUser(db: Reader, id: string): Promise<UserRow> {
  const user = await userById(db, id);
  if (!user) throw new Error('Expected the user that was just locked to be there.');
  return user;
}

/** For updates of `users`: one version more, so that staff who read the old one notice. */
export const nextVersion = sql`${users.version} + 1`;
/** For updates that are no change of the account itself: keeps `updatedAt`. */
export const unchanged = sql`${users.updatedAt}`;
