import type { MetricObjectWithValues, MetricValue } from 'prom-client';

/** What the supervisor and its workers say to one another, over the channel that node:cluster opens between them. */
export type ToWorker =
  /** Another worker has taken your place: finish what is under way and end. */
  | { type: 'give-way' }
  /** The whole gateway stops. */
  | { type: 'stop' }
  | { type: 'count'; id: number }
  | { type: 'all-metrics'; id: number; text: string };

export type ToSupervisor =
  /** This worker can work, and listens. */
  | { type: 'ready' }
  /** What this worker has counted; without an id it says so because it ends. */
  | { type: 'counted'; id?: number; metrics: Metrics }
  | { type: 'want-all-metrics'; id: number };

/** What one process has counted, as prom-client writes it down. */
export type Metrics = MetricObjectWithValues<MetricValue<string>>[];
