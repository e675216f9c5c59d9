import { payload } from '@souk/platform/errors';
import { money } from '@souk/platform/money';
import { type Context, signedIn } from './context.ts';
import type { Resolvers } from './generated/resolvers.ts';
import { loadReferenced } from './one-key.ts';
import { findMissing, reserve } from './reservation.ts';
import { commitHold, endHold, releaseHold, returnShare } from './reservation-end.ts';
import { adjustStock } from './stock.ts';
import { availabilityOf, MAX_SHOWN_QUANTITY } from './variant-facts.ts';

export const stockResolvers: Pick<
  Resolvers,
  'Query' | 'Mutation' | 'ProductVariant' | 'StockLevel' | 'StockReservationLine'
> = {
  Query: {
    stockMissing: (_, { variantIds }, { db }) => findMissing(db, variantIds),
  },

  Mutation: {
    stockAdjust: (_, { input }, context) => payload(() => adjustStock(context.db, signedIn(context), input)),
    stockReserve: (_, { input }, { db }) => payload(() => reserve(db, input)),
    stockCommit: (_, { orderId }, { db }) => endHold(db, orderId, commitHold),
    stockRelease: (_, { orderId }, { db }) => endHold(db, orderId, releaseHold),
    stockReturn: (_, { orderId }, { db }) => endHold(db, orderId, returnShare),
  },

  ProductVariant: {
    __resolveReference: (reference, { loaders }) =>
      loadReferenced(reference, loaders.variantById, loaders.variantBySku),
    product: async ({ productId }, _, { loaders }) => required(await loaders.productById.load(productId)),
    price: ({ priceMinor, currencyCode }) => money(priceMinor, currencyCode),
    compareAtPrice: ({ compareAtPriceMinor, currencyCode }) =>
      compareAtPriceMinor === null ? null : money(compareAtPriceMinor, currencyCode),
    image: ({ imageId }, _, { loaders }) => (imageId === null ? null : loaders.mediaById.load(imageId)),
    availability: async ({ id }, _, context) => availabilityOf(await availableOf(context, id)),
    quantityAvailable: async ({ id }, _, context) => {
      const available = await availableOf(context, id);
      return context.readsStock ? available : Math.min(available, MAX_SHOWN_QUANTITY);
    },
    stock: ({ id }, _, { loaders }) => loaders.stockByVariant.load(id),
  },

  StockLevel: {
    available: ({ onHand, reserved }) => onHand - reserved,
    movements: ({ variantId }, args, { loaders }) => loaders.movementsByVariant.load({ parent: variantId, args }),
  },

  StockReservationLine: {
    unitPrice: ({ unitPriceMinor, currencyCode }) => money(unitPriceMinor, currencyCode),
  },
};

async function availableOf({ loaders }: Context, variantId: string): Promise<number> {
  const level = await loaders.stockByVariant.load(variantId);
  return level ? level.onHand - level.reserved : 0;
}

function required<Row>(row: Row | null): Row {
  if (row === null) throw new TypeError('Expected the product of a variant that is visible.');
  return row;
}
