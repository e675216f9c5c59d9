import type { Database } from '@souk/platform/database';
import { SoukError } from '@souk/platform/errors';
import type { SubgraphRequest } from '@souk/platform/subgraph-server';
import { createLoaders, type Loaders } from './loaders.ts';
import type { Cashier } from './payment.ts';

/** What one request holds. */
export interface Context extends SubgraphRequest {
  db: Database;
  cashier: Cashier;
  loaders: Loaders;
}

export function createContext(request: SubgraphRequest, { db, cashier }: Pick<Context, 'db' | 'cashier'>): Context {
  return { ...request, db, cashier: { ...cashier, log: request.log }, loaders: createLoaders(db) };
}

/** Who acts. The access rules let nobody else reach a field that asks. */
export function actorOf({ viewer }: Context): string {
  if (!viewer) throw new SoukError('UNAUTHENTICATED', 'This needs a signed-in user.');
  return viewer.userId;
}
