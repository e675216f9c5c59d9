import { nowPlus } from '@souk/platform/database';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CANCEL, openTestService, type TestService } from '../test-service.ts';
import { expireOrder, expireOverdueOrders } from './expiry.ts';
import { orders } from './tables.ts';

let service: TestService;
let ann: string;

beforeAll(async () => {
  service = await openTestService();
  ann = service.newCustomer();
});
afterAll(() => service.close());

const letTimePass = (orderId: string) =>
  service.db
    .update(orders)
    .set({ paymentDueAt: nowPlus(-1) })
    .where(eq(orders.id, orderId));

describe('an unpaid order', () => {
  it('expires when its time is over, tells the others, and sets its cart free', async () => {
    const cart = service.shop.addCart(ann, [{ variantId: service.shop.addVariant() }]);
    const { id: orderId } = await service.newOrder(ann, { lines: null, cartId: cart.id });
    await letTimePass(orderId);
    expect(await expireOverdueOrders(service.db)).toBe(1);
    expect(await service.readOrder(orderId)).toMatchObject({
      status: 'EXPIRED',
      version: 2,
      cancelReason: 'PAYMENT_TIMEOUT',
      paymentDueAt: null,
    });
    expect((await service.readTimeline(orderId))[1]).toMatchObject({ to: 'EXPIRED', actor: 'SYSTEM' });
    expect(await service.readFacts(orderId)).toEqual([
      { type: 'order.canceled', payload: { orderId, userId: ann, status: 'EXPIRED' } },
    ]);
    expect((await service.newOrder(ann, { lines: null, cartId: cart.id })).status).toBe('AWAITING_PAYMENT');
  });

  it('does not expire before, however early the reminder comes', async () => {
    const { id: orderId } = await service.newOrder(ann);
    expect(await expireOrder(service.db, orderId)).toBe(false);
    expect(await expireOverdueOrders(service.db)).toBe(0);
    await letTimePass(orderId);
    expect(await expireOrder(service.db, orderId)).toBe(true);
    expect(await expireOrder(service.db, orderId)).toBe(false);
  });

  it('expires once, however many look at the same time', async () => {
    const placed = await Promise.all(Array.from({ length: 12 }, () => service.newOrder(ann)));
    for (const { id } of placed) await letTimePass(id);
    await Promise.all(Array.from({ length: 4 }, () => expireOverdueOrders(service.db)));
    for (const { id } of placed) {
      expect(await service.readOrder(id)).toMatchObject({ status: 'EXPIRED', version: 2 });
      expect(await service.readFacts(id)).toHaveLength(1);
    }
  });

  it('meets the sweep, a payment and its customer at the same moment, and one of them wins', async () => {
    for (let round = 0; round < 10; round++) {
      const order = await service.newOrder(ann);
      await letTimePass(order.id);
      await Promise.all([
        expireOverdueOrders(service.db),
        service.pay(order),
        service.ask(ann, CANCEL, { input: { orderId: order.id, reason: 'OTHER' } }),
      ]);
      const timeline = await service.readTimeline(order.id);
      const way = timeline.map(({ to }) => to).join(' ');
      expect(
        ['EXPIRED', 'CANCELED', 'CONFIRMED', 'CONFIRMED CANCELED'].map((end) => `AWAITING_PAYMENT ${end}`),
      ).toContain(way);
      expect((await service.readOrder(order.id)).status).toBe(timeline.at(-1)?.to);
    }
  });
});

it('leaves paid orders alone', async () => {
  const { id } = await service.newPaidOrder(ann);
  expect(await expireOverdueOrders(service.db)).toBe(0);
  expect((await service.readOrder(id)).status).toBe('CONFIRMED');
});
