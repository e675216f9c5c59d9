import { now } from '@souk/platform/database';
import { refuse } from '@souk/platform/errors';
import { and, isNotNull, isNull, not, type SQL, sql } from 'drizzle-orm';
import { type UserRow, users } from './tables.ts';

export type UserStatus = 'ACTIVE' | 'UNVERIFIED' | 'SUSPENDED' | 'DELETED';

/** Whether an account can be used, from its row. A suspension may have ended by itself. */
export function statusOf(user: UserRow, at = new Date()): UserStatus {
  if (user.deletedAt) return 'DELETED';
  if (user.suspendedAt && (!user.suspendedUntil || user.suspendedUntil > at)) return 'SUSPENDED';
  return user.emailVerifiedAt ? 'ACTIVE' : 'UNVERIFIED';
}

const suspended = sql`(${users.suspendedAt} IS NOT NULL AND (${users.suspendedUntil} IS NULL OR ${users.suspendedUntil} > ${now}))`;
/** The same rules as a condition on `users`. */
export const hasStatus: Record<UserStatus, SQL | undefined> = {
  DELETED: isNotNull(users.deletedAt),
  SUSPENDED: and(isNull(users.deletedAt), suspended),
  ACTIVE: and(isNull(users.deletedAt), not(suspended), isNotNull(users.emailVerifiedAt)),
  UNVERIFIED: and(isNull(users.deletedAt), not(suspended), isNull(users.emailVerifiedAt)),
};
/** A condition on `users`: suspended or deleted. */
export const isShutOut = sql`(${users.deletedAt} IS NOT NULL OR ${suspended})`;

/** Refuses an account that is suspended. */
export function refuseSuspended(user: UserRow): void {
  if (statusOf(user) !== 'SUSPENDED') return;
  const until = user.suspendedUntil ? ` until ${user.suspendedUntil.toISOString()}` : '';
  refuse('ACCOUNT_SUSPENDED', `This account is suspended${until}. Contact the shop if you think this is a mistake.`);
}
