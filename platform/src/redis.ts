import { Redis } from 'ioredis';
import type { Logger } from './logger.ts';

/** A connection for the request path: it answers soon or fails soon, so that a dead Redis slows nobody down. */
export interface RedisConnection {
  /** Commands. They reject at once while there is no connection, and after half a second without an answer; a rejected write may have happened. */
  client: Redis;
  /** Resolves when Redis answers; rejects otherwise. */
  ping(): Promise<void>;
  /** Resolves once the connection stands; rejects when it does not in time. Only starts need to wait. Default 5,000 ms. */
  ready(timeoutMs?: number): Promise<void>;
  /**
   * Listens to a channel, also after a reconnect. What is published while there is no connection is lost: treat a message as a hint to look.
   *
   * @param onListening told whenever it listens anew, so that whoever missed something can look
   * @returns a function that stops listening
   */
  subscribe(channel: string, listener: (message: string) => void, onListening?: () => void): () => void;
  close(): Promise<void>;
}

const COMMAND_TIMEOUT_MS = 500;
const CLOSE_TIMEOUT_MS = 1_000;

/**
 * Opens a connection that heals itself: it is tried again after 0.1 s, then ever more slowly, every two seconds at last. Errors are logged, one line when
 * Redis is lost and one when it is back, and are never thrown.
 *
 * @param name shown in Redis' list of clients
 */
export function openRedis({ url, name, logger }: { url: string; name: string; logger?: Logger }): RedisConnection {
  const client = new Redis(url, {
    connectionName: name,
    connectTimeout: 2_000,
    commandTimeout: COMMAND_TIMEOUT_MS,
    enableOfflineQueue: false,
    // A command whose fate is unknown is its caller's to repeat.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: reconnectDelayMs,
  });
  logOutages(client, logger);
  const subscriber = lazySubscriber(client);
  return {
    client,
    ping: async () => {
      await client.ping();
    },
    ready: (timeoutMs = 5_000) => untilReady(client, timeoutMs),
    subscribe: subscriber.subscribe,
    close: async () => {
      await Promise.all([subscriber.close(), closeGently(client)]);
    },
  };
}

/**
 * A key that belongs to `owner`: `souk:{owner}:part:part`. The braces keep all keys of one owner in one slot of a Redis Cluster,
 * so that commands may name several of them (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags).
 */
export function redisKey(owner: string, ...parts: string[]): string {
  return `souk:{${owner}}:${parts.join(':')}`;
}

function reconnectDelayMs(attempt: number): number {
  return Math.min(attempt * 100, 2_000) * (0.75 + Math.random() / 2);
}

function logOutages(client: Redis, logger: Logger | undefined): void {
  let lost = false;
  // Without a listener an error would end the process.
  client.on('error', (error) => {
    if (!lost && isRefusal(error)) logger?.error({ err: error }, REFUSED);
    else if (!lost) logger?.warn({ err: error }, 'Redis is unreachable; working without it');
    lost = true;
  });
  client.on('ready', () => {
    if (lost) logger?.info('Redis is back');
    lost = false;
  });
}

const REFUSED =
  'Redis refuses REDIS_URL: it needs a user and a password, redis://user:password@host:port, or others than these; working without it';

/** Whether Redis answers, but not to who cannot say who he is (https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/). */
function isRefusal({ message }: Error): boolean {
  return /^(NOAUTH|WRONGPASS|NOPERM)\b/.test(message);
}

/** A subscribed connection takes no other command, so it is one of its own, opened when first needed. */
function lazySubscriber(client: Redis) {
  const listeners = new Map<string, Set<(message: string) => void>>();
  const listeningAnew = new Set<() => void>();
  let connection: Redis | undefined;
  const open = (): Redis => {
    const opened = client.duplicate({
      enableOfflineQueue: true,
      maxRetriesPerRequest: null,
      commandTimeout: undefined,
    });
    opened.on('error', () => {});
    opened.on('ready', () => {
      // After a reconnect the client has subscribed by itself, and here is told when that took effect.
      const tell = () => {
        for (const listening of listeningAnew) listening();
      };
      opened.subscribe(...listeners.keys()).then(tell, () => {});
    });
    opened.on('message', (channel: string, message: string) => {
      for (const listener of listeners.get(channel) ?? []) listener(message);
    });
    return opened;
  };
  return {
    subscribe(channel: string, listener: (message: string) => void, onListening?: () => void): () => void {
      connection ??= open();
      const already = listeners.get(channel);
      listeners.set(channel, (already ?? new Set()).add(listener));
      if (onListening) listeningAnew.add(onListening);
      if (!already) connection.subscribe(channel).catch(() => {});
      return () => {
        if (onListening) listeningAnew.delete(onListening);
        listeners.get(channel)?.delete(listener);
      };
    },
    close: () => (connection ? closeGently(connection) : Promise.resolve()),
  };
}

function untilReady(client: Redis, timeoutMs: number): Promise<void> {
  if (client.status === 'ready') return Promise.resolve();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      client.off('ready', onReady);
      reject(new Error(`Expected Redis to answer within ${timeoutMs} ms. Is it running, and is REDIS_URL right?`));
    }, timeoutMs);
    const onReady = () => {
      clearTimeout(timer);
      resolve();
    };
    client.once('ready', onReady);
  });
}

/** Lets commands under way finish, if they do so soon. */
async function closeGently(client: Redis): Promise<void> {
  if (client.status === 'ready') {
    const timer = setTimeout(() => client.disconnect(), CLOSE_TIMEOUT_MS);
    await client.quit().catch(() => {});
    clearTimeout(timer);
  }
  client.disconnect();
}
