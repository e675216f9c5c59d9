import { Gauge } from 'prom-client';
import type { Database } from './database.ts';
import { listenersOf } from './events.ts';
import type { ServiceName } from './identity.ts';
import { backlogs } from './outbox.ts';

const labels = ['producer', 'listener', 'state'] as const;
const waitingEvents = new Gauge({
  name: 'souk_events',
  help: 'Events that a listener has not been reached by: waiting, under way, or parked because it keeps failing.',
  labelNames: labels,
});
const waitingSeconds = new Gauge({
  name: 'souk_events_oldest_seconds',
  help: 'How long ago the oldest of these events happened; 0 when there is none.',
  labelNames: labels,
});
const stateLabels = { PENDING: 'waiting', QUEUED: 'under_way', PARKED: 'parked' } as const;

/** Tells on /metrics what the listeners of a producer have not been reached by. Every relay of a producer tells the same. */
export async function measureBacklogs(producer: ServiceName, db: Database): Promise<void> {
  const found = await backlogs(db);
  for (const listener of listenersOf(producer)) {
    for (const [state, label] of Object.entries(stateLabels)) {
      const backlog = found.find((each) => each.subscriber === listener && each.state === state);
      waitingEvents.set({ producer, listener, state: label }, backlog?.count ?? 0);
      waitingSeconds.set({ producer, listener, state: label }, backlog?.oldestSeconds ?? 0);
    }
  }
}
