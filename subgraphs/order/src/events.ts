import type { EventHandlers } from '@souk/platform/events';
import { confirmPaidOrder } from './order.ts';

/** What facts of others lead to here. */
export const events = {
  'payment.captured': async (tx, event) => {
    await confirmPaidOrder(tx, { ...event.payload, eventId: event.id });
  },
} satisfies EventHandlers<'order'>;
