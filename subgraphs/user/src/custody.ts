import type { Database } from '@souk/platform/database';
import { Refused } from '@souk/platform/errors';
import type { TokenCustody } from '@souk/platform/token-custody';
import type { TokenIssuer } from './access-token.ts';
import type { Client, SessionGrant } from './session.ts';
import { refreshTokensOf } from './token-refresh.ts';

/** Refresh tokens that the gateway keeps for browsers: where they go, and where they come from. */

/** Has every new refresh token kept, where the gateway keeps it for the client, instead of given out. */
export function issueInto(custody: TokenCustody | undefined, issueTokens: TokenIssuer): TokenIssuer {
  if (!custody) return issueTokens;
  return async (grant) => {
    const tokens = await issueTokens(grant);
    custody.next = { token: grant.refreshToken, expiresAt: grant.refreshTokenExpiresAt.toISOString() };
    return { ...tokens, refreshToken: null };
  };
}

/**
 * Exchanges the refresh token that the client sent, or else the one that is kept for it, which is given up when it turns out to be worth nothing.
 *
 * @throws {Refused} as `refreshTokensOf`
 */
export async function exchange(
  { db, custody }: { db: Database; custody?: TokenCustody | undefined },
  sent: string | null | undefined,
  client: Client,
): Promise<SessionGrant> {
  if (typeof sent === 'string') return refreshTokensOf(db, sent, client);
  try {
    return await refreshTokensOf(db, custody?.kept ?? null, client);
  } catch (error) {
    if (custody && error instanceof Refused && error.refusals.some(({ code }) => worthNothing.has(code))) {
      custody.next = null;
    }
    throw error;
  }
}

/** After these, no later try will do better. Who is denied access may be let in again. */
const worthNothing = new Set(['REQUIRED', 'TOKEN_INVALID', 'TOKEN_EXPIRED', 'TOKEN_REUSED', 'ACCOUNT_SUSPENDED']);
