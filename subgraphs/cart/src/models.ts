import type { Connection } from '@souk/platform/connection';
import type * as cart from './cart.ts';

/** What the types of the schema are made of, where they are not what they look like. */
export type Cart = cart.Cart;
export type CartLine = cart.CartLine;
export type CartLineConnection = Connection<CartLine>;
export type User = { id: string };
export type ProductVariant = { id: string };
