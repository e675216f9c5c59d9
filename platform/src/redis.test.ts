import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { testRedisUrl } from '../../dev/test-database.ts';
import { startTcpProxy, type TcpProxy } from '../test/tcp-proxy.ts';
import { createLogger } from './logger.ts';
import { openRedis, type RedisConnection, redisKey } from './redis.ts';

let url: string;
let proxy: TcpProxy;
let redis: RedisConnection;
const messages: unknown[] = [];
const logger = createLogger('test', { destination: { write: (line) => messages.push(JSON.parse(line).msg) } });

beforeAll(async () => {
  const direct = new URL(await testRedisUrl());
  proxy = await startTcpProxy({ host: direct.hostname, port: Number(direct.port || 6379) });
  direct.host = `127.0.0.1:${proxy.port}`;
  url = direct.href;
  redis = openRedis({ url, name: 'test', logger });
  await redis.ready();
});

afterEach(() => proxy.heal());

afterAll(async () => {
  await redis.close();
  await proxy.close();
});

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; !(await condition()); waitedMs += 20) {
    if (waitedMs > 5_000) throw new Error('waited 5 s in vain');
    await delay(20);
  }
}

async function loseRedis(): Promise<void> {
  await proxy.cut();
  await until(() => redis.client.status !== 'ready');
}

describe('a Redis connection', () => {
  test('answers', async () => {
    await redis.ping();
    await redis.client.set(redisKey('test', 'a', 'b'), '1');
    expect(await redis.client.keys('*')).toEqual(['souk:{test}:a:b']);
  });

  test('fails at once while Redis is gone, says so once, and heals', async () => {
    await loseRedis();
    const startedMs = Date.now();
    await expect(redis.ping()).rejects.toThrow();
    // Each would take half a second if it were waited for.
    for (let call = 0; call < 40; call++) await expect(redis.client.get('x')).rejects.toThrow();
    expect(Date.now() - startedMs).toBeLessThan(10_000);
    await delay(400);
    await proxy.heal();
    await redis.ready();
    await redis.ping();
    expect(messages).toEqual(['Redis is unreachable; working without it', 'Redis is back']);
  });

  test('says so when Redis lets nobody in by that name, and goes on trying', async () => {
    messages.length = 0;
    const wrong = new URL(url);
    [wrong.username, wrong.password] = ['nobody', 'wrong'];
    const refused = openRedis({ url: wrong.href, name: 'test', logger });
    let attempts = 0;
    refused.client.on('connect', () => attempts++);
    await until(() => attempts > 2);
    await expect(refused.ping()).rejects.toThrow();
    await refused.close();
    expect(messages).toEqual([expect.stringMatching('^Redis refuses REDIS_URL')]);
  });

  test('gives up soon on a Redis that hangs, and does not repeat the command later', async () => {
    proxy.freeze();
    const startedMs = Date.now();
    await expect(redis.client.incr('counter')).rejects.toThrow('timed out');
    expect(Date.now() - startedMs).toBeLessThan(5_000);
    await loseRedis();
    await proxy.heal();
    await redis.ready();
    expect(Number(await redis.client.get('counter'))).toBeLessThanOrEqual(1);
  });

  test('hears a channel, also after a reconnect, until it stops listening', async () => {
    const heard: string[] = [];
    let listening = 0;
    const stop = redis.subscribe(
      'souk:test',
      (message) => heard.push(message),
      () => listening++,
    );
    const publish = (text: string) => redis.client.publish('souk:test', text).catch(() => 0);
    await until(async () => (await publish('one')) > 0 && heard.includes('one'));
    expect(listening).toBe(1);
    await loseRedis();
    await proxy.heal();
    await until(() => listening === 2);
    await redis.ready();
    await publish('at once');
    await until(() => heard.includes('at once'));
    await until(async () => (await publish('two')) > 0 && heard.includes('two'));
    stop();
    await publish('three');
    await delay(50);
    expect(heard).not.toContain('three');
  });

  test('says what to look at when there is nobody', async () => {
    const nobody = openRedis({ url: 'redis://127.0.0.1:1', name: 'test' });
    await expect(nobody.ready(200)).rejects.toThrow('REDIS_URL');
    await nobody.close();
  });
});
