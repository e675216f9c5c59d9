import { type Database, must, now, type Transaction, transaction } from '@souk/platform/database';
import { refuse, SoukError } from '@souk/platform/errors';
import { parseId } from '@souk/platform/id';
import { and, eq, inArray, isNotNull, lte } from 'drizzle-orm';
import { accessBell, recordAccessChanges } from './access-change.ts';
import { refuseLastAdmin } from './admin.ts';
import { revokeSessions } from './session.ts';
import { type Role, roleGrants, type StaffRole, staffRoles, type UserRow, users } from './tables.ts';
import { readTexts } from './text-input.ts';
import { lockUser, mustBeUser, nextVersion } from './user.ts';
import { statusOf } from './user-status.ts';

/** What staff do to other people's accounts, in force at once: the gateways follow within a second. */

/** The member of staff who acts. */
export interface Actor {
  userId: string;
  scopes: ReadonlySet<string>;
}

/**
 * Sets the roles of somebody. CUSTOMER is always among them, whether listed or not.
 *
 * @throws {Refused} NOT_FOUND, SELF_NOT_ALLOWED, STALE_VERSION with the present user, LAST_ADMIN
 * @throws {SoukError} FORBIDDEN when a role would give more than the actor may do
 */
export async function setRoles(
  db: Database,
  actor: Actor,
  change: { userId: string; roles: readonly Role[]; expectedVersion?: number | null | undefined },
): Promise<{ user: UserRow }> {
  const userId = parseId('User', change.userId);
  refuseSelf(actor, userId);
  const wanted = [...new Set(change.roles)].filter((role) => role !== 'CUSTOMER');

  const user = await transaction(db, async (tx) => {
    if (!wanted.includes('ADMIN')) await refuseLastAdmin(tx, userId);
    const present = await lockOther(tx, userId);
    if (typeof change.expectedVersion === 'number' && change.expectedVersion !== present.version) {
      refuse('STALE_VERSION', 'Somebody else changed this user since you read them.', {}, { user: present });
    }
    const held = await tx.select({ role: staffRoles.role }).from(staffRoles).where(eq(staffRoles.userId, userId));
    const added = wanted.filter((role) => !held.some((each) => each.role === role));
    const taken = held.map(({ role }) => role).filter((role) => !wanted.includes(role));
    await forbidGivingMore(tx, actor, added);
    if (added.length === 0 && taken.length === 0) return present;
    if (taken.length > 0) {
      await tx.delete(staffRoles).where(must(and(eq(staffRoles.userId, userId), inArray(staffRoles.role, taken))));
    }
    if (added.length > 0) await tx.insert(staffRoles).values(added.map((role) => ({ userId, role })));
    await tx
      .update(users)
      .set({ version: nextVersion })
      .where(must(eq(users.id, userId)));
    await recordAccessChanges(tx, [{ kind: 'USER', subject: userId }]);
    return mustBeUser(tx, userId);
  });
  accessBell.ring(db);
  return { user };
}

/** Nobody makes others mightier than they are: else a friend's account would be a way up. */
async function forbidGivingMore(tx: Transaction, { scopes }: Actor, added: readonly StaffRole[]): Promise<void> {
  if (added.length === 0) return;
  const grants = await tx
    .select()
    .from(roleGrants)
    .where(inArray(roleGrants.role, [...added]));
  const beyond = grants.find((grant) => grant.scopes.some((scope) => !scopes.has(scope)));
  if (beyond)
    throw new SoukError('FORBIDDEN', `You cannot give the role ${beyond.role}: it permits more than you may do.`);
}

/**
 * Shuts somebody out: their sessions end, and they cannot sign in until the suspension ends. A new suspension replaces the old one.
 *
 * @throws {Refused} NOT_FOUND, SELF_NOT_ALLOWED, INVALID, REQUIRED, LAST_ADMIN
 */
export async function suspend(
  db: Database,
  actor: Actor,
  input: { userId: string; reason: string; until?: Date | null | undefined },
): Promise<{ user: UserRow }> {
  const userId = parseId('User', input.userId);
  const { until = null } = input;
  const { reason } = readTexts(['input'], input, { reason: { maximumLength: 500 } });
  refuseSelf(actor, userId);
  if (until && until.getTime() <= Date.now()) {
    refuse('INVALID', 'Expected an instant in the future.', { field: ['input', 'until'] });
  }
  const user = await transaction(db, async (tx) => {
    await refuseLastAdmin(tx, userId);
    await lockOther(tx, userId);
    await tx
      .update(users)
      .set({ suspendedAt: now, suspendedUntil: until, suspensionReason: reason, version: nextVersion })
      .where(must(eq(users.id, userId)));
    const suspended = await mustBeUser(tx, userId);
    await revokeSessions(tx, userId, 'SUSPENDED');
    await recordAccessChanges(tx, [{ kind: 'USER', subject: userId }]);
    return suspended;
  });
  accessBell.ring(db);
  return { user };
}

/** Lets somebody in again. Who is not suspended stays as they are. */
export async function reinstate(db: Database, userId: string): Promise<{ user: UserRow }> {
  parseId('User', userId);
  const user = await transaction(db, async (tx) => {
    const present = await lockOther(tx, userId, ['userId']);
    if (statusOf(present) !== 'SUSPENDED') return present;
    await endSuspension(tx, [userId]);
    return mustBeUser(tx, userId);
  });
  accessBell.ring(db);
  return { user };
}

/** Ends the suspensions whose time is over. Signing in does not wait for this; the gateways learn of it here. */
export async function endSuspensions(db: Database): Promise<void> {
  const ended = await transaction(db, async (tx) => {
    const over = await tx
      .select({ id: users.id })
      .from(users)
      .where(and(isNotNull(users.suspendedUntil), lte(users.suspendedUntil, now)))
      .limit(100)
      .for('update', { skipLocked: true });
    const ids = over.map(({ id }) => id);
    await endSuspension(tx, ids);
    return ids.length;
  });
  if (ended > 0) accessBell.ring(db);
}

async function endSuspension(tx: Transaction, ids: string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx
    .update(users)
    .set({ suspendedAt: null, suspendedUntil: null, suspensionReason: null, version: nextVersion })
    .where(must(inArray(users.id, ids)));
  await recordAccessChanges(
    tx,
    ids.map((subject) => ({ kind: 'USER', subject })),
  );
}

async function lockOther(tx: Transaction, userId: string, field = ['input', 'userId']): Promise<UserRow> {
  const user = await lockUser(tx, userId);
  if (!user || user.deletedAt) refuse('NOT_FOUND', 'There is no such user, or they deleted their account.', { field });
  return user;
}

function refuseSelf(actor: Actor, userId: string): void {
  if (actor.userId !== userId) return;
  refuse('SELF_NOT_ALLOWED', 'You cannot do this to your own account. Ask a colleague.', {
    field: ['input', 'userId'],
  });
}
