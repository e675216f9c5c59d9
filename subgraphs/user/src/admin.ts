import type { Transaction } from '@souk/platform/database';
import { refuse } from '@souk/platform/errors';
import { and, asc, eq, inArray, not } from 'drizzle-orm';
import { staffRoles, users } from './tables.ts';
import { isShutOut } from './user-status.ts';

/**
 * Refuses to let go of the last administrator who can act. Call it first in a transaction that takes the role from somebody, suspends or deletes them:
 * it locks who are administrators, so that of two who remove each other one is refused.
 *
 * @throws {Refused} LAST_ADMIN
 */
export async function refuseLastAdmin(tx: Transaction, leavingUserId: string): Promise<void> {
  const admins = await tx
    .select({ userId: staffRoles.userId })
    .from(staffRoles)
    .where(eq(staffRoles.role, 'ADMIN'))
    .orderBy(asc(staffRoles.userId))
    .for('update');
  const others = admins.map(({ userId }) => userId).filter((userId) => userId !== leavingUserId);
  if (others.length === admins.length) return;
  const able =
    others.length === 0
      ? []
      : await tx
          .select({ id: users.id })
          .from(users)
          .where(and(inArray(users.id, others), not(isShutOut)))
          .limit(1);
  if (able.length === 0)
    refuse('LAST_ADMIN', 'This would leave the shop without an administrator. Make somebody else one first.');
}
