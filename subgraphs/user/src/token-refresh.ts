import { type Database, must, now, nowPlus, type Transaction, transaction } from '@souk/platform/database';
import { refuse } from '@souk/platform/errors';
import { and, eq, gt, isNotNull, lt, sql } from 'drizzle-orm';
import { accessBell } from './access-change.ts';
import { refuseDenied } from './access-list.ts';
import { rightsOf } from './role.ts';
import { seal, unseal } from './sealing.ts';
import { hashToken } from './secret-token.ts';
import { type Client, grantOf, keepAlive, revokeById, type SessionGrant } from './session.ts';
import { isTrue } from './sql-truth.ts';
import { refreshTokens, type SessionRow, sessions } from './tables.ts';
import { userById } from './user.ts';
import { refuseSuspended } from './user-status.ts';

/**
 * Refresh tokens are used once; each gives the next one (RFC 9700, section 4.14.2). A *family* is all tokens that follow from one sign-in: a session.
 * A token that comes a second time was copied by somebody, and nobody can tell which of the two is the thief, so the whole family ends.
 *
 * One exception: an honest client whose answer was lost asks again within the *time of grace* and gets the same successor, as long as that is unused.
 * The successor is kept for this only sealed under the token it replaces, so the database alone gives it to nobody.
 */
const GRACE_SECONDS = 10;
const SEALED_FOR = 'refresh token successor';

type Outcome =
  | { kind: 'granted'; grant: SessionGrant }
  | { kind: 'unknown' }
  | { kind: 'expired' }
  | { kind: 'reused' };

/**
 * Exchanges a refresh token.
 *
 * @param token null when the client sent none, and none is kept for it
 * @throws {Refused} REQUIRED, TOKEN_INVALID, TOKEN_EXPIRED, TOKEN_REUSED (the session has ended then), ACCOUNT_SUSPENDED, ACCESS_DENIED
 */
export async function refreshTokensOf(db: Database, token: string | null, client: Client): Promise<SessionGrant> {
  const field = ['input', 'refreshToken'];
  if (token === null) refuse('REQUIRED', 'There is no refresh token to exchange. Sign in.', { field });
  // The end of a family must be committed, so the transaction tells its outcome instead of refusing.
  const outcome = await transaction(db, (tx) => exchange(tx, token, client));
  switch (outcome.kind) {
    case 'granted':
      return outcome.grant;
    case 'unknown':
      return refuse('TOKEN_INVALID', 'This refresh token is not valid. Sign in again.', { field });
    case 'expired':
      return refuse('TOKEN_EXPIRED', 'This refresh token has expired. Sign in again.', { field });
    case 'reused':
      accessBell.ring(db);
      return refuse('TOKEN_REUSED', 'This refresh token was used before, so its session has ended. Sign in again.', {
        field,
      });
  }
}

async function exchange(tx: Transaction, token: string, client: Client): Promise<Outcome> {
  const hash = hashToken(token);
  const session = await lockSessionOf(tx, hash);
  if (!session) return { kind: 'unknown' };
  if (session.revokedAt) return { kind: session.revokedBecause === 'TOKEN_REUSED' ? 'reused' : 'unknown' };

  // From here on the session's lock keeps the family as it is.
  const [presented] = await tx
    .select({
      usedAt: refreshTokens.usedAt,
      sealedSuccessor: refreshTokens.sealedSuccessor,
      successorHash: refreshTokens.successorHash,
      expired: sql`${refreshTokens.expiresAt} <= ${now}`.mapWith(isTrue),
      inGrace: sql`${refreshTokens.usedAt} > ${nowPlus(-GRACE_SECONDS)}`.mapWith(isTrue),
    })
    .from(refreshTokens)
    .where(eq(refreshTokens.hash, hash));
  if (!presented) return { kind: 'unknown' };

  if (presented.usedAt) {
    const { inGrace, sealedSuccessor, successorHash } = presented;
    if (inGrace && sealedSuccessor && successorHash && (await isUnused(tx, successorHash))) {
      await refuseShutOut(tx, session, client);
      return {
        kind: 'granted',
        grant: await repeat(tx, session, unseal(token, SEALED_FOR, sealedSuccessor), successorHash),
      };
    }
    await revokeById(tx, [session.id], 'TOKEN_REUSED');
    return { kind: 'reused' };
  }
  if (presented.expired) return { kind: 'expired' };
  await refuseShutOut(tx, session, client);
  return { kind: 'granted', grant: await rotate(tx, session, token) };
}

async function rotate(tx: Transaction, session: SessionRow, token: string): Promise<SessionGrant> {
  const hash = hashToken(token);
  await keepAlive(tx, session.id);
  const grant = await grantOf(tx, session.userId, session.id, session.endsAt);
  await tx
    .update(refreshTokens)
    .set({
      usedAt: now,
      successorHash: hashToken(grant.refreshToken),
      sealedSuccessor: seal(token, SEALED_FOR, grant.refreshToken),
    })
    .where(must(eq(refreshTokens.hash, hash)));
  // Whoever uses a token has received it: its predecessor need not be able to tell it any more.
  await tx
    .update(refreshTokens)
    .set({ sealedSuccessor: null })
    .where(must(and(eq(refreshTokens.sessionId, session.id), eq(refreshTokens.successorHash, hash))));
  return grant;
}

async function repeat(tx: Transaction, session: SessionRow, successor: string, hash: Buffer): Promise<SessionGrant> {
  const [row] = await tx
    .select({ expiresAt: refreshTokens.expiresAt })
    .from(refreshTokens)
    .where(eq(refreshTokens.hash, hash));
  if (!row) throw new Error('Expected the successor of a refresh token to be there.');
  const { userId, id: sessionId } = session;
  return {
    userId,
    sessionId,
    ...(await rightsOf(tx, userId)),
    refreshToken: successor,
    refreshTokenExpiresAt: row.expiresAt,
  };
}

async function lockSessionOf(tx: Transaction, hash: Buffer): Promise<SessionRow | undefined> {
  const [token] = await tx
    .select({ sessionId: refreshTokens.sessionId })
    .from(refreshTokens)
    .where(eq(refreshTokens.hash, hash));
  if (!token) return undefined;
  const [session] = await tx.select().from(sessions).where(eq(sessions.id, token.sessionId)).for('update');
  return session;
}

async function isUnused(tx: Transaction, hash: Buffer): Promise<boolean> {
  const [row] = await tx
    .select({ usedAt: refreshTokens.usedAt })
    .from(refreshTokens)
    .where(eq(refreshTokens.hash, hash));
  return row?.usedAt === null;
}

/** Suspension ends sessions; this is for who was denied since, and for a suspension that commits at this moment. */
async function refuseShutOut(tx: Transaction, session: SessionRow, client: Client): Promise<void> {
  const user = await userById(tx, session.userId);
  if (!user || user.deletedAt) refuse('TOKEN_INVALID', 'This refresh token is not valid. Sign in again.');
  refuseSuspended(user);
  await refuseDenied(tx, { userId: user.id, emailKey: user.emailKey, clientIp: client.ip });
}

/** Erases sealed successors whose time of grace is over. */
export async function eraseSealedSuccessors(db: Database): Promise<void> {
  const over = and(lt(refreshTokens.usedAt, nowPlus(-GRACE_SECONDS)), gt(refreshTokens.usedAt, nowPlus(-86_400)));
  await db
    .update(refreshTokens)
    .set({ sealedSuccessor: null })
    .where(must(and(over, isNotNull(refreshTokens.sealedSuccessor))));
}
