import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { ALGORITHM, type SigningKeys } from './keys.ts';
import type { SessionGrant } from './session.ts';

/** What a signed-in client holds. */
export interface IssuedTokens {
  accessToken: string;
  accessTokenExpiresAt: Date;
  /** Null where the gateway keeps it for the client. */
  refreshToken: string | null;
  refreshTokenExpiresAt: Date;
}

/** Turns the outcome of a sign-in into the tokens a client holds. */
export type TokenIssuer = (grant: SessionGrant) => Promise<IssuedTokens>;

/** Access tokens are JWTs as RFC 9068 profiles them: typed `at+jwt`, for one audience, minutes long. */
export function createTokenIssuer(options: {
  keys: SigningKeys;
  issuer: string;
  audience: string;
  lifeSeconds: number;
}): TokenIssuer {
  const { keys, issuer, audience, lifeSeconds } = options;
  return async ({ userId, sessionId, roles, scopes, refreshToken, refreshTokenExpiresAt }) => {
    const { kid, privateKey } = await keys.active();
    const issuedAt = Math.floor(Date.now() / 1000);
    const accessToken = await new SignJWT({ sid: sessionId, roles, scope: scopes.join(' ') })
      .setProtectedHeader({ alg: ALGORITHM, kid, typ: 'at+jwt' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(userId)
      .setJti(randomUUID())
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + lifeSeconds)
      .sign(privateKey);
    return {
      accessToken,
      accessTokenExpiresAt: new Date((issuedAt + lifeSeconds) * 1000),
      refreshToken,
      refreshTokenExpiresAt,
    };
  };
}
