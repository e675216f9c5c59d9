import type { Database } from '@souk/platform/database';
import { SoukError } from '@souk/platform/errors';
import type { SubgraphRequest } from '@souk/platform/subgraph-server';
import { createLoaders, type Loaders } from './loaders.ts';

/** What one request holds. */
export interface Context extends SubgraphRequest {
  db: Database;
  loaders: Loaders;
  /** Who asks; null for a guest and for another service. */
  viewerId: string | null;
}

export function createContext(request: SubgraphRequest, { db }: { db: Database }): Context {
  return { ...request, db, loaders: createLoaders(db), viewerId: request.viewer?.userId ?? null };
}

/** The user behind a field that only the signed-in may ask for; the schema's guard has turned everybody else away. */
export function signedIn({ viewerId }: Context): string {
  if (viewerId === null) throw new SoukError('UNAUTHENTICATED', 'This needs a signed-in user.');
  return viewerId;
}
