import { type Database, isDuplicateKey, must, now, transaction } from '@souk/platform/database';
import { refuse } from '@souk/platform/errors';
import { newId, parseId } from '@souk/platform/id';
import { wakeRelay } from '@souk/platform/jobs';
import { append } from '@souk/platform/outbox';
import { eq } from 'drizzle-orm';
import { accessBell } from './access-change.ts';
import { refuseDenied } from './access-list.ts';
import { emailDomainOf, emailKeyOf } from './email.ts';
import { mailBell, queueMail } from './mail-queue.ts';
import { provePassword } from './password.ts';
import { hashPassword, withHashSlot } from './password-hash.ts';
import { refuseWeakPassword } from './password-rules.ts';
import { type Client, type SessionGrant, startSession } from './session.ts';
import { type UserRow, users } from './tables.ts';
import { readTexts } from './text-input.ts';
import { lockUser, mustBeUser, unchanged } from './user.ts';
import { refuseSuspended } from './user-status.ts';

/**
 * Makes an account and signs it in. It is a customer and nothing else: roles are given by staff.
 *
 * An address that is taken is answered as such, by contract: so sign-up tells whether somebody is a customer here, which sign-in and reset do not.
 *
 * @throws {Refused} INVALID, REQUIRED, PASSWORD_TOO_WEAK, TAKEN, ACCESS_DENIED
 */
export async function signUp(
  db: Database,
  input: { email: string; password: string; displayName: string; locale?: string | null | undefined },
  client: Client,
): Promise<{ user: UserRow; grant: SessionGrant }> {
  const { displayName } = readTexts(['input'], input, { displayName: { maximumLength: 80 } });
  const email = input.email.trim();
  const emailKey = emailKeyOf(email);
  refuseWeakPassword(input.password, emailKey, ['input', 'password']);
  await refuseDenied(db, { userId: null, emailKey, clientIp: client.ip });
  const passwordHash = await withHashSlot(() => hashPassword(input.password));

  const id = newId('User');
  const emailDomain = emailDomainOf(emailKey);
  try {
    const begun = await transaction(db, async (tx) => {
      await tx
        .insert(users)
        .values({ id, email, emailKey, emailDomain, passwordHash, displayName, locale: input.locale ?? null });
      await queueMail(tx, id, 'VERIFY_EMAIL');
      return { grant: await startSession(tx, id, client), user: await mustBeUser(tx, id) };
    });
    mailBell.ring(db);
    return begun;
  } catch (error) {
    if (!isDuplicateKey(error, 'users_by_email')) throw error;
    return refuse('TAKEN', 'Another account has this e-mail address.', { field: ['input', 'email'] });
  }
}

/**
 * Starts a session. A guest cart that came along is merged by the cart subgraph, which hears of it.
 *
 * @throws {Refused} INVALID_CREDENTIALS, RATE_LIMITED; with the right password ACCOUNT_SUSPENDED, ACCESS_DENIED
 */
export async function signIn(
  db: Database,
  input: { email: string; password: string; cartId?: string | null | undefined },
  client: Client,
): Promise<{ user: UserRow; grant: SessionGrant }> {
  const cartId = input.cartId ? parseId('Cart', input.cartId) : null;
  const proven = await provePassword(db, emailKeyOf(input.email), input.password);
  if (!proven) refuse('INVALID_CREDENTIALS', 'E-mail address and password do not belong together.');

  const begun = await transaction(db, async (tx) => {
    const user = await lockUser(tx, proven.id);
    // The password was proved outside the transaction; whatever ended in between ends here.
    if (!user || user.passwordHash !== proven.passwordHash) {
      refuse('INVALID_CREDENTIALS', 'E-mail address and password do not belong together.');
    }
    refuseSuspended(user);
    await refuseDenied(tx, { userId: user.id, emailKey: user.emailKey, clientIp: client.ip });
    await tx
      .update(users)
      .set({ lastSignInAt: now, updatedAt: unchanged })
      .where(must(eq(users.id, user.id)));
    if (cartId) {
      await append(tx, { type: 'user.signed-in', aggregateId: user.id, payload: { userId: user.id, cartId } });
    }
    return { user, grant: await startSession(tx, user.id, client) };
  });
  wakeRelay(db);
  accessBell.ring(db);
  return begun;
}
