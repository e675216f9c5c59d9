import { connectionOf } from '@souk/platform/connection';
import { payload } from '@souk/platform/errors';
import { parseId } from '@souk/platform/id';
import { scalarResolvers } from '@souk/platform/scalars';
import { type Cart, isOpenTo } from './cart.ts';
import { addLines } from './cart-add.ts';
import { claimCart } from './cart-claim.ts';
import { createCart } from './cart-create.ts';
import { clearCart, removeLines, updateLines } from './cart-lines.ts';
import { cartToOrder } from './cart-order.ts';
import { type Context, signedIn } from './context.ts';
import type { Resolvers } from './generated/resolvers.ts';
import { addedUnitPriceOf, type CartWarning, costOf, subtotalOf, unitPriceOf, warningsOf } from './prices.ts';

export const resolvers: Resolvers = {
  CurrencyCode: scalarResolvers.CurrencyCode,
  DateTime: scalarResolvers.DateTime,
  Decimal: scalarResolvers.Decimal,
  URL: scalarResolvers.URL,

  Query: {
    cart: (_, { id }, context) => visibleCart(context, id),
    cartForOrder: (_, { cartId, userId }, { db }) => cartToOrder(db, cartId, userId),
  },

  Mutation: {
    cartCreate: (_, { input }, context) => change(context, () => createCart(context.db, context.viewerId, input)),
    cartLinesAdd: (_, { input }, context) => change(context, () => addLines(context.db, context.viewerId, input)),
    cartLinesUpdate: (_, { input }, context) => change(context, () => updateLines(context.db, context.viewerId, input)),
    cartLinesRemove: (_, { input }, context) => change(context, () => removeLines(context.db, context.viewerId, input)),
    cartClear: (_, { cartId }, context) => change(context, () => clearCart(context.db, context.viewerId, cartId)),
    cartClaim: (_, { cartId }, context) => change(context, () => claimCart(context.db, signedIn(context), cartId)),
  },

  Cart: {
    __resolveReference: ({ id }, context) => visibleCart(context, id),
    owner: ({ ownerId }) => (ownerId === null ? null : { id: ownerId }),
    lines: ({ lines }, args) => connectionOf(lines, args, { name: 'cart.lines', key: ({ id }) => id }),
    totalQuantity: ({ lines }) => lines.reduce((total, { quantity }) => total + quantity, 0),
    cost: costOf,
    warnings: warningsOf,
    expiresAt: ({ ownerId, expiresAt }) => (ownerId === null ? expiresAt : null),
  },

  CartLine: {
    // A line's id is no proof of holding its guest cart, so only an owner reads a line by itself.
    async __resolveReference({ id }, { loaders, viewerId }) {
      const line = await loaders.lineById.load(id);
      return line && line.cart.ownerId !== null && line.cart.ownerId === viewerId ? line : null;
    },
    variant: ({ variantId }) => ({ id: variantId }),
    unitPrice: unitPriceOf,
    addedUnitPrice: addedUnitPriceOf,
    subtotal: subtotalOf,
  },

  User: {
    __resolveReference: ({ id }) => ({ id }),
    cart: ({ id }, _, { loaders, viewerId }) => (id === viewerId ? loaders.cartByOwner.load(id) : null),
  },

  ProductVariant: {
    __resolveReference: ({ id }) => ({ id }),
    async quantityInViewerCart({ id }, _, { loaders, viewerId }) {
      if (viewerId === null) return null;
      const cart = await loaders.cartByOwner.load(viewerId);
      return cart?.lines.find(({ variantId }) => variantId === id)?.quantity ?? 0;
    },
  },
};

async function visibleCart({ loaders, viewerId }: Context, id: string): Promise<Cart | null> {
  const cart = await loaders.cartById.load(parseId('Cart', id));
  return cart && isOpenTo(cart, viewerId) ? cart : null;
}

/** Runs a verb and tells, refused or not, what the customer should know about the cart. What was read before is read anew afterwards. */
async function change(context: Context, verb: () => Promise<{ cart: Cart; merged?: CartWarning[] }>) {
  const { cart = null, merged = [], userErrors } = await payload<{ cart?: Cart; merged?: CartWarning[] }>(verb);
  for (const loader of Object.values(context.loaders)) loader.clearAll();
  return { cart, userErrors, warnings: cart ? [...merged, ...warningsOf(cart)] : [] };
}
