import type { EventHandlers } from '@souk/platform/events';
import { closeOrder } from './order.ts';

/** What payment does about the facts of others. */
export const events = {
  'order.canceled': (tx, { payload: { orderId, status } }) => closeOrder(tx, orderId, status),
} satisfies EventHandlers<'payment'>;
