import { type Database, must, now, nowPlus, type Reader, type Transaction, transaction } from '@souk/platform/database';
import { refuse, SoukError } from '@souk/platform/errors';
import { newId, parseId } from '@souk/platform/id';
import { and, desc, eq, gt, inArray, isNull, lt, ne, or, sql } from 'drizzle-orm';
import { accessBell, recordAccessChanges } from './access-change.ts';
import { rightsOf } from './role.ts';
import { hashToken, newSecretToken } from './secret-token.ts';
import { isTrue } from './sql-truth.ts';
import { type RevocationReason, type Role, refreshTokens, sessions } from './tables.ts';

/** Not refreshed for so long, a session ends. */
const IDLE_SECONDS = 7 * 86_400;
/** However it is used, it ends then. */
const LONGEST_SECONDS = 30 * 86_400;
/** One more sign-in ends the session unused for longest. */
const MAXIMUM_SESSIONS = 20;

/** Where a request came from. */
export interface Client {
  ip: string | null;
  agent: string | null;
}

/** What a sign-in gives: the right to act as somebody, and the token that renews it. */
export interface SessionGrant {
  userId: string;
  sessionId: string;
  roles: Role[];
  scopes: string[];
  refreshToken: string;
  refreshTokenExpiresAt: Date;
}

/** Sessions that may still be used, as a condition. */
export const isLive = must(and(isNull(sessions.revokedAt), gt(sessions.expiresAt, now)));

/** Starts a session of a user whose row the transaction holds. */
export async function startSession(tx: Transaction, userId: string, client: Client): Promise<SessionGrant> {
  await crowdOut(tx, userId);
  const sessionId = newId('Session');
  await tx.insert(sessions).values({
    id: sessionId,
    userId,
    userAgent: client.agent?.slice(0, 256) ?? null,
    expiresAt: nowPlus(IDLE_SECONDS),
    endsAt: nowPlus(LONGEST_SECONDS),
  });
  return grantOf(tx, userId, sessionId, null);
}

/**
 * Gives a session of the viewer's new tokens and ends the old ones, used or not.
 *
 * @throws {SoukError} UNAUTHENTICATED when the session has ended
 */
export async function renewSession(tx: Transaction, userId: string, sessionId: string): Promise<SessionGrant> {
  const own = and(eq(sessions.id, sessionId), eq(sessions.userId, userId), isLive);
  const [session] = await tx.select().from(sessions).where(own).for('update');
  if (!session) throw new SoukError('UNAUTHENTICATED', 'This session has ended. Sign in again.');
  await tx.delete(refreshTokens).where(must(eq(refreshTokens.sessionId, sessionId)));
  await keepAlive(tx, sessionId);
  return grantOf(tx, userId, sessionId, session.endsAt);
}

/** Moves the end of an idle session forward, up to its last one. */
export async function keepAlive(tx: Transaction, sessionId: string): Promise<void> {
  await tx
    .update(sessions)
    .set({ lastSeenAt: now, expiresAt: sql`LEAST(${nowPlus(IDLE_SECONDS)}, ${sessions.endsAt})` })
    .where(must(eq(sessions.id, sessionId)));
}

/** Issues a refresh token; it never outlives its session (`endsAt`, null for a new one). */
export async function grantOf(
  tx: Transaction,
  userId: string,
  sessionId: string,
  endsAt: Date | null,
): Promise<SessionGrant> {
  const refreshToken = newSecretToken();
  const expiresAt = new Date(Math.min(Date.now() + IDLE_SECONDS * 1000, endsAt?.getTime() ?? Number.POSITIVE_INFINITY));
  await tx.insert(refreshTokens).values({ hash: hashToken(refreshToken), sessionId, expiresAt });
  return { userId, sessionId, ...(await rightsOf(tx, userId)), refreshToken, refreshTokenExpiresAt: expiresAt };
}

async function crowdOut(tx: Transaction, userId: string): Promise<void> {
  const live = await tx
    .select({ id: sessions.id })
    .from(sessions)
    .where(and(eq(sessions.userId, userId), isLive))
    .orderBy(desc(sessions.lastSeenAt), desc(sessions.id));
  await revokeById(
    tx,
    live.slice(MAXIMUM_SESSIONS - 1).map(({ id }) => id),
    'CROWDED_OUT',
  );
}

/**
 * Ends all live sessions of a user, but `except`. The caller's transaction holds the user's row, so that none begins meanwhile.
 *
 * @returns the ids of the sessions that ended
 */
