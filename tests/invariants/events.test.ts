import { newId } from '@souk/platform/id';
import { describe, it } from 'vitest';
import { type Corruption, expectBroken, useTestShop } from './test-shop.ts';

const shop = useTestShop();

const corruptions: Corruption[] = [
  {
    breaks: 'E1',
    by: 'an event has not arrived for two hours',
    change: ({ change, orders }) =>
      change(
        'order',
        "UPDATE outbox SET state = 'QUEUED' WHERE event_id = ? AND subscriber = 'cart'",
        orders.delivered.events.confirmed,
      ),
  },
  {
    breaks: 'E2',
    by: 'an event was delivered and took no effect',
    isSettled: true,
    change: ({ change, orders }) =>
      change('cart', 'DELETE FROM inbox WHERE event_id = ?', orders.delivered.events.confirmed),
  },
  {
    breaks: 'E3',
    by: 'something took effect that nobody has stated',
    change: ({ change, orders }) =>
      change(
        'order',
        "DELETE FROM outbox WHERE event_id = ? AND subscriber = 'cart'",
        orders.delivered.events.confirmed,
      ),
  },
  {
    breaks: 'E4',
    by: 'an event arrived before the one before it',
    change: ({ change, orders }) =>
      change(
        'order',
        "UPDATE outbox SET delivered_at = delivered_at - INTERVAL 1 HOUR WHERE event_id = ? AND subscriber = 'catalog'",
        orders.refunded.events.canceled,
      ),
  },
  {
    breaks: 'E4',
    by: 'an event waits while the one after it has arrived',
    change: ({ change, orders }) =>
      change(
        'order',
        "UPDATE outbox SET state = 'PENDING', occurred_at = CURRENT_TIMESTAMP(3) WHERE event_id = ? AND subscriber = 'catalog'",
        orders.refunded.events.confirmed,
      ),
  },
  {
    breaks: 'E5',
    by: 'an order was confirmed by an event that never arrived',
    change: ({ change, orders }) =>
      change(
        'order',
        "UPDATE order_events SET caused_by = ? WHERE order_id = ? AND to_status = 'CONFIRMED'",
        newId('Event'),
        orders.delivered.id,
      ),
  },
  {
    breaks: 'E5',
    by: 'an order was confirmed by nothing',
    change: ({ change, orders }) =>
      change(
        'order',
        "UPDATE order_events SET caused_by = NULL WHERE order_id = ? AND to_status = 'CONFIRMED'",
        orders.delivered.id,
      ),
  },
  {
    breaks: 'E6',
    by: 'an event is parked',
    isSettled: true,
    change: ({ change, orders }) =>
      change('payment', "UPDATE outbox SET state = 'PARKED' WHERE event_id = ?", orders.delivered.events.captured),
  },
];

describe('an invariant of events goes red, and no other, when', () => {
  it.each(corruptions)('$breaks: $by', (corruption) => expectBroken(shop, corruption));
});
