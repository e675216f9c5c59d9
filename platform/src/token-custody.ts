/**
 * A browser keeps its refresh token best where no script can read it, so the gateway may keep it there in the browser's place. It then tells the
 * user subgraph with each mutation which token it keeps (in a header, believed only from the gateway), and the answer tells what is to be kept from now on
 * (in its `extensions`, which go no further than the gateway). Neither side knows more of the other: a subgraph knows no cookies, the gateway no sessions.
 */
export interface TokenCustody {
  /** The refresh token that is kept; null when there is none. */
  readonly kept: string | null;
  /** What is to be kept from now on: another token, or null for none. Undefined while nothing has changed. */
  next?: KeptToken | null;
}

export interface KeptToken {
  token: string;
  /** ISO 8601. */
  expiresAt: string;
}

const HEADER = 'souk-refresh-token';
const EXTENSION = 'soukRefreshToken';

/** 256 bits in base64url. */
const TOKEN = /^[\w-]{43}$/;

/** Takes a token that came from outside into custody. What cannot be one is none. */
export function custodyOf(token: string | undefined): TokenCustody {
  return { kept: token !== undefined && TOKEN.test(token) ? token : null };
}

/** The header that tells a subgraph of a custody. It is there, and empty, where no token is kept yet. */
export function custodyHeaders(custody: TokenCustody | undefined): Record<string, string> {
  return custody ? { [HEADER]: custody.kept ?? '' } : {};
}

/** The custody in the headers of a request; undefined when the client keeps its refresh token itself. */
export function custodyIn(headers: Record<string, string | string[] | undefined>): TokenCustody | undefined {
  const value = headers[HEADER];
  return typeof value === 'string' ? custodyOf(value) : undefined;
}

/** What an answer has to say in its `extensions`, if anything. */
export function extensionsFor({ next }: TokenCustody): Record<string, KeptToken | null> | undefined {
  return next === undefined ? undefined : { [EXTENSION]: next };
}

/** Notes in `custody` what an answer says is to be kept. */
export function heed(custody: TokenCustody, extensions: Record<string, unknown> | undefined): void {
  if (!extensions || !(EXTENSION in extensions)) return;
  custody.next = extensions[EXTENSION] as KeptToken | null;
}
