import { createEmptyDatabase, type TestDatabase } from '@souk/dev/test-database';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTcpProxy } from '../test/tcp-proxy.ts';
import { nowPlus, type OpenDatabase, openDatabase, transaction } from './database.ts';
import { refuse } from './errors.ts';
import { idempotencyKeys, onceOnly } from './idempotency.ts';
import { createTables } from './test-tables.ts';

let store: TestDatabase;
let database: OpenDatabase;

beforeAll(async () => {
  store = await createEmptyDatabase();
  database = openDatabase({ url: store.url });
  await createTables(database.db, { idempotencyKeys });
});

afterAll(async () => {
  await database.close();
  await store.drop();
});

const work = (key: string, run: () => Promise<{ orderId: string }>, body: unknown = { quantity: 1 }) =>
  onceOnly({ db: database.db, owner: 'user_1', operation: 'orderPlace', key, body, run });

describe('onceOnly', () => {
  it('answers a repeated request from memory and does the work once', async () => {
    let runs = 0;
    const run = async () => ({ orderId: `order-${++runs}` });
    expect(await work('repeat', run)).toEqual({ orderId: 'order-1' });
    expect(await work('repeat', run)).toEqual({ orderId: 'order-1' });
    expect(runs).toBe(1);
  });

  it('does not care about the order of keys in the body', async () => {
    const run = async () => ({ orderId: 'same' });
    await work('order', run, { first: 1, second: { third: 3n, fourth: 4 } });
    expect(await work('order', run, { second: { fourth: 4, third: 3n }, first: 1 })).toEqual({ orderId: 'same' });
  });

  it('refuses a key that was used for another body', async () => {
    await work('reused', async () => ({ orderId: 'first' }));
    const second = work('reused', async () => ({ orderId: 'second' }), { quantity: 2 });
    await expect(second).rejects.toMatchObject({ refusals: [{ code: 'IDEMPOTENCY_KEY_REUSED' }] });
  });

  it('lets parallel requests with one key do the work once and share its answer', async () => {
    let runs = 0;
    const run = async () => {
      runs++;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return { orderId: 'shared' };
    };
    const answers = await Promise.all(Array.from({ length: 8 }, () => work('parallel', run)));
    expect(new Set(answers.map(({ orderId }) => orderId))).toEqual(new Set(['shared']));
    expect(runs).toBe(1);
  });

  it('frees the key when the work is refused, because nothing happened', async () => {
    await expect(work('refused', async () => refuse('CART_EMPTY', 'Nothing to order.'))).rejects.toMatchObject({
      name: 'Refused',
    });
    expect(await work('refused', async () => ({ orderId: 'later' }), { quantity: 9 })).toEqual({ orderId: 'later' });
  });

  it('hands the work to the next request when the first one failed, and tells it that it is not the first', async () => {
    await expect(work('failed', () => Promise.reject(new Error('lost connection')))).rejects.toThrow('lost connection');
    const fences: number[] = [];
    const answer = await onceOnly({
      db: database.db,
      owner: 'user_1',
      operation: 'orderPlace',
      key: 'failed',
      body: { quantity: 1 },
      run: async ({ fence }) => {
        fences.push(fence);
        return { orderId: 'recovered' };
      },
    });
    expect(answer).toEqual({ orderId: 'recovered' });
    expect(fences).toEqual([2]);
  });

  it('frees the key when the store is there again, which was away when the work failed', async () => {
    const url = new URL(store.url);
    const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
    url.hostname = '127.0.0.1';
    url.port = String(proxy.port);
    const { db, close } = openDatabase({ url: url.href });
    const key = { db, owner: 'user_1', operation: 'orderPlace', key: 'away', body: {} };
    try {
      const failing = onceOnly({
        ...key,
        run: async () => {
          await proxy.cut();
          throw new Error('The store went away.');
        },
      });
      await expect(failing).rejects.toThrow('The store went away.');
      await proxy.heal();
      const fences: number[] = [];
      const run = async ({ fence }: { fence: number }) => {
        fences.push(fence);
        return { orderId: 'after all' };
      };
      expect(await onceOnly({ ...key, run })).toEqual({ orderId: 'after all' });
      expect(fences).toEqual([2]);
    } finally {
      await close();
      await proxy.close();
    }
  });

  it('keeps the answer when the transaction it was settled in rolled back, and the work went on', async () => {
    let runs = 0;
    const once = () =>
      onceOnly<{ orderId: string }>({
        db: database.db,
        owner: 'user_1',
        operation: 'orderPlace',
        key: 'rolled-back',
        body: {},
        run: async ({ settle }) => {
          runs++;
          const rolledBack = transaction(database.db, async (tx) => {
            await settle(tx, { orderId: 'never' });
            throw new Error('no');
          });
          await expect(rolledBack).rejects.toThrow('no');
          return { orderId: 'another way' };
        },
      });
    expect(await once()).toEqual({ orderId: 'another way' });
    expect(await once()).toEqual({ orderId: 'another way' });
    expect(runs).toBe(1);
  });

  it('keeps the answer that was settled with the fact', async () => {
    const once = () =>
      onceOnly<{ orderId: string }>({
        db: database.db,
        owner: 'user_1',
        operation: 'orderPlace',
        key: 'settled',
        body: {},
        run: async ({ settle }) => {
          await transaction(database.db, (tx) => settle(tx, { orderId: 'with the fact' }));
          return { orderId: 'with the fact' };
        },
      });
    expect([await once(), await once()]).toEqual([{ orderId: 'with the fact' }, { orderId: 'with the fact' }]);
  });

  it('fences off a holder whose lease ran out', async () => {
    const slow = onceOnly<{ orderId: string }>({
      db: database.db,
      owner: 'user_1',
      operation: 'orderPlace',
      key: 'fenced',
      body: {},
      run: async ({ settle }) => {
        await database.db
          .update(idempotencyKeys)
          .set({ leasedUntil: nowPlus(-1) })
          .where(sql`idempotency_key = 'fenced'`);
        await onceOnly({
          db: database.db,
          owner: 'user_1',
          operation: 'orderPlace',
          key: 'fenced',
          body: {},
          run: async () => ({ orderId: 'taken over' }),
        });
        await transaction(database.db, (tx) => settle(tx, { orderId: 'too late' }));
        return { orderId: 'too late' };
      },
    });
    await expect(slow).rejects.toMatchObject({ code: 'SUBGRAPH_TIMEOUT', retryable: true });
    const [row] = await database.db.select().from(idempotencyKeys).where(sql`idempotency_key = 'fenced'`);
    expect(row?.answer).toEqual({ orderId: 'taken over' });
  });

  it('tells keys apart that differ in case only', async () => {
    expect(await work('Case', async () => ({ orderId: 'upper' }))).toEqual({ orderId: 'upper' });
    expect(await work('case', async () => ({ orderId: 'lower' }))).toEqual({ orderId: 'lower' });
  });

  it('keeps keys of different owners apart', async () => {
    const place = (owner: string) =>
      onceOnly({
        db: database.db,
        owner,
        operation: 'orderPlace',
        key: 'mine',
        body: {},
        run: async () => ({ owner }),
      });
    expect(await place('user_1')).toEqual({ owner: 'user_1' });
    expect(await place('user_2')).toEqual({ owner: 'user_2' });
  });

  it('refuses a key that is empty or too long before it writes anything', async () => {
    for (const key of ['', 'x'.repeat(129)]) {
      await expect(work(key, async () => ({ orderId: 'never' }))).rejects.toMatchObject({
        refusals: [{ code: 'INVALID' }],
      });
    }
  });
});
