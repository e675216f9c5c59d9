import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Queue } from 'bullmq';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTcpProxy, type TcpProxy } from '../test/tcp-proxy.ts';
import { eventually, openTwoServices, record } from '../test/two-services.ts';
import { nowPlus, type Transaction, transaction } from './database.ts';
import type { SoukEvent } from './events.ts';
import { newId } from './id.ts';
import { eventFailures } from './inbox.ts';
import { openAlarm } from './jobs.ts';
import { append, outbox } from './outbox.ts';
import { eventQueue } from './queues.ts';

const services = openTwoServices();
const pause = (timeoutMs: number) => new Promise<void>((resolve) => setTimeout(resolve, timeoutMs));

describe('a fact', () => {
  it('takes effect at its listener once and is noted as delivered', async () => {
    services.run();
    const orderId = newId('Order');
    await services.state(orderId);
    await eventually(async () => expect(await services.states()).toEqual(['DELIVERED']));
    expect(await services.effects()).toEqual([{ aggregateId: orderId, status: 'CANCELED' }]);
  });

  it('is not stated when its transaction rolls back', async () => {
    await transaction(services.producer, async (tx) => {
      await append(tx, {
        type: 'order.canceled',
        aggregateId: 'x',
        payload: { orderId: 'x', userId: 'y', status: 'CANCELED' },
      });
      throw new Error('no');
    }).catch(() => {});
    expect(await services.states()).toEqual([]);
  });

  it('waits for the earlier facts of its aggregate, through two relays at once', async () => {
    const slowFirst = async (tx: Transaction, event: SoukEvent<'order.canceled'>) => {
      if (event.payload.status === 'CANCELED') await new Promise((resolve) => setTimeout(resolve, 100));
      await record(tx, event);
    };
    services.run(slowFirst);
    services.runRelay();
    const orderIds = Array.from({ length: 10 }, () => newId('Order'));
    for (const orderId of orderIds) {
      await services.state(orderId, 'CANCELED');
      await services.state(orderId, 'EXPIRED');
    }
    await eventually(async () => expect(await services.states()).toEqual(Array(20).fill('DELIVERED')));
    const seen = await services.effects();
    for (const orderId of orderIds) {
      expect(seen.filter((effect) => effect.aggregateId === orderId).map(({ status }) => status)).toEqual([
        'CANCELED',
        'EXPIRED',
      ]);
    }
  });

  it('acts once although it is delivered again after Redis lost everything', async () => {
    services.run();
    const orderId = newId('Order');
    await services.state(orderId);
    await eventually(async () => expect(await services.states()).toEqual(['DELIVERED']));

    await services.forgetRedis();
    await services.producer.update(outbox).set({ state: 'QUEUED', queuedAt: nowPlus(-60) });

    await eventually(async () => expect(await services.states()).toEqual(['DELIVERED']));
    expect(await services.effects()).toHaveLength(1);
  });

  it('is handled again after a passing failure, without half an effect', async () => {
    let attempts = 0;
    services.run(async (tx, event) => {
      await record(tx, event);
      if (++attempts < 3) throw new Error('the store hiccuped');
    });
    await services.state(newId('Order'));
    await eventually(async () => expect(await services.states()).toEqual(['DELIVERED']));
    expect(attempts).toBe(3);
    expect(await services.effects()).toHaveLength(1);
  });
});

describe('without Redis', () => {
  let proxy: TcpProxy;

  beforeEach(async () => {
    const url = new URL(services.redisUrl);
    proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
    url.host = `127.0.0.1:${proxy.port}`;
    services.redisUrl = url.href;
  });

  afterEach(async () => {
    await services.stop();
    await proxy.close();
  });

  it('facts wait in the outbox, and travel within three seconds of its return', async () => {
    services.run();
    await services.state(newId('Order'));
    await eventually(async () => expect(await services.states()).toEqual(['DELIVERED']));
    await proxy.cut();
    await services.state(newId('Order'));
    await pause(1_500);
    expect(await services.states()).toEqual(['DELIVERED', 'PENDING']);
    await proxy.heal();
    const healed = Date.now();
    await eventually(async () => expect(await services.states()).toEqual(['DELIVERED', 'DELIVERED']));
    expect(Date.now() - healed).toBeLessThan(3_000);
  });

  it('facts wait in the outbox while it hangs, too', async () => {
    services.run();
    await services.state(newId('Order'));
    await eventually(async () => expect(await services.states()).toEqual(['DELIVERED']));
    proxy.freeze();
    await services.state(newId('Order'));
    await eventually(async () => expect(await services.states()).toContain('QUEUED'));
    await eventually(async () => expect(await services.states()).toContain('PENDING'));
    await proxy.heal();
    await eventually(async () => expect(await services.states()).toEqual(['DELIVERED', 'DELIVERED']));
  });

  it.each<[string, () => Promise<void>]>([
    ['was never there', () => proxy.cut()],
    ['died', () => pause(500).then(() => proxy.cut())],
    ['hangs', () => pause(500).then(() => proxy.freeze())],
  ])('everything stops within four seconds when it %s', async (_, breakRedis) => {
    const broken = breakRedis();
    services.run();
    services.stopLater(
      openAlarm({ name: 'order-expiry', redisUrl: services.redisUrl, logger: services.logger, run: async () => {} }),
    );
    await broken;
    await services.state(newId('Order'));
    await pause(700);
    const started = Date.now();
    await services.stop();
    expect(Date.now() - started).toBeLessThan(4_000);
  });
});

