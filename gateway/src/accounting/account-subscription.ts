import type { Logger } from '@souk/platform/logger';
import { connections, delivered, type End, ended, subscriptions, type Transport } from '../subscriptions/metrics.ts';
import { factsOf, operationAnswered, type RequestRecord } from './request-record.ts';

/** What is told of one subscription, in metrics at once and in the log when it is over. */
export interface SubscriptionAccount {
  delivered(): void;
  /** Told once; whoever tells it later says nothing new. */
  ended(end: End): void;
}

/** Opens the account of a subscription, which ends in one line of the log with what the line of a request has. */
export function accountSubscription(record: RequestRecord, transport: Transport, log: Logger): SubscriptionAccount {
  const endpoint = record.endpoint ?? 'other';
  let results = 0;
  let isOpen = true;
  subscriptions.labels(endpoint, transport).inc();
  return {
    delivered() {
      results++;
      delivered.labels(endpoint, transport).inc();
      operationAnswered(record);
    },
    ended(end) {
      if (!isOpen) return;
      isOpen = false;
      subscriptions.labels(endpoint, transport).dec();
      ended.labels(endpoint, transport, end).inc();
      log.info(
        {
          endpoint,
          transport,
          ...factsOf(record),
          end,
          results,
          durationMs: Math.round(performance.now() - record.startedAtMs),
          subgraphMs: Math.round(record.subgraphs.durationMs),
        },
        'subscription',
      );
    },
  };
}

/** Counts an open connection. @returns how to say that it is closed */
export function accountConnection(endpoint: string, transport: Transport): () => void {
  connections.labels(endpoint, transport).inc();
  return () => connections.labels(endpoint, transport).dec();
}
