import { SoukError } from '@souk/platform/errors';
import type { AccessSnapshot, Viewer } from '@souk/platform/identity';
import { narrowestFor } from '@souk/platform/ip-range';
import { createRemoteJWKSet, type JWTPayload, errors as joseErrors, jwtVerify } from 'jose';
import type { AccessState } from './access-state.ts';

/** Finds out who sent a request. Null: nobody in particular. */
export type Authenticate = (request: { authorization: string | undefined; clientIp: string }) => Promise<Viewer | null>;

export interface AuthenticateOptions {
  jwksUrl: string;
  issuer: string;
  audience: string;
  accessState: Pick<AccessState, 'current'>;
}

const ALGORITHMS = ['EdDSA', 'ES256'];
const TOKEN_TYPE = 'at+jwt';
/** Clocks of two machines are never the same. */
const CLOCK_TOLERANCE_SECONDS = 5;
const MAX_TOKEN_LENGTH = 4_096;

/**
 * Verifies access tokens (RFC 9068) against the published keys, then holds them against what has changed since they were issued:
 * revoked sessions, blocked users, changed roles, allow and deny entries.
 *
 * The returned function throws {SoukError} UNAUTHENTICATED for a token that cannot be believed, FORBIDDEN for a denied address or user,
 * SUBGRAPH_UNAVAILABLE (retryable) while it cannot be known whether a token was revoked.
 */
export function createAuthenticate({ jwksUrl, issuer, audience, accessState }: AuthenticateOptions): Authenticate {
  // The last good keys are kept for ever: a user subgraph that is away must not sign everybody out. An unknown key id asks again.
  const keys = createRemoteJWKSet(new URL(jwksUrl), {
    cacheMaxAge: Number.POSITIVE_INFINITY,
    cooldownDuration: 1_000,
    timeoutDuration: 2_000,
  });
  const verified = new Map<string, { payload: JWTPayload; expiresAtMs: number }>();

  async function verify(token: string): Promise<JWTPayload> {
    const known = verified.get(token);
    if (known && known.expiresAtMs > Date.now()) return known.payload;
    verified.delete(token);
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ALGORITHMS,
      issuer,
      audience,
      typ: TOKEN_TYPE,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      requiredClaims: ['sub', 'sid', 'exp', 'iat'],
    });
    remember(verified, token, { payload, expiresAtMs: (payload.exp ?? 0) * 1000 });
    return payload;
  }

  return async ({ authorization, clientIp }) => {
    const snapshot = accessState.current();
    if (snapshot) refuseDenied(narrowestFor(liveEntries(snapshot, 'IP_RANGE'), clientIp));
    if (authorization === undefined) return null;
    const token = bearerToken(authorization);
    const payload = await verify(token).catch((cause: unknown) => {
      // A key set that cannot be fetched says nothing about the token.
      if (isKeySetFault(cause)) throw temporarilyUnknown(cause);
      throw invalidToken('is not valid or has expired', cause);
    });
    if (!snapshot) throw temporarilyUnknown();
    return viewerOf(payload, snapshot);
  };
}

/** Whether the keys could not be had: no answer, or one that is no key set. jose has no class of its own for a wrong status. */
function isKeySetFault(error: unknown): boolean {
  if (!(error instanceof joseErrors.JOSEError)) return true;
  return (
    error instanceof joseErrors.JWKSTimeout ||
    error instanceof joseErrors.JWKSInvalid ||
    error.code === joseErrors.JOSEError.code
  );
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
  if (typeof userId !== 'string' || typeof sessionId !== 'string' || !Array.isArray(issuedRoles))
    throw invalidToken('lacks a required claim');
  if (snapshot.revokedSessionIds.includes(sessionId)) throw invalidToken('belongs to a session that was signed out');
  if (snapshot.blockedUserIds.includes(userId))
    throw invalidToken('belongs to an account that is suspended or deleted');
  refuseDenied(liveEntries(snapshot, 'USER').find(({ subject }) => subject === userId));
  const roles = snapshot.userRoles[userId] ?? issuedRoles.map(String);
  return { userId, sessionId, roles, scopes: new Set(roles.flatMap((role) => snapshot.roleScopes[role] ?? [])) };
}

type Entry = AccessSnapshot['accessEntries'][number];

function liveEntries({ accessEntries }: AccessSnapshot, kind: Entry['kind']): Entry[] {
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