describe('a listener whose store is away', () => {
  it('gets the fact again without using up its tries, however long that takes', async () => {
    let attempts = 0;
    services.run(async (tx, event) => {
      if (++attempts < 4) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
      await record(tx, event);
    });
    await services.state(newId('Order'));
    await eventually(async () => expect(await services.states()).toEqual(['DELIVERED']));
    expect(attempts).toBe(4);
    expect(await services.listener.select().from(eventFailures)).toEqual([]);
  });
});

describe('a listener that dies or freezes in the middle', { timeout: 120_000 }, () => {
  const LOCK_MS = 500;
  let processes: ChildProcess[] = [];

  afterEach(() => {
    for (const child of processes) child.kill('SIGKILL');
    processes = [];
  });

  /** Resolves in the middle of an effect, whose transaction is open. */
  async function listenerInTheMiddle(pauseMs: number): Promise<ChildProcess> {
    const program = fileURLToPath(new URL('../test/event-worker.ts', import.meta.url));
    const child = spawn(
      process.execPath,
      [program, services.listenerUrl, services.redisUrl, String(LOCK_MS), String(pauseMs)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    processes.push(child);
    await once(child.stdout, 'data');
    return child;
  }

  const heir = () => services.runListener({ lockMs: LOCK_MS });

  it('has its effect once after five kills', async () => {
    services.runRelay();
    await services.state(newId('Order'));
    for (let kills = 0; kills < 5; kills++) {
      const child = await listenerInTheMiddle(60_000);
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    expect(await services.effects()).toEqual([]);
    heir();
    await eventually(async () => expect(await services.states()).toEqual(['DELIVERED']));
    expect(await services.effects()).toHaveLength(1);
  });

  it('has its effect once when it wakes after another has taken over', async () => {
    services.runRelay();
    await services.state(newId('Order'));
    const frozen = await listenerInTheMiddle(200);
    frozen.kill('SIGSTOP');
    heir();
    const { name, prefix } = eventQueue('order', 'payment');
    const queue = new Queue(name, { prefix, connection: { url: services.redisUrl } });
    const [row] = await services.producer.select().from(outbox);
    await eventually(async () => expect((await queue.getJob(row?.eventId ?? ''))?.stalledCounter).toBeGreaterThan(0));
    await queue.close();
    frozen.kill('SIGCONT');
    await eventually(async () => expect(await services.states()).toEqual(['DELIVERED']));
    expect(await services.effects()).toHaveLength(1);
  });
});

describe('an alarm', () => {
  it('runs after its delay, with its id', async () => {
    const rung: string[] = [];
    const alarm = openAlarm({
      name: 'order-expiry',
      redisUrl: services.redisUrl,
      logger: services.logger,
      run: async (id) => rung.push(id),
    });
    services.stopLater(alarm);
    await alarm.set('order-1', 100);
    expect(rung).toEqual([]);
    await eventually(async () => expect(rung).toEqual(['order-1']));
  });

  it('does not fail or wait when Redis is away', async () => {
    const alarm = openAlarm({
      name: 'order-expiry',
      redisUrl: 'redis://127.0.0.1:1',
      logger: services.logger,
      run: async () => {},
    });
    const started = Date.now();
    await alarm.set('order-1', 100);
    expect(Date.now() - started).toBeLessThan(2_000);
    await Promise.race([alarm.close(), new Promise((resolve) => setTimeout(resolve, 1_000))]);
  });
});
