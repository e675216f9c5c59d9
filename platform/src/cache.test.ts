import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { testRedisUrl } from '../../dev/test-database.ts';
import { startTcpProxy, type TcpProxy } from '../test/tcp-proxy.ts';
import { type Cache, createCache } from './cache.ts';
import { openRedis, type RedisConnection } from './redis.ts';

/** Two processes with a connection each; the first one's can be broken. */
let proxy: TcpProxy;
const connections: RedisConnection[] = [];
let here: Cache;
let there: Cache;

beforeAll(async () => {
  const url = await testRedisUrl();
  const broken = new URL(url);
  proxy = await startTcpProxy({ host: broken.hostname, port: Number(broken.port || 6379) });
  broken.host = `127.0.0.1:${proxy.port}`;
  connections.push(openRedis({ url: broken.href, name: 'here' }), openRedis({ url, name: 'there' }));
  await Promise.all(connections.map((connection) => connection.ready()));
  const [first, second] = connections as [RedisConnection, RedisConnection];
  here = createCache({ redis: first, name: 'test' });
  there = createCache({ redis: second, name: 'test' });
});

afterEach(async () => {
  await proxy.heal();
  await connections[0]?.ready();
});

afterAll(async () => {
  await Promise.all(connections.map((connection) => connection.close()));
  await proxy.close();
});

/** A source of truth that counts how often it is asked. */
function source<Value>(value: Value) {
  const truth = {
    value,
    loads: 0,
    load: async () => {
      truth.loads += 1;
      const read = truth.value;
      await delay(5);
      return read;
    },
  };
  return truth;
}

const options = { ttlSeconds: 60, tags: ['product:1'] };
/** Values are written to Redis behind the caller's back. */
const written = () => delay(50);
/** Longer than a process trusts its own memory. */
const memoryGone = () => delay(1_050);

describe('a cache', () => {
  test('loads once for all who ask at the same time, and then not again', async () => {
    const truth = source({ title: 'Äpfel', at: new Date(0), priceMinor: 2n ** 62n, none: undefined });
    const asked = Array.from({ length: 100 }, () => here.getOrSet('stampede', options, truth.load));
    expect(new Set(await Promise.all(asked)).size).toBe(1);
    expect(await here.getOrSet('stampede', options, truth.load)).toEqual(truth.value);
    expect(truth.loads).toBe(1);
  });

  test('is shared with other processes, values unchanged', async () => {
    const truth = source({ at: new Date(0), priceMinor: 1n, tags: new Set(['a']), none: undefined });
    await here.getOrSet('shared', options, truth.load);
    await written();
    expect(await there.getOrSet('shared', options, truth.load)).toStrictEqual(truth.value);
    expect(truth.loads).toBe(1);
  });

  test('keeps an empty answer too', async () => {
    const truth = source(null);
    await here.getOrSet('empty', options, truth.load);
    await memoryGone();
    expect(await here.getOrSet('empty', options, truth.load)).toBeNull();
    expect(truth.loads).toBe(1);
  });

  test('passes a failed load on to all who wait, and keeps nothing of it', async () => {
    const failing = () => Promise.reject(new Error('database away'));
    const both = [here.getOrSet('failing', options, failing), here.getOrSet('failing', options, failing)];
    for (const one of both) await expect(one).rejects.toThrow('database away');
    expect(await here.getOrSet('failing', options, async () => 'fine')).toBe('fine');
  });

  test('forgets after its time', async () => {
    const truth = source('a');
    await here.getOrSet('short', { ttlSeconds: 0.2 }, truth.load);
    await memoryGone();
    await here.getOrSet('short', { ttlSeconds: 0.2 }, truth.load);
    expect(truth.loads).toBe(2);
  });
});

describe('deleting a tag', () => {
  test('is felt here at once and elsewhere within a second', async () => {
    const truth = source('old');
    await here.getOrSet('tagged', options, truth.load);
    await there.getOrSet('tagged', options, truth.load);
    truth.value = 'new';
    await here.deleteTags(['product:1']);
    expect(await here.getOrSet('tagged', options, truth.load)).toBe('new');
    await memoryGone();
    expect(await there.getOrSet('tagged', options, truth.load)).toBe('new');
  });

  test('leaves values with other tags', async () => {
    const truth = source('a');
    await here.getOrSet('other', { ttlSeconds: 60, tags: ['product:2', 'brand:1'] }, truth.load);
    await there.deleteTags(['product:1', 'brand:2']);
    await memoryGone();
    await here.getOrSet('other', { ttlSeconds: 60, tags: ['product:2', 'brand:1'] }, truth.load);
    expect(truth.loads).toBe(1);
  });

  test('overtakes a load that began before it, here and elsewhere', async () => {
    for (const writer of [here, there]) {
      const truth = source('old');
      const began = here.getOrSet(`overtaken by ${writer === here}`, options, async () => {
        const read = await truth.load();
        truth.value = 'new';
        await writer.deleteTags(['product:1']);
        return read;
      });
      expect(await began).toBe('old');
      if (writer === there) await memoryGone();
      expect(await here.getOrSet(`overtaken by ${writer === here}`, options, truth.load)).toBe('new');
    }
  });

  test('holds when Redis drops the tag', async () => {
    const truth = source('old');
    await here.getOrSet('evicted', options, truth.load);
    await written();
    truth.value = 'new';
    await here.deleteTags(['product:1']);
    await connections[1]?.client.del('souk:{cache.test}:tag:product:1');
    expect(await there.getOrSet('evicted', options, truth.load)).toBe('new');
  });
});

describe('without Redis', () => {
  test('values are loaded, and remembered for a second', async () => {
    await proxy.cut();
    const truth = source('a');
    await here.getOrSet('gone', options, truth.load);
    await here.getOrSet('gone', options, truth.load);
    expect(truth.loads).toBe(1);
    await memoryGone();
    expect(await here.getOrSet('gone', options, truth.load)).toBe('a');
    expect(truth.loads).toBe(2);
  });

  test('a Redis that hangs costs one wait, not one each', async () => {
    proxy.freeze();
    const truth = source('a');
    const startedMs = Date.now();
    for (let number = 0; number < 20; number += 1) await here.getOrSet(`hanging ${number}`, options, truth.load);
    expect(Date.now() - startedMs).toBeLessThan(5_000);
    expect(truth.loads).toBe(20);
    await proxy.heal();
    await delay(2_000);
  });

  test('an invalidation is made up for when Redis is back', async () => {
    const truth = source('old');
    await there.getOrSet('owed', options, truth.load);
    await written();
    await proxy.cut();
    truth.value = 'new';
    await here.deleteTags(['product:1']);
    expect(await here.getOrSet('owed', options, truth.load)).toBe('new');
    await proxy.heal();
    await connections[0]?.ready();
    await delay(1_600);
    expect(await there.getOrSet('owed', options, truth.load)).toBe('new');
  });
});
