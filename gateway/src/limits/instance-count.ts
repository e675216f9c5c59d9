import { randomUUID } from 'node:crypto';
import { type RedisConnection, redisKey } from '@souk/platform/redis';

/** Knows how many gateways share the limits. */
export interface InstanceCount {
  current(): number;
  close(): Promise<void>;
}

const KEY = redisKey('gateway.instances', 'alive');
const BEAT_EVERY_MS = 1_000;
const ALIVE_MS = 5_000;

/** Notes that an instance is alive, forgets those that have not said so for a while, and counts the rest, all by the clock of Redis. */
const BEAT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
return redis.call('ZCARD', KEYS[1])
`;

/**
 * Counts the gateways by a sign of life that each leaves in Redis every second. While Redis is away the last count stands; before the first one, `atLeast`,
 * and never less than that.
 */
export function countInstances({ redis, atLeast }: { redis: RedisConnection; atLeast: number }): InstanceCount {
  const { client } = redis;
  const self = randomUUID();
  let counted = 0;

  async function beat(): Promise<void> {
    counted = Number(await client.eval(BEAT, 1, KEY, self, ALIVE_MS));
  }
  const tryToBeat = () => beat().catch(() => {});

  const timer = setInterval(tryToBeat, BEAT_EVERY_MS).unref();
  client.on('ready', tryToBeat);
  void tryToBeat();
  return {
    current: () => Math.max(1, atLeast, counted),
    async close() {
      clearInterval(timer);
      client.off('ready', tryToBeat);
      await client.zrem(KEY, self).catch(() => {});
    },
  };
}
