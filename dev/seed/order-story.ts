import type { OrderActor, OrderStatus } from '@souk/order/order-status';
import type { OrderCancelReason } from '@souk/order/tables';
import { demoId } from './demo-id.ts';
import { after, MINUTE_MS } from './demo-time.ts';
import type { Random } from './random.ts';

/** One of the ways an order may go after it was placed. */
export interface Story {
  steps: readonly Step[];
  /** How many days before the last day of the demo such an order was placed. */
  daysAgo: readonly [fewest: number, most: number];
  /** How many of a hundred orders go this way. */
  share: number;
}

interface Step {
  to: OrderStatus;
  actors: readonly OrderActor[];
  /** How long after the step before. */
  minutes: readonly [fewest: number, most: number];
  message?: (random: Random) => string;
  cancelReason?: OrderCancelReason;
}

export interface DemoEvent {
  id: string;
  from: OrderStatus | null;
  to: OrderStatus;
  actor: OrderActor;
  message: string | null;
  at: Date;
}

const pay: Step = { to: 'CONFIRMED', actors: ['PAYMENT_PROVIDER'], minutes: [1, 8] };
const pack: Step = { to: 'PROCESSING', actors: ['STAFF'], minutes: [60, 900] };
const ship: Step = {
  to: 'SHIPPED',
  actors: ['STAFF'],
  minutes: [120, 1_600],
  message: (random) => `Tracking number SK${random.integer(10_000_000, 99_999_999)}.`,
};
const arrive: Step = { to: 'DELIVERED', actors: ['CUSTOMER', 'CUSTOMER', 'STAFF'], minutes: [1_500, 7_000] };
const changeOfMind: Step = {
  to: 'CANCELED',
  actors: ['CUSTOMER'],
  minutes: [1, 9],
  message: (random) => random.pick(['Ordered the wrong size.', 'Found it in the cupboard.', '不想要了。']),
  cancelReason: 'CUSTOMER_REQUEST',
};
const callOff: Step = { to: 'CANCELED', actors: ['STAFF'], minutes: [30, 600], cancelReason: 'OUT_OF_STOCK' };
const expire: Step = { to: 'EXPIRED', actors: ['SYSTEM'], minutes: [10, 10], cancelReason: 'PAYMENT_TIMEOUT' };

/** Every way there is. Orders that are still under way were placed in the last days. */
export const stories: readonly Story[] = [
  { share: 4, daysAgo: [0, 0], steps: [] },
  { share: 7, daysAgo: [1, 1], steps: [pay] },
  { share: 7, daysAgo: [1, 2], steps: [pay, pack] },
  { share: 9, daysAgo: [3, 6], steps: [pay, pack, ship] },
  { share: 50, daysAgo: [9, 340], steps: [pay, pack, ship, arrive] },
  { share: 7, daysAgo: [1, 340], steps: [changeOfMind] },
  { share: 5, daysAgo: [1, 340], steps: [pay, changeOfMind] },
  { share: 3, daysAgo: [2, 340], steps: [pay, pack, callOff] },
  { share: 8, daysAgo: [1, 340], steps: [expire] },
];

/** What happened to one order that went this way, its placing first. */
export function tell({ steps }: Story, order: { name: string; placedAt: Date }, random: Random): DemoEvent[] {
  const events: DemoEvent[] = [];
  const add = (to: OrderStatus, actor: OrderActor, message: string | null, at: Date) => {
    const id = demoId('OrderEvent', at, `${order.name} ${events.length + 1}`);
    events.push({ id, from: events.at(-1)?.to ?? null, to, actor, message, at });
  };
  add('AWAITING_PAYMENT', 'CUSTOMER', null, order.placedAt);
  let at = order.placedAt;
  for (const { to, actors, minutes, message } of steps) {
    const [fewest, most] = minutes;
    at = after(at, random.integer(fewest, most) * MINUTE_MS);
    add(to, random.pick(actors), message?.(random) ?? null, at);
  }
  return events;
}
