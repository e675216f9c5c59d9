import { AggregatorRegistry, Counter, Gauge, Registry } from 'prom-client';
import type { Metrics, ToSupervisor } from './messages.ts';
import type { Worker } from './worker-handle.ts';

/** What the supervisor knows of the metrics of all workers. */
export interface CollectedMetrics {
  hear(worker: Worker, message: ToSupervisor): void;
  /** Keeps what a worker that has ended had counted. */
  forget(worker: Worker): void;
  countReplacement(): void;
}

/** A worker that does not tell in time, because it is frozen or busy, is taken at its last word. */
const PATIENCE_MS = 1_000;

/**
 * Adds up what the workers have counted whenever one of them is asked for it. What workers that have ended counted stays in the sums: a counter that goes
 * back looks to Prometheus like a restart of all, and its rates would jump each time one worker is replaced.
 */
export function collectMetrics(workers: () => ReadonlySet<Worker>): CollectedMetrics {
  const latest = new Map<Worker, Metrics>();
  const asked = new Map<number, () => void>();
  const working = () => [...workers()].filter((worker) => worker.hasWorked());
  const { registry, replacements } = openOwnMetrics(() => working().length);
  let departed: Metrics = [];
  let lastId = 0;

  async function sumNow(): Promise<string> {
    await Promise.all(working().map(ask));
    const own = (await registry.getMetricsAsJSON()) as Metrics;
    return AggregatorRegistry.aggregate([own, departed, ...latest.values()]).metrics();
  }

  async function ask(worker: Worker): Promise<void> {
    const id = ++lastId;
    const { promise: answered, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, PATIENCE_MS);
    asked.set(id, resolve);
    worker.tell({ type: 'count', id });
    await Promise.race([answered, worker.ended]);
    clearTimeout(timer);
    asked.delete(id);
  }

  return {
    hear(worker, message) {
      if (message.type === 'want-all-metrics')
        void sumNow().then((text) => worker.tell({ type: 'all-metrics', id: message.id, text }));
      if (message.type !== 'counted') return;
      latest.set(worker, message.metrics);
      if (message.id !== undefined) asked.get(message.id)?.();
    },
    forget(worker) {
      const counted = latest.get(worker)?.filter(isSum) ?? [];
      latest.delete(worker);
      departed = AggregatorRegistry.aggregate([departed, counted]).getMetricsAsArray() as unknown as Metrics;
    },
    countReplacement: () => replacements.inc(),
  };
}

/** What is counted and never goes back. The types are declared as numbers and are words. */
function isSum({ type }: Metrics[number]): boolean {
  return ['counter', 'histogram'].includes(type as unknown as string);
}

function openOwnMetrics(countWorkers: () => number) {
  const registry = new Registry();
  new Gauge({
    name: 'souk_gateway_workers',
    help: 'Processes of this gateway that work.',
    registers: [registry],
    collect() {
      this.set(countWorkers());
    },
  });
  const replacements = new Counter({
    name: 'souk_gateway_workers_replaced_total',
    help: 'Processes of this gateway that were started because another one had ended by itself.',
    registers: [registry],
  });
  return { registry, replacements };
}
