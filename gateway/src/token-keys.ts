import {
  createRemoteJWKSet,
  customFetch,
  type FetchImplementation,
  type JWTVerifyGetKey,
  errors as joseErrors,
} from 'jose';

/** Gateways read the key set anew so often, whatever the ids in the tokens they see: keys that are gone are forgotten. */
const REFRESH_MS = 300_000;
/** An unknown key id asks for the key set, and a failed try is repeated, no more often than this. */
const COOLDOWN_MS = 1_000;
const TIMEOUT_MS = 2_000;

/**
 * The published keys of access tokens (RFC 7517). They are known before they sign, so a rotation costs nothing; a key id that is not known asks for them again, at
 * most once a second for whatever number of tokens. Of several addresses the first that answers is believed. The last good keys stay while they cannot be had: a
 * user subgraph that is away must not sign everybody out.
 *
 * @param jwksUrls at least one
 */
export function followTokenKeys(jwksUrls: readonly string[]): JWTVerifyGetKey {
  const [first = ''] = jwksUrls;
  const keys = createRemoteJWKSet(new URL(first), {
    cacheMaxAge: Number.POSITIVE_INFINITY,
    cooldownDuration: COOLDOWN_MS,
    timeoutDuration: TIMEOUT_MS,
    [customFetch]: patientFetch(jwksUrls, COOLDOWN_MS),
  });
  let lookedAt = Date.now();
  return (header, token) => {
    if (Date.now() - lookedAt > REFRESH_MS) {
      lookedAt = Date.now();
      // Nobody waits for it, and a failure leaves everything as it was.
      keys.reload().catch(() => {});
    }
    return keys(header, token);
  };
}

/** Whether the keys could not be had: no answer, or one that is no key set. jose has no class of its own for a wrong status. */
export function isKeySetFault(error: unknown): boolean {
  if (!(error instanceof joseErrors.JOSEError)) return true;
  return (
    error instanceof joseErrors.JWKSTimeout ||
    error instanceof joseErrors.JWKSInvalid ||
    error.code === joseErrors.JOSEError.code
  );
}

/** jose waits after a success only. After a failure this repeats it for a while instead of asking again. */
function patientFetch(urls: readonly string[], pauseMs: number): FetchImplementation {
  let failure: { error: unknown; until: number } | undefined;
  return async (_url, options) => {
    if (failure && failure.until > Date.now()) throw failure.error;
    try {
      const answer = await fetchAny(urls, options);
      failure = undefined;
      return answer;
    } catch (error) {
      failure = { error, until: Date.now() + pauseMs };
      throw error;
    }
  };
}

/** @throws what went wrong at the last of the addresses */
async function fetchAny(urls: readonly string[], options: Parameters<FetchImplementation>[1]): Promise<Response> {
  let failure: unknown;
  for (const url of urls) {
    try {
      const answer = await fetch(url, options);
      if (answer.status === 200) return answer;
      await answer.body?.cancel();
      throw new Error(`Expected the key set, got status ${answer.status}.`);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
