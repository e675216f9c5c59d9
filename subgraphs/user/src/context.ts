import type { Database } from '@souk/platform/database';
import { SoukError } from '@souk/platform/errors';
import type { Viewer } from '@souk/platform/identity';
import type { SubgraphRequest } from '@souk/platform/subgraph-server';
import type { IssuedTokens, TokenIssuer } from './access-token.ts';
import { issueInto } from './custody.ts';
import type { SigningKeys } from './keys.ts';
import { createLoaders, type Loaders } from './loaders.ts';
import type { Client, SessionGrant } from './session.ts';

/** What one request holds. */
export interface Context extends SubgraphRequest {
  db: Database;
  loaders: Loaders;
  issueTokens: TokenIssuer;
  keys: SigningKeys;
  /** Seconds an access token lives; changes are announced to gateways for so long. */
  tokenLifeSeconds: number;
}

export type ContextParts = Pick<Context, 'db' | 'issueTokens' | 'keys' | 'tokenLifeSeconds'>;

export function createContext(request: SubgraphRequest, parts: ContextParts): Context {
  return {
    ...request,
    ...parts,
    issueTokens: issueInto(request.custody, parts.issueTokens),
    loaders: createLoaders(parts.db),
  };
}

export function clientOf({ clientIp, clientAgent }: Context): Client {
  return { ip: clientIp, agent: clientAgent };
}

/** Who is asking. The SDL's guards let nobody else reach a resolver that calls this. */
export function viewerOf({ viewer }: Context): Viewer {
  if (!viewer) throw new SoukError('UNAUTHENTICATED', 'This needs a signed-in user.');
  return viewer;
}

/** Runs a verb; what the request has read before may have changed with it, so it is read anew from here on. */
export async function changing<Result>(context: Context, verb: Promise<Result>): Promise<Result> {
  try {
    return await verb;
  } finally {
    context.loaders = createLoaders(context.db);
  }
}

/**
 * Issues the tokens of a session that just began. For the rest of this request its owner is the viewer, so that the account can be read
 * in the payload; the caller object is shared between requests and is left alone.
 */
export async function enter(context: Context, grant: SessionGrant): Promise<IssuedTokens> {
  const { userId, sessionId, roles, scopes } = grant;
  context.viewer = { userId, sessionId, roles, scopes: new Set(scopes) };
  context.caller = { ...context.caller, viewer: context.viewer };
  return context.issueTokens(grant);
}
