import { loaderByKey } from '@souk/platform/batch';
import type { Database } from '@souk/platform/database';
import { inArray } from 'drizzle-orm';
import { type Cart, type CartLine, readCarts, readLines } from './cart.ts';
import { cartLines, carts } from './tables.ts';

export type Loaders = ReturnType<typeof createLoaders>;

/** Every read by key, batched and remembered for one request. A cart comes with its lines and what is known about their variants. */
export function createLoaders(db: Database) {
  return {
    cartById: loaderByKey<Cart>({
      load: (ids) => readCarts(db, inArray(carts.id, [...ids])),
      key: (cart) => cart.id,
    }),
    cartByOwner: loaderByKey<Cart>({
      load: (ownerIds) => readCarts(db, inArray(carts.ownerId, [...ownerIds])),
      key: (cart) => cart.ownerId ?? '',
    }),
    lineById: loaderByKey<CartLine>({
      load: (ids) => readLines(db, inArray(cartLines.id, [...ids])),
      key: (line) => line.id,
    }),
  };
}
