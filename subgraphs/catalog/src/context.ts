import type { Cache } from '@souk/platform/cache';
import type { Database } from '@souk/platform/database';
import { SoukError } from '@souk/platform/errors';
import type { SubgraphRequest } from '@souk/platform/subgraph-server';
import { createLoaders, type Loaders } from './loaders.ts';

/** What one request holds. */
export interface Context extends SubgraphRequest {
  db: Database;
  cache: Cache;
  loaders: Loaders;
  /** Prepares products: lists show drafts, archived and deleted ones too. */
  editsCatalog: boolean;
  /** Reads stock: quantities are exact. */
  readsStock: boolean;
}

export function createContext(request: SubgraphRequest, { db, cache }: { db: Database; cache: Cache }): Context {
  const may = (scope: string) => request.viewer?.scopes.has(scope) ?? false;
  const [editsCatalog, readsStock] = [may('catalog:write'), may('stock:read')];
  // Who counts stock meets products by id that are not on sale, and has to see what they are.
  const loaders = createLoaders(db, { seesUnlisted: editsCatalog || readsStock, cacheTags: request.cacheTags });
  return { ...request, db, cache, loaders, editsCatalog, readsStock };
}

/** The user behind a field that only the signed-in may ask for; the schema's guard has turned everybody else away. */
export function signedIn({ viewer }: Context): string {
  if (!viewer) throw new SoukError('UNAUTHENTICATED', 'This needs a signed-in user.');
  return viewer.userId;
}
