import { type Database, nowPlus } from '@souk/platform/database';
import { withDeadline } from '@souk/platform/deadline';
import { idempotencyKeys } from '@souk/platform/idempotency';
import { desc, eq } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openTestService, type TestService } from '../test-service.ts';
import { type CheckoutDesk, placeOrder, recoverCheckouts } from './checkout.ts';
import { checkouts, orders } from './tables.ts';

let service: TestService;

beforeAll(async () => {
  service = await openTestService();
});
afterEach(async () => {
  service.shop.heal();
  await service.forgetFailures();
});
afterAll(() => service.close());

/** A customer, the last piece of something, and what they send to buy it. */
function lastPiece() {
  const userId = service.newCustomer();
  const variantId = service.shop.addVariant({ stock: 1 });
  const input = { lines: [{ variantId, quantity: 1 }], idempotencyKey: crypto.randomUUID() };
  const place = (desk: Partial<CheckoutDesk> = {}) => placeOrder({ ...service.desk, ...desk }, userId, input);
  return { userId, variantId, input, place };
}

const ordersOf = (userId: string) => service.db.select().from(orders).where(eq(orders.userId, userId));
const attemptsOf = (userId: string) =>
  service.db.select().from(checkouts).where(eq(checkouts.userId, userId)).orderBy(desc(checkouts.createdAt));

async function expectUndone({ userId, variantId }: { userId: string; variantId: string }) {
  expect(await ordersOf(userId)).toEqual([]);
  expect(service.shop.available(variantId)).toBe(1);
  for (const attempt of await attemptsOf(userId)) expect(attempt.state).toBe('UNDONE');
}

/** Lets the leases of a user's attempts run out, as if their process had been dead for long. */
const forgetLeases = (userId: string) =>
  service.db
    .update(checkouts)
    .set({ leasedUntil: nowPlus(-1) })
    .where(eq(checkouts.userId, userId));

/** A desk that falls asleep after its stock is reserved, until woken. */
function sleepyDesk() {
  const { peers } = service.desk;
  const asleep = Promise.withResolvers<void>();
  const awake = Promise.withResolvers<void>();
  const reserveStock: typeof peers.reserveStock = async (input) => {
    const answer = await peers.reserveStock(input);
    asleep.resolve();
    await awake.promise;
    return answer;
  };
  return { desk: { peers: { ...peers, reserveStock } }, asleep: asleep.promise, wake: awake.resolve };
}

describe('a checkout that fails on the way', () => {
  it.each(['CartForOrder', 'AddressForOrder'])('has begun nothing when %s fails', async (operation) => {
    const { userId, variantId } = lastPiece();
    const cart = service.shop.addCart(userId, [{ variantId }]);
    service.shop.fail((called) => (called === operation ? 'unavailable' : undefined));
    const placing = placeOrder(service.desk, userId, { cartId: cart.id, idempotencyKey: 'read' });
    await expect(placing).rejects.toMatchObject({ code: 'SUBGRAPH_UNAVAILABLE' });
    expect(await attemptsOf(userId)).toEqual([]);
  });

  it('releases the stock when the answer of the reservation is lost, and a retry gets it', async () => {
    const purchase = lastPiece();
    service.shop.fail((operation) => (operation === 'ReserveStock' ? 'answer lost' : undefined));
    await expect(purchase.place()).rejects.toMatchObject({ code: 'SUBGRAPH_TIMEOUT', retryable: true });
    await expectUndone(purchase);
    service.shop.heal();
    const { orderId } = await purchase.place();
    expect(await purchase.place()).toEqual({ orderId });
    expect((await ordersOf(purchase.userId)).map(({ id }) => id)).toEqual([orderId]);
  });

  it('releases also what it cannot know to be held', async () => {
    const purchase = lastPiece();
    service.shop.fail((operation) => (operation === 'ReserveStock' ? 'unavailable' : undefined));
    await expect(purchase.place()).rejects.toMatchObject({ code: 'SUBGRAPH_TIMEOUT', retryable: true });
    await expectUndone(purchase);
    expect(service.shop.calls.at(-1)).toBe('ReleaseStock');
  });

  it('is undone although nobody waits for the answer any more', async () => {
    const purchase = lastPiece();
    service.shop.fail((operation) => (operation === 'ReserveStock' ? 'answer lost' : undefined));
    await expect(withDeadline(Date.now() + 1_000, purchase.place)).rejects.toMatchObject({ code: 'SUBGRAPH_TIMEOUT' });
    expect(await attemptsOf(purchase.userId)).toHaveLength(1);
    await expectUndone(purchase);
  });

  it('is undone later, again and again, when it cannot be undone now', async () => {
    const purchase = lastPiece();
    service.shop.fail((operation) => {
      if (operation === 'ReserveStock') return 'answer lost';
      return operation === 'ReleaseStock' ? 'unavailable' : undefined;
    });
    await expect(purchase.place()).rejects.toMatchObject({ code: 'SUBGRAPH_TIMEOUT' });
    for (let round = 0; round < 2; round++) {
      expect(await attemptsOf(purchase.userId)).toMatchObject([{ state: 'UNDOING' }]);
      expect(service.shop.available(purchase.variantId)).toBe(0);
      await forgetLeases(purchase.userId);
      await recoverCheckouts(service.desk);
    }
    service.shop.heal();
    await forgetLeases(purchase.userId);
    expect(await recoverCheckouts(service.desk)).toBe(1);
    await expectUndone(purchase);
  });

  it('gives the order when only the answer of COMMIT was lost', async () => {
    const purchase = lastPiece();
    const { orderId } = await purchase.place({ db: losing('after') });
    expect(await ordersOf(purchase.userId)).toMatchObject([{ id: orderId, status: 'AWAITING_PAYMENT' }]);
    expect(await attemptsOf(purchase.userId)).toMatchObject([{ state: 'PLACED' }]);
    expect(service.shop.holds.has(orderId)).toBe(true);
    expect(await purchase.place()).toEqual({ orderId });
  });

  it('is undone when the connection was lost before COMMIT', async () => {
    const purchase = lastPiece();
    await expect(purchase.place({ db: losing('before') })).rejects.toThrow('Connection lost');
    await expectUndone(purchase);
  });
});

