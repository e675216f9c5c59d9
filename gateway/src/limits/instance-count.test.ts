import { testRedisUrl } from '@souk/dev/test-database';
import { openRedis, type RedisConnection } from '@souk/platform/redis';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { countInstances, type InstanceCount } from './instance-count.ts';

let url: string;
let redis: RedisConnection;
const counts: InstanceCount[] = [];
beforeEach(async () => {
  url = await testRedisUrl();
  redis = openRedis({ url, name: 'test' });
  await redis.ready();
});
afterEach(async () => {
  await Promise.all(counts.splice(0).map((count) => count.close()));
  await redis.close();
});

const start = (atLeast = 1, connection = redis) => {
  const count = countInstances({ redis: connection, atLeast });
  counts.push(count);
  return count;
};
const becomes = (count: InstanceCount, number: number) =>
  vi.waitFor(() => expect(count.current()).toBe(number), { timeout: 10_000, interval: 50 });

describe('gateways', () => {
  it('count one another, and those that stop no longer', async () => {
    const first = start();
    expect(first.current()).toBe(1);
    const second = start();
    const third = start();
    await becomes(first, 3);
    await becomes(third, 3);
    await second.close();
    await becomes(first, 2);
  });

  it('forget one that was killed', async () => {
    await redis.client.zadd('souk:{gateway.instances}:alive', Date.now() - 2_000, 'killed two seconds ago');
    const count = start();
    await becomes(count, 2);
    await becomes(count, 1);
  });

  it('remember their number while Redis is away, and know the least there are from the start', async () => {
    const own = openRedis({ url, name: 'test' });
    await own.ready();
    const count = start(1, own);
    start();
    await becomes(count, 2);
    own.client.disconnect();
    expect(count.current()).toBe(2);
    expect(start(4, own).current()).toBe(4);
    await own.close();
  });
});
