import cluster from 'node:cluster';
import { setTimeout as delay } from 'node:timers/promises';
import type { StartedService } from '@souk/platform/service';
import { register } from 'prom-client';
import type { Metrics, ToSupervisor, ToWorker } from './messages.ts';

/** How long a worker waits until it can work before it listens all the same: those who come meanwhile are served by the others, if there are any. */
const READY_PATIENCE_MS = 10_000;

/** What a process of the gateway is to the others: one of several workers, or the only one. */
export interface Membership {
  /** Resolves when this process may listen: what listens beside others gets requests at once. Rejects never. */
  mayListen(isReady: () => Promise<unknown>): Promise<void>;
  /** What all processes together have counted, as Prometheus reads it. */
  metrics(): Promise<string>;
  /** Tells the supervisor that this process works, and obeys it from then on. */
  join(service: StartedService): void;
  /** Leaves what was counted here to the others. Comes last. */
  leave(): Promise<void>;
}

/** The membership of this process: with one process there is nobody to talk to. */
export function joinProcesses(): Membership {
  return cluster.isWorker ? openMembership() : soleProcess;
}

const soleProcess: Membership = {
  mayListen: async () => {},
  metrics: () => register.metrics(),
  join: () => {},
  leave: async () => {},
};

function openMembership(): Membership {
  const wanted = new Map<number, (text: string) => void>();
  let lastId = 0;
  let service: StartedService | undefined;

  process.on('message', (message: ToWorker) => {
    if (message.type === 'give-way') service?.giveWay();
    if (message.type === 'stop') service?.stop();
    if (message.type === 'count') void tellCounts(message.id);
    if (message.type === 'all-metrics') {
      wanted.get(message.id)?.(message.text);
      wanted.delete(message.id);
    }
  });

  async function tellCounts(id?: number): Promise<void> {
    const metrics = (await register.getMetricsAsJSON()) as Metrics;
    await tell(id === undefined ? { type: 'counted', metrics } : { type: 'counted', id, metrics });
  }

  return {
    async mayListen(isReady) {
      const giveUpAt = Date.now() + READY_PATIENCE_MS;
      while (Date.now() < giveUpAt) {
        if (await isReady().then(yes, no)) return;
        await delay(50);
      }
    },
    metrics() {
      const id = ++lastId;
      const { promise, resolve } = Promise.withResolvers<string>();
      wanted.set(id, resolve);
      return tell({ type: 'want-all-metrics', id }).then(() => promise);
    },
    join(started) {
      service = started;
      void tell({ type: 'ready' });
    },
    leave: () => tellCounts(),
  };
}

const yes = () => true;
const no = () => false;

/** Resolves when the message is on its way. A supervisor that is gone takes its workers with it, so there is nobody to tell of a failure. */
function tell(message: ToSupervisor): Promise<void> {
  return new Promise((resolve) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => resolve());
    else resolve();
  });
}
