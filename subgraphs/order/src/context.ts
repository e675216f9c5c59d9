import type { Database } from '@souk/platform/database';
import { SoukError } from '@souk/platform/errors';
import type { SubgraphRequest } from '@souk/platform/subgraph-server';
import type { CheckoutDesk } from './checkout.ts';
import { createLoaders, type Loaders } from './loaders.ts';

/** What one request holds. */
export interface Context extends SubgraphRequest {
  db: Database;
  loaders: Loaders;
  checkoutDesk: CheckoutDesk;
}

export function createContext(
  request: SubgraphRequest,
  { db, checkoutDesk }: Pick<Context, 'db' | 'checkoutDesk'>,
): Context {
  return { ...request, db, checkoutDesk, loaders: createLoaders(db) };
}

/** The acting user. The SDL lets nobody else through; this says so to the compiler. */
export function signedIn({ viewer }: Context): string {
  if (!viewer) throw new SoukError('UNAUTHENTICATED', 'This needs a signed-in user.');
  return viewer.userId;
}
