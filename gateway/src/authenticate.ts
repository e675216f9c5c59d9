import { SoukError } from '@souk/platform/errors';
import type { AccessSnapshot, Viewer } from '@souk/platform/identity';
import { narrowestFor } from '@souk/platform/ip-range';
import { type JWTPayload, jwtVerify } from 'jose';
import type { AccessState } from './access-state.ts';
import { followTokenKeys, isKeySetFault } from './token-keys.ts';

/** Finds out who sent a request, at once where nobody has to be asked for that. Null: nobody in particular. */
export type Authenticate = (request: {
  authorization: string | undefined;
  clientIp: string;
}) => Viewer | null | Promise<Viewer | null>;

export interface AuthenticateOptions {
  /** Where the keys of access tokens are published: one address or several. */
  jwksUrls: readonly string[];
  issuer: string;
  audience: string;
  accessState: Pick<AccessState, 'current'>;
}

const ALGORITHMS = ['EdDSA', 'ES256'];
const TOKEN_TYPE = 'at+jwt';
/** Clocks of two machines are never the same. */
const CLOCK_TOLERANCE_SECONDS = 5;
const MAX_TOKEN_LENGTH = 4_096;
/** Whatever a token says of itself: revocations are remembered for so long. */
const LONGEST_LIFE_SECONDS = 300;

/**
 * Verifies access tokens (RFC 9068) against the published keys, then holds them against what has changed since they were issued:
 * revoked sessions, blocked users, changed roles, allow and deny entries.
 *
 * The returned function throws {SoukError} UNAUTHENTICATED for a token that cannot be believed, FORBIDDEN for a denied address or user,
 * SUBGRAPH_UNAVAILABLE (retryable) while it cannot be known whether a token was revoked.
 */
export function createAuthenticate({ jwksUrls, issuer, audience, accessState }: AuthenticateOptions): Authenticate {
  const keys = followTokenKeys(jwksUrls);
  /** By the header that it came in. */
  const known = new Map<string, VerifiedToken>();

  function verified(authorization: string): VerifiedToken | Promise<VerifiedToken> {
    const remembered = known.get(authorization);
    if (remembered && remembered.expiresAtMs > Date.now()) return remembered;
    known.delete(authorization);
    return verify(authorization, bearerToken(authorization)).catch((cause: unknown) => {
      // A key set that cannot be fetched says nothing about the token.
      if (isKeySetFault(cause)) throw temporarilyUnknown(cause);
      throw invalidToken('is not valid or has expired', cause);
    });
  }

  async function verify(authorization: string, token: string): Promise<VerifiedToken> {
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      algorithms: ALGORITHMS,
      issuer,
      audience,
      typ: TOKEN_TYPE,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      maxTokenAge: LONGEST_LIFE_SECONDS,
      requiredClaims: ['sub', 'sid', 'exp', 'iat'],
    });
    const { exp = 0, iat = 0 } = payload;
    const fresh: VerifiedToken = {
      payload,
      keyId: protectedHeader.kid,
      expiresAtMs: Math.min(exp, iat + LONGEST_LIFE_SECONDS) * 1_000,
    };
    remember(known, authorization, fresh);
    return fresh;
  }

  function whoHolds(token: VerifiedToken, snapshot: AccessSnapshot | undefined): Viewer {
    if (!snapshot) throw temporarilyUnknown();
    if (token.viewer?.of === snapshot) return token.viewer.is;
    const { payload, keyId } = token;
    if (!keyId) throw invalidToken('does not name its key');
    if (snapshot.revokedKeyIds.includes(keyId)) throw invalidToken('was signed with a key that was given up');
    const viewer = viewerOf(payload, snapshot);
    // What an entry says of somebody ends at its time, so that is looked up each time.
    const hasEntry = snapshot.accessEntries.some(({ kind, subject }) => kind === 'USER' && subject === viewer.userId);
    if (!hasEntry) token.viewer = { of: snapshot, is: viewer };
    return viewer;
  }

  return ({ authorization, clientIp }) => {
    const snapshot = accessState.current();
    if (snapshot) refuseDenied(narrowestFor(liveEntries(snapshot, 'IP_RANGE'), clientIp));
    if (authorization === undefined) return null;
    const token = verified(authorization);
    return token instanceof Promise ? token.then((fresh) => whoHolds(fresh, snapshot)) : whoHolds(token, snapshot);
  };
}

/** A token whose signature need not be checked again. */
interface VerifiedToken {
  payload: JWTPayload;
  keyId: string | undefined;
  expiresAtMs: number;
  /** Whom it stands for by a snapshot, as long as there is no newer one. */
  viewer?: { of: AccessSnapshot; is: Viewer };
}

function bearerToken(authorization: string): string {
  const [, token] = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization) ?? [];
  if (!token || token.length > MAX_TOKEN_LENGTH) throw invalidToken('is not of the form "Bearer <access token>"');
  return token;
}

function viewerOf(payload: JWTPayload, snapshot: AccessSnapshot): Viewer {
  const {
    sub: userId,
    sid: sessionId,
    roles: issuedRoles,
  } = payload as JWTPayload & { sid?: unknown; roles?: unknown };
  if (!isName(userId) || !isName(sessionId) || !Array.isArray(issuedRoles))
    throw invalidToken('lacks a required claim');
  if (snapshot.revokedSessionIds.includes(sessionId)) throw invalidToken('belongs to a session that was signed out');
  if (snapshot.blockedUserIds.includes(userId))
    throw invalidToken('belongs to an account that is suspended or deleted');
  refuseDenied(liveEntries(snapshot, 'USER').find(({ subject }) => subject === userId));
  const roles = snapshot.userRoles[userId] ?? issuedRoles.map(String);
  return { userId, sessionId, roles, scopes: new Set(roles.flatMap((role) => snapshot.roleScopes[role] ?? [])) };
}

function isName(claim: unknown): claim is string {
  return typeof claim === 'string' && claim !== '';
}

type Entry = AccessSnapshot['accessEntries'][number];

function liveEntries({ accessEntries }: AccessSnapshot, kind: Entry['kind']): Entry[] {
  if (accessEntries.length === 0) return accessEntries;
  const now = new Date().toISOString();
  return accessEntries.filter((entry) => entry.kind === kind && (entry.expiresAt === null || entry.expiresAt > now));
}

function refuseDenied(deciding: Entry | undefined): void {
  if (deciding?.effect !== 'DENY') return;
  throw new SoukError(
    'FORBIDDEN',
    'Requests from here are not accepted. Contact the shop if you think this is a mistake.',
  );
}

const MAX_REMEMBERED = 10_000;

/** Keeps the newest; the oldest entry makes room. */
function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  if (map.size >= MAX_REMEMBERED) map.delete(map.keys().next().value as string);
  map.set(key, value);
}

function invalidToken(reason: string, cause?: unknown): SoukError {
  return new SoukError('UNAUTHENTICATED', `The access token ${reason}. Refresh it or sign in again.`, { cause });
}

function temporarilyUnknown(cause?: unknown): SoukError {
  return new SoukError('SUBGRAPH_UNAVAILABLE', 'Access tokens cannot be checked right now. Try again.', {
    retryable: true,
    retryAfterMs: 1_000,
    cause,
  });
}
