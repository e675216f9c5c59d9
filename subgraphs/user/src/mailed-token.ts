import { type Database, must, now, nowPlus, type Reader, type Transaction } from '@souk/platform/database';
import { refuse } from '@souk/platform/errors';
import { and, eq, lt, sql } from 'drizzle-orm';
import { hashToken, newSecretToken } from './secret-token.ts';
import { isTrue } from './sql-truth.ts';
import { type MailedTokenPurpose, mailedTokens } from './tables.ts';

const lifeSeconds: Record<MailedTokenPurpose, number> = { VERIFY_EMAIL: 86_400, RESET_PASSWORD: 30 * 60 };

/** Makes the token of a mail that is about to be sent; earlier ones for the same purpose stop working. */
export async function newMailedToken(tx: Transaction, userId: string, purpose: MailedTokenPurpose): Promise<string> {
  const token = newSecretToken();
  const expiresAt = nowPlus(lifeSeconds[purpose]);
  await tx
    .insert(mailedTokens)
    .values({ userId, purpose, hash: hashToken(token), expiresAt })
    .onDuplicateKeyUpdate({ set: { hash: hashToken(token), expiresAt } });
  return token;
}

/**
 * Whose mailbox a token was sent to.
 *
 * @throws {Refused} TOKEN_INVALID, TOKEN_EXPIRED
 */
export async function ownerOfToken(db: Reader, purpose: MailedTokenPurpose, token: string): Promise<string> {
  const [found] = await db
    .select({ userId: mailedTokens.userId, expired: sql`${mailedTokens.expiresAt} <= ${now}`.mapWith(isTrue) })
    .from(mailedTokens)
    .where(and(eq(mailedTokens.hash, hashToken(token)), eq(mailedTokens.purpose, purpose)));
  if (!found)
    refuse('TOKEN_INVALID', 'This link is not valid or was used already. Ask for a new mail.', { field: ['token'] });
  if (found.expired) refuse('TOKEN_EXPIRED', 'This link has expired. Ask for a new mail.', { field: ['token'] });
  return found.userId;
}

/** Uses a token up. The caller's transaction holds the owner's row, so that of two who present it one wins; the other is refused. */
export async function consumeToken(tx: Transaction, purpose: MailedTokenPurpose, token: string): Promise<void> {
  await ownerOfToken(tx, purpose, token);
  await tx
    .delete(mailedTokens)
    .where(must(and(eq(mailedTokens.hash, hashToken(token)), eq(mailedTokens.purpose, purpose))));
}

export async function pruneMailedTokens(db: Database): Promise<void> {
  await db
    .delete(mailedTokens)
    .where(must(lt(mailedTokens.expiresAt, nowPlus(-86_400))))
    .limit(1_000);
}
