import type { EventHandlers } from '@souk/platform/events';
import { commitHold, releaseHold, returnShare } from './reservation-end.ts';

export const events = {
  async 'order.confirmed'(tx, { payload: { orderId } }) {
    await commitHold(tx, orderId);
  },

  async 'order.canceled'(tx, { payload: { orderId } }) {
    const wasPaid = await returnShare(tx, orderId);
    if (!wasPaid) await releaseHold(tx, orderId);
  },
} satisfies EventHandlers<'catalog'>;
