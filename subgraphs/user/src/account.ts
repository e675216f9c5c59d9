import { type Database, must, now, transaction } from '@souk/platform/database';
import { refuse } from '@souk/platform/errors';
import { wakeRelay } from '@souk/platform/jobs';
import { append } from '@souk/platform/outbox';
import { eq } from 'drizzle-orm';
import { accessBell, recordAccessChanges } from './access-change.ts';
import { refuseLastAdmin } from './admin.ts';
import { forgetAttempts, takeAttempt } from './attempts.ts';
import { mailBell, queueMail } from './mail-queue.ts';
import { consumeToken, ownerOfToken } from './mailed-token.ts';
import { proveOwnPassword, refuseChangedMeanwhile } from './password.ts';
import { revokeSessions } from './session.ts';
import { addresses, mailedTokens, sessions, staffRoles, type UserRow, users } from './tables.ts';
import { readTexts } from './text-input.ts';
import { lockUser, lockViewer, mustBeUser, nextVersion, userById } from './user.ts';

/** One's own account: profile, proof of the e-mail address, deletion. */

export interface ProfileChange {
  displayName?: string | null | undefined;
  phone?: string | null | undefined;
  locale?: string | null | undefined;
  avatarUrl?: string | null | undefined;
}

/** Changes what is given; null clears. @throws {Refused} INVALID, REQUIRED */
export async function updateProfile(db: Database, userId: string, input: ProfileChange): Promise<{ user: UserRow }> {
  const texts = readTexts(['input'], input, {
    displayName: { maximumLength: 80, optional: true },
    phone: { maximumLength: 32, optional: true },
  });
  if (input.displayName !== undefined && texts.displayName === null) {
    refuse('REQUIRED', 'A display name can be changed, not cleared.', { field: ['input', 'displayName'] });
  }
  const user = await transaction(db, async (tx) => {
    await lockViewer(tx, userId);
    await tx
      .update(users)
      .set({
        ...(texts.displayName === null ? {} : { displayName: texts.displayName }),
        ...(input.phone === undefined ? {} : { phone: texts.phone }),
        ...(input.locale === undefined ? {} : { locale: input.locale }),
        ...(input.avatarUrl === undefined ? {} : { avatarUrl: input.avatarUrl }),
        version: nextVersion,
      })
      .where(must(eq(users.id, userId)));
    return mustBeUser(tx, userId);
  });
  return { user };
}

/** Confirms the address a token was mailed to. @throws {Refused} TOKEN_INVALID, TOKEN_EXPIRED */
export async function verifyEmail(db: Database, token: string): Promise<UserRow> {
  const userId = await ownerOfToken(db, 'VERIFY_EMAIL', token);
  return transaction(db, async (tx) => {
    await lockUser(tx, userId);
    await consumeToken(tx, 'VERIFY_EMAIL', token);
    await tx
      .update(users)
      .set({ emailVerifiedAt: now, version: nextVersion })
      .where(must(eq(users.id, userId)));
    return mustBeUser(tx, userId);
  });
}

/** Sends the confirmation mail again. @throws {Refused} ALREADY_VERIFIED, RATE_LIMITED */
export async function resendVerification(db: Database, userId: string): Promise<{ accepted: true }> {
  const user = await userById(db, userId);
  if (!user || user.emailVerifiedAt) refuse('ALREADY_VERIFIED', 'This e-mail address is confirmed already.');
  await takeAttempt(db, 'VERIFY_EMAIL', user.emailKey);
  await transaction(db, (tx) => queueMail(tx, userId, 'VERIFY_EMAIL'));
  mailBell.ring(db);
  return { accepted: true };
}

/**
 * Deletes an account. The row stays, because orders refer to it; everything personal goes, and the address is free again.
 *
 * @throws {Refused} INVALID_CREDENTIALS, RATE_LIMITED, LAST_ADMIN
 */
export async function deleteAccount(
  db: Database,
  userId: string,
  password: string,
): Promise<{ deletedUserId: string }> {
  const proven = await proveOwnPassword(db, userId, password, 'password');
  await transaction(db, async (tx) => {
    await refuseLastAdmin(tx, userId);
    const user = await lockViewer(tx, userId);
    refuseChangedMeanwhile(user, proven);
    await tx
      .update(users)
      .set({
        ...{ email: null, emailKey: userId, emailDomain: '', emailVerifiedAt: null, passwordHash: null },
        ...{ displayName: 'Deleted user', phone: null, locale: null, avatarUrl: null },
        ...{ suspendedAt: null, suspendedUntil: null, suspensionReason: null },
        deletedAt: now,
        version: nextVersion,
      })
      .where(must(eq(users.id, userId)));
    await tx.delete(addresses).where(must(eq(addresses.userId, userId)));
    await tx.delete(staffRoles).where(must(eq(staffRoles.userId, userId)));
    await tx.delete(mailedTokens).where(must(eq(mailedTokens.userId, userId)));
    await forgetAttempts(tx, 'VERIFY_EMAIL', user.emailKey);
    await append(tx, { type: 'user.deleted', aggregateId: userId, payload: { userId } });
    await revokeSessions(tx, userId, 'DELETED');
    await tx
      .update(sessions)
      .set({ userAgent: null, ipCountry: null })
      .where(must(eq(sessions.userId, userId)));
    await recordAccessChanges(tx, [{ kind: 'USER', subject: userId }]);
  });
  wakeRelay(db);
  accessBell.ring(db);
  return { deletedUserId: userId };
}