describe('a checkout that is sent again', () => {
  it('is not told that its own earlier attempt has bought the last piece', async () => {
    const purchase = lastPiece();
    service.shop.fail((operation) => {
      if (operation === 'ReserveStock') return 'answer lost';
      return operation === 'ReleaseStock' ? 'unavailable' : undefined;
    });
    await expect(purchase.place()).rejects.toMatchObject({ code: 'SUBGRAPH_TIMEOUT', retryable: true });
    service.shop.fail((operation) => (operation === 'ReleaseStock' ? 'unavailable' : undefined));
    await expect(purchase.place()).rejects.toMatchObject({ code: 'SUBGRAPH_TIMEOUT', retryable: true });
    service.shop.heal();
    const { orderId } = await purchase.place();
    expect((await ordersOf(purchase.userId)).map(({ id }) => id)).toEqual([orderId]);
  });
});

describe('a checkout whose process died', () => {
  it('is undone by any instance once its lease has run out, and not before', async () => {
    const purchase = lastPiece();
    const { desk, asleep, wake } = sleepyDesk();
    const placing = purchase.place(desk);
    placing.catch(() => {});
    await asleep;
    expect(await recoverCheckouts(service.desk)).toBe(0);
    await forgetLeases(purchase.userId);
    expect(await Promise.all([recoverCheckouts(service.desk), recoverCheckouts(service.desk)])).toContain(1);
    await expectUndone(purchase);
    wake();
    await placing.catch(() => {});
  });

  it('cannot place any more when it only slept', async () => {
    const purchase = lastPiece();
    const { desk, asleep, wake } = sleepyDesk();
    const placing = purchase.place(desk);
    await asleep;
    await forgetLeases(purchase.userId);
    await recoverCheckouts(service.desk);
    wake();
    await expect(placing).rejects.toMatchObject({ code: 'SUBGRAPH_TIMEOUT', retryable: true });
    await expectUndone(purchase);
  });

  it('holds nothing when its reservation arrives after it was undone', async () => {
    const purchase = lastPiece();
    const onTheWay = Promise.withResolvers<void>();
    const sent = Promise.withResolvers<void>();
    service.shop.fail((operation) => {
      if (operation !== 'ReserveStock') return undefined;
      sent.resolve();
      return onTheWay.promise;
    });
    const placing = purchase.place();
    await sent.promise;
    await forgetLeases(purchase.userId);
    await recoverCheckouts(service.desk);
    onTheWay.resolve();
    await expect(placing).rejects.toMatchObject({ code: 'SUBGRAPH_TIMEOUT', retryable: true });
    await expectUndone(purchase);
  });

  it('makes room for a retry with its key, although it held the last piece', async () => {
    const purchase = lastPiece();
    const { desk, asleep, wake } = sleepyDesk();
    const first = purchase.place(desk);
    await asleep;
    await service.db
      .update(idempotencyKeys)
      .set({ leasedUntil: nowPlus(-1) })
      .where(eq(idempotencyKeys.key, purchase.input.idempotencyKey));
    const { orderId } = await purchase.place();
    wake();
    await expect(first).rejects.toMatchObject({ code: 'SUBGRAPH_TIMEOUT' });
    expect((await ordersOf(purchase.userId)).map(({ id }) => id)).toEqual([orderId]);
    expect([...service.shop.holds.keys()]).toContain(orderId);
    expect((await attemptsOf(purchase.userId)).map(({ state }) => state)).toEqual(['PLACED', 'UNDONE']);
  });
});

/** The store, behind a connection that is lost once: before or after the first transaction commits. */
function losing(when: 'before' | 'after'): Database {
  let isIntact = true;
  const transaction: Database['transaction'] = (work, config) =>
    service.db
      .transaction(async (tx) => {
        const result = await work(tx);
        if (isIntact && when === 'before') throw lost();
        return result;
      }, config)
      .then((result) => {
        if (isIntact && when === 'after') throw lost();
        return result;
      });
  const lost = () => {
    isIntact = false;
    return new Error('Connection lost.');
  };
  return Object.assign(Object.create(service.db), { transaction });
}
