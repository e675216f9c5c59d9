import { Refused } from '@souk/platform/errors';
import type { EventHandlers } from '@souk/platform/events';
import { claim } from './cart-claim.ts';
import { deleteCartsOf } from './cart-expiry.ts';
import { removeOrdered } from './cart-order.ts';
import { learnVariant } from './prices.ts';

export const events = {
  'variant.changed': learnVariant,

  async 'order.confirmed'(tx, { payload: { cartId, lines } }) {
    if (cartId !== null) await removeOrdered(tx, cartId, lines);
  },

  async 'user.signed-in'(tx, { payload: { userId, cartId } }) {
    try {
      await claim(tx, userId, cartId);
    } catch (error) {
      // Nobody waits for an answer here. A cart that cannot be claimed stays the guest's, and `cartClaim` will say why.
      if (!(error instanceof Refused)) throw error;
    }
  },

  'user.deleted': (tx, { payload: { userId } }) => deleteCartsOf(tx, userId),
} satisfies EventHandlers<'cart'>;