export async function revokeSessions(
  tx: Transaction,
  userId: string,
  because: RevocationReason,
  { except }: { except?: string } = {},
): Promise<string[]> {
  const live = await tx
    .select({ id: sessions.id })
    .from(sessions)
    .where(and(eq(sessions.userId, userId), isLive, except === undefined ? undefined : ne(sessions.id, except)));
  const ids = live.map(({ id }) => id);
  await revokeById(tx, ids, because);
  return ids;
}

/** Ends sessions: none of their refresh tokens works any more, and the gateways refuse their access tokens. */
export async function revokeById(tx: Transaction, ids: string[], because: RevocationReason): Promise<void> {
  if (ids.length === 0) return;
  await tx
    .update(sessions)
    .set({ revokedAt: now, revokedBecause: because })
    .where(must(and(inArray(sessions.id, ids), isNull(sessions.revokedAt))));
  await recordAccessChanges(
    tx,
    ids.map((id) => ({ kind: 'SESSION', subject: id })),
  );
}

/**
 * Signs out who holds an access token, a refresh token, or both: of this session, or of all. A session that ended meanwhile is not in the answer.
 * A refresh token that was used already ends the session it stems from and no other: whoever sends it may have found it.
 */
export async function signOut(
  db: Database,
  { viewer, refreshToken }: { viewer: { userId: string; sessionId: string } | null; refreshToken: string | null },
  allSessions: boolean,
): Promise<{ signedOutSessionIds: string[] }> {
  const signedOutSessionIds = await transaction(db, async (tx) => {
    const family = refreshToken === null ? undefined : await familyOf(tx, refreshToken);
    const ofViewer = viewer && (allSessions ? eq(sessions.userId, viewer.userId) : ownSession(viewer));
    const ofFamily =
      family && (allSessions && family.isUnused ? eq(sessions.userId, family.userId) : ownSession(family));
    const concerned = or(ofViewer ?? undefined, ofFamily);
    if (!concerned) return [];
    const live = await tx
      .select({ id: sessions.id })
      .from(sessions)
      .where(and(concerned, isLive))
      .orderBy(sessions.id)
      .for('update');
    const ids = live.map(({ id }) => id);
    await revokeById(tx, ids, 'SIGNED_OUT');
    return ids;
  });
  accessBell.ring(db);
  return { signedOutSessionIds };
}

function ownSession({ userId, sessionId }: { userId: string; sessionId: string }) {
  return and(eq(sessions.id, sessionId), eq(sessions.userId, userId));
}

async function familyOf(tx: Transaction, refreshToken: string) {
  const [family] = await tx
    .select({
      sessionId: sessions.id,
      userId: sessions.userId,
      isUnused: sql`${refreshTokens.usedAt} IS NULL`.mapWith(isTrue),
    })
    .from(refreshTokens)
    .innerJoin(sessions, eq(sessions.id, refreshTokens.sessionId))
    .where(eq(refreshTokens.hash, hashToken(refreshToken)));
  return family;
}

/** Ends one of the viewer's sessions. @throws {Refused} NOT_FOUND when it is not theirs or has ended */
export async function revokeSession(db: Database, userId: string, id: string): Promise<{ revokedSessionId: string }> {
  parseId('Session', id);
  await transaction(db, async (tx) => {
    const own = and(eq(sessions.id, id), eq(sessions.userId, userId), isLive);
    const [session] = await tx.select({ id: sessions.id }).from(sessions).where(own).for('update');
    if (!session) refuse('NOT_FOUND', 'You have no such session; it may have ended by itself.', { field: ['id'] });
    await revokeById(tx, [id], 'SIGNED_OUT');
  });
  accessBell.ring(db);
  return { revokedSessionId: id };
}

/** Removes sessions that ended more than a day ago, with their tokens, a slice at a time. */
export async function pruneSessions(db: Database): Promise<void> {
  const over = await sessionsOver(db);
  if (over.length === 0) return;
  await db.delete(refreshTokens).where(must(inArray(refreshTokens.sessionId, over)));
  await db.delete(sessions).where(must(inArray(sessions.id, over)));
}

async function sessionsOver(db: Reader): Promise<string[]> {
  const rows = await db
    .select({ id: sessions.id })
    .from(sessions)
    .where(lt(sessions.expiresAt, nowPlus(-86_400)))
    .limit(250);
  return rows.map(({ id }) => id);
}
