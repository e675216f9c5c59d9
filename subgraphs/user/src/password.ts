import { type Database, must, transaction } from '@souk/platform/database';
import { refuse, SoukError } from '@souk/platform/errors';
import { eq, sql } from 'drizzle-orm';
import { accessBell } from './access-change.ts';
import { refuseDenied } from './access-list.ts';
import { forgetAttempts, takeAttempt } from './attempts.ts';
import { emailKeyOf } from './email.ts';
import { mailBell, queueMail } from './mail-queue.ts';
import { consumeToken, ownerOfToken } from './mailed-token.ts';
import { hashPassword, verifyPassword, withHashSlot } from './password-hash.ts';
import { couldBePassword, refuseWeakPassword } from './password-rules.ts';
import { type Client, renewSession, revokeSessions, type SessionGrant, startSession } from './session.ts';
import { type UserRow, users } from './tables.ts';
import { lockUser, lockViewer, nextVersion, userByEmail, userById } from './user.ts';
import { refuseSuspended } from './user-status.ts';

/**
 * The account that an address and a password prove, or null. An unknown address, a wrong password and an impossible one take equally long
 * and count equally.
 *
 * @throws {Refused} RATE_LIMITED when this account was tried too often
 * @throws {SoukError} RATE_LIMITED when too many passwords are being verified
 */
export async function provePassword(db: Database, emailKey: string, password: string): Promise<UserRow | null> {
  return withHashSlot(async () => {
    await takeAttempt(db, 'CREDENTIALS', emailKey);
    const user = await userByEmail(db, emailKey);
    const matches = await verifyPassword(user?.passwordHash ?? null, couldBePassword(password) ? password : '');
    if (!user || !matches) return null;
    await forgetAttempts(db, 'CREDENTIALS', emailKey);
    return user;
  });
}

/**
 * Proves the password of somebody who is signed in. Their attempts count like those at sign-in, so a stolen session is no way to guess it.
 *
 * @throws {Refused} INVALID_CREDENTIALS at `field`
 */
export async function proveOwnPassword(
  db: Database,
  userId: string,
  password: string,
  field: string,
): Promise<UserRow> {
  const account = await userById(db, userId);
  if (!account || account.deletedAt) throw new SoukError('UNAUTHENTICATED', 'This account no longer exists.');
  const user = await provePassword(db, account.emailKey, password);
  return user ?? refuse('INVALID_CREDENTIALS', 'This is not the password of your account.', { field: [field] });
}

/** Sets a new password, ends all other sessions, and gives the present one new tokens. */
export async function changePassword(
  db: Database,
  viewer: { userId: string; sessionId: string },
  passwords: { currentPassword: string; newPassword: string },
): Promise<SessionGrant> {
  const { userId, sessionId } = viewer;
  const proven = await proveOwnPassword(db, userId, passwords.currentPassword, 'currentPassword');
  refuseWeakPassword(passwords.newPassword, proven.emailKey, ['newPassword']);
  const passwordHash = await withHashSlot(() => hashPassword(passwords.newPassword));

  const grant = await transaction(db, async (tx) => {
    const user = await lockViewer(tx, userId);
    refuseChangedMeanwhile(user, proven);
    await tx
      .update(users)
      .set({ passwordHash, version: nextVersion })
      .where(must(eq(users.id, userId)));
    await queueMail(tx, userId, 'PASSWORD_CHANGED');
    const renewed = await renewSession(tx, userId, sessionId);
    await revokeSessions(tx, userId, 'PASSWORD_SET', { except: sessionId });
    return renewed;
  });
  mailBell.ring(db);
  accessBell.ring(db);
  return grant;
}

/** Of two changes with the same old password, one comes too late. */
export function refuseChangedMeanwhile(present: UserRow, proven: UserRow): void {
  if (present.passwordHash === proven.passwordHash) return;
  refuse('INVALID_CREDENTIALS', 'The password was changed a moment ago.');
}

/** Mails a link to choose a new password, if an account has this address. The answer and its time are the same if none has. */
export async function requestPasswordReset(db: Database, email: string): Promise<{ accepted: true }> {
  const emailKey = emailKeyOf(email);
  await takeAttempt(db, 'RESET_PASSWORD', emailKey);
  await transaction(db, async (tx) => {
    const user = await userByEmail(tx, emailKey);
    if (user) await queueMail(tx, user.id, 'RESET_PASSWORD');
  });
  mailBell.ring(db);
  return { accepted: true };
}

/**
 * Sets a new password for whoever received the mail, which proves the address too. All sessions end, and a new one begins.
 *
 * @throws {Refused} TOKEN_INVALID, TOKEN_EXPIRED, PASSWORD_TOO_WEAK, ACCOUNT_SUSPENDED, ACCESS_DENIED
 */
export async function resetPassword(
  db: Database,
  { token, newPassword }: { token: string; newPassword: string },
  client: Client,
): Promise<SessionGrant> {
  const userId = await ownerOfToken(db, 'RESET_PASSWORD', token);
  const owner = await userById(db, userId);
  refuseWeakPassword(newPassword, owner?.emailKey ?? '', ['newPassword']);
  const passwordHash = await withHashSlot(() => hashPassword(newPassword));

  const grant = await transaction(db, async (tx) => {
    const user = await lockUser(tx, userId);
    await consumeToken(tx, 'RESET_PASSWORD', token);
    if (!user || user.deletedAt)
      refuse('TOKEN_INVALID', 'This link is not valid. Ask for a new mail.', { field: ['token'] });
    refuseSuspended(user);
    await refuseDenied(tx, { userId, emailKey: user.emailKey, clientIp: client.ip });
    await tx
      .update(users)
      .set({
        passwordHash,
        emailVerifiedAt: sql`COALESCE(${users.emailVerifiedAt}, CURRENT_TIMESTAMP(3))`,
        lastSignInAt: sql`CURRENT_TIMESTAMP(3)`,
        version: nextVersion,
      })
      .where(must(eq(users.id, userId)));
    await forgetAttempts(tx, 'CREDENTIALS', user.emailKey);
    await queueMail(tx, userId, 'PASSWORD_CHANGED');
    const begun = await startSession(tx, userId, client);
    await revokeSessions(tx, userId, 'PASSWORD_SET', { except: begun.sessionId });
    return begun;
  });
  mailBell.ring(db);
  accessBell.ring(db);
  return grant;
}
