import { type ConnectionOptions, Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { listenersOf } from './events.ts';
import { type ServiceName, serviceNames } from './identity.ts';
import type { Logger } from './logger.ts';

/** A BullMQ queue: its name, and the prefix of its keys, which as a hash tag keeps them in one slot of a Redis Cluster. */
export interface QueueAddress {
  name: string;
  prefix: string;
}

/** The queue between one producer of events and one listener. */
export const eventQueue = (from: ServiceName, to: ServiceName): QueueAddress => ({
  name: `events.${from}.${to}`,
  prefix: `{souk:events:${from}:${to}}`,
});

/** Gateways hear of changes by announcement. */
export const hasQueue = (listener: ServiceName): boolean => listener !== 'gateway';

/** Delayed work, beside the events. */
export const alarmNames = ['order-expiry'] as const;
export type AlarmName = (typeof alarmNames)[number];

/** The queue of one kind of delayed work. */
export const alarmQueue = (name: AlarmName): QueueAddress => ({ name, prefix: `{souk:alarm:${name}}` });

/** Every queue there is. */
export const allQueues = (): QueueAddress[] => [
  ...serviceNames.flatMap((from) =>
    listenersOf(from)
      .filter(hasQueue)
      .map((to) => eventQueue(from, to)),
  ),
  ...alarmNames.map(alarmQueue),
];

/** Opens a queue to add to or look into, on a connection made by `producerConnection`. */
export function openQueue<Data>(
  { name, prefix }: QueueAddress,
  options: { redis: Redis; logger: Logger },
): Queue<Data, unknown, string> {
  const queue = new Queue<Data, unknown, string>(name, { prefix, connection: options.redis });
  queue.on('error', unreachable(options.logger));
  return queue;
}

/** A Redis that hangs is as good as none after this long. */
const REDIS_TIMEOUT_MS = 2_000;

/** A connection on which a dead Redis fails a command at once instead of holding it. */
export function producerConnection(redisUrl: string, logger: Logger): Redis {
  const connection = new Redis(redisUrl, {
    connectTimeout: REDIS_TIMEOUT_MS,
    commandTimeout: REDIS_TIMEOUT_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    retryStrategy: reconnectDelayMs,
  });
  return connection.on('error', unreachable(logger));
}

/** Workers block on Redis and wait for it as long as it takes. */
export const workerConnection = (redisUrl: string): ConnectionOptions => ({
  url: redisUrl,
  connectTimeout: REDIS_TIMEOUT_MS,
  maxRetriesPerRequest: null,
  retryStrategy: reconnectDelayMs,
});

const reconnectDelayMs = (attempt: number) => Math.min(attempt * 100, 2_000);

/** ioredis reconnects by itself; one line for each failed try would say nothing new. */
export const unreachable = (logger: Logger) => (error: Error) => logger.debug({ err: error }, 'queue unreachable');

/** Waits for something that BullMQ would wait for without end when Redis is away. */
export async function inTime<Value>(promise: Promise<Value>, timeoutMs = REDIS_TIMEOUT_MS): Promise<Value> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`No answer within ${timeoutMs} ms.`)), timeoutMs);
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

/** Closes queues and workers, or leaves them: without Redis, BullMQ throws or waits for ever, and nothing is lost by not saying goodbye. */
export async function closeInTime(...closables: { close(): Promise<void> }[]): Promise<void> {
  await Promise.allSettled(closables.map((closable) => inTime(closable.close())));
}
