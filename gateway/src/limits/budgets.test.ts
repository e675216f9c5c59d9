import { testRedisUrl } from '@souk/dev/test-database';
import { openRedis, type RedisConnection } from '@souk/platform/redis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startTcpProxy, type TcpProxy } from '../../../platform/test/tcp-proxy.ts';
import { type Budgets, openBudgets } from './budgets.ts';

const budget = { points: 10, windowSeconds: 60 };
const connections: RedisConnection[] = [];
let network: TcpProxy;
let url: string;
let open: (instances?: () => number) => Promise<Budgets>;

beforeEach(async () => {
  const direct = new URL(await testRedisUrl());
  network = await startTcpProxy({ host: direct.hostname, port: Number(direct.port) });
  url = Object.assign(new URL(direct), { port: String(network.port) }).href;
  open = async (instances = () => 1) => openBudgets({ redis: await connect(), instances });
});

afterEach(async () => {
  await Promise.all(connections.splice(0).map((connection) => connection.close()));
  await network.close();
});

async function connect(): Promise<RedisConnection> {
  const connection = openRedis({ url, name: 'test' });
  connections.push(connection);
  await connection.ready();
  return connection;
}

/** How many of so many spendings are let in. */
async function letIn(budgets: Budgets, key: string, count: number, points = 1): Promise<number> {
  let passed = 0;
  for (let spent = 0; spent < count; spent++) if ((await budgets.spend(key, budget, points)) === 0) passed += 1;
  return passed;
}

describe('a budget', () => {
  it('lets in as many points as it has, says when the next window begins, and is one for each key', async () => {
    const budgets = await open();
    expect(await letIn(budgets, 'a', 10)).toBe(10);
    const wait = await budgets.spend('a', budget);
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(60_000);
    expect(await letIn(budgets, 'b', 3, 4)).toBe(2);
  });

  it('is shared by all gateways', async () => {
    const [first, second] = [await open(), await open()];
    expect((await letIn(first, 'a', 6)) + (await letIn(second, 'a', 6))).toBe(10);
  });

  it('is full again in the next window', async () => {
    const budgets = await open();
    const short = { points: 1, windowSeconds: 1 };
    expect(await budgets.spend('a', short)).toBe(0);
    expect(await budgets.spend('a', short)).toBeGreaterThan(0);
    await vi.waitFor(async () => expect(await budgets.spend('a', short)).toBe(0), { timeout: 3_000, interval: 50 });
  });

  it('lets what costs more than all of it in once in a window', async () => {
    const budgets = await open();
    expect(await budgets.spend('a', budget, 1_000)).toBe(0);
    expect(await budgets.spend('a', budget)).toBeGreaterThan(0);
  });

  it('that is changed holds at once, for what was refused too, and remembers what was spent', async () => {
    const budgets = await open();
    await letIn(budgets, 'a', 11);
    expect(await budgets.spend('a', { ...budget, points: 13 })).toBe(0);
    expect(await budgets.spend('a', { ...budget, points: 12 })).toBeGreaterThan(0);
  });

  it('that is used up is refused without asking Redis', async () => {
    const redis = await connect();
    const budgets = openBudgets({ redis, instances: () => 1 });
    await letIn(budgets, 'a', 11);
    const spent = () => redis.client.get('a');
    expect(await spent()).toBe('11');
    expect(await letIn(budgets, 'a', 5)).toBe(0);
    expect(await spent()).toBe('11');
  });
});

describe('a wide budget', () => {
  const wide = { points: 1_000, windowSeconds: 60 };

  async function spendAll(budgets: readonly Budgets[], key: string, count: number): Promise<number> {
    let passed = 0;
    for (let spent = 0; spent < count; spent++)
      for (const each of budgets) if ((await each.spend(key, wide)) === 0) passed++;
    return passed;
  }

  it('is granted at once while there is room by far, and Redis is told of several spendings together', async () => {
    const redis = await connect();
    const told = vi.spyOn(RateLimiterRedis.prototype, 'consume');
    const budgets = openBudgets({ redis, instances: () => 1 });
    await budgets.spend('a', wide);
    expect(Array.from({ length: 100 }, () => budgets.spend('a', wide))).toEqual(Array.from({ length: 100 }, () => 0));
    await vi.waitFor(async () => expect(await redis.client.get('a')).toBe('101'));
    expect(told.mock.calls.map(([key, points]) => [key, points])).toEqual([
      ['a', 1],
      ['a', 100],
    ]);
  });

  it('is held to exactly where it ends', async () => {
    const both = [await open(() => 2), await open(() => 2)];
    expect(await spendAll(both, 'a', 700)).toBe(1_000);
  });

  it('is left no more than a part of which Redis has not been told', async () => {
    const budgets = await open(() => 2);
    await budgets.spend('a', wide);
    const spendings = Array.from({ length: 60 }, () => budgets.spend('a', wide));
    expect(spendings.filter((spending) => spending === 0)).toHaveLength(50);
    expect(await Promise.all(spendings)).toEqual(Array.from({ length: 60 }, () => 0));
  });

  it('is granted in part while Redis is away, and what was not told counts', async () => {
    const budgets = await open(() => 10);
    await budgets.spend('a', wide);
    for (let spent = 0; spent < 10; spent++) expect(budgets.spend('a', wide)).toBe(0);
    await network.cut();
    expect(await spendAll([budgets], 'a', 120)).toBe(90);
  });
});

describe('while Redis is away', () => {
  it.each([
    ['gone', () => network.cut()],
    ['hanging', () => network.freeze()],
  ])('(%s), each gateway grants its part, and what was refused stays so', async (_, breakNetwork) => {
    const budgets = await open(() => 3);
    await letIn(budgets, 'used up', 11);
    await breakNetwork();
    expect(await letIn(budgets, 'new', 20)).toBe(3);
    expect(await budgets.spend('used up', budget)).toBeGreaterThan(0);
  });

  it('nobody waits for an answer of a hanging one for as long as it is known to hang', async () => {
    const redis = await connect();
    const budgets = openBudgets({ redis, instances: () => 1 });
    network.freeze();
    await budgets.spend('first', budget);
    const command = redis.client.get('first').catch(() => 'gave up');
    const spendings = Promise.all(Array.from({ length: 50 }, (_, key) => budgets.spend(`key ${key}`, budget)));
    expect(await Promise.race([command, spendings])).toEqual(Array.from({ length: 50 }, () => 0));
    await command;
  });

  it('never grants less than one request', async () => {
    const budgets = await open(() => 100);
    await network.cut();
    expect(await letIn(budgets, 'a', 3)).toBe(1);
  });

  it('counts in Redis again when it is back', async () => {
    const [first, second] = [await open(), await open()];
    await network.cut();
    await letIn(first, 'a', 2);
    await network.heal();
    await vi.waitFor(
      async () => {
        const key = `b ${Math.random()}`;
        expect((await letIn(first, key, 6)) + (await letIn(second, key, 6))).toBe(10);
      },
      { timeout: 8_000, interval: 100 },
    );
  });
});
