import { createCounter, createGauge } from '@souk/platform/metrics';

export type Transport = 'sse' | 'websocket';

/** How a subscription ended. */
export type End =
  /** Its client completed it or hung up. */
  | 'left'
  /** Its client was told why it may not go on, or did not begin. */
  | 'refused'
  /** This gateway stops. */
  | 'leaving'
  /** Its client did not read what it was sent. */
  | 'stalled';

export const connections = createGauge({
  name: 'souk_subscription_connections',
  help: 'Open streams of events and WebSockets.',
  labelNames: ['endpoint', 'transport'],
});

export const subscriptions = createGauge({
  name: 'souk_subscriptions',
  help: 'Subscriptions that are being followed.',
  labelNames: ['endpoint', 'transport'],
});

export const delivered = createCounter({
  name: 'souk_subscription_results_total',
  help: 'Results handed to clients by subscriptions.',
  labelNames: ['endpoint', 'transport'],
});

export const ended = createCounter({
  name: 'souk_subscriptions_ended_total',
  help: 'Subscriptions that are over, by how they ended.',
  labelNames: ['endpoint', 'transport', 'end'],
});

/** What came of asking for the answer again. */
export const looks = createCounter({
  name: 'souk_subscription_looks_total',
  help: 'Live queries run by what came of it: a result to deliver, the same as before, a failure to be tried again, or the end.',
  labelNames: ['endpoint', 'outcome'],
});
