import { transaction } from '@souk/platform/database';
import { newId } from '@souk/platform/id';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { disagreements } from '../test-books.ts';
import { openTestService, type TestOrder, type TestService } from '../test-service.ts';
import type { Charge } from './providers/provider.ts';
import { checkPayment, type Settlement, settlePayment } from './settlement.ts';
import { orderStates, type PaymentRow, payments } from './tables.ts';

let shop: TestService;
beforeAll(async () => {
  shop = await openTestService();
});
afterAll(() => shop.close());

/** A payment that the provider has been asked for; what it says comes from the test. */
async function underWay(order: TestOrder, more: Partial<PaymentRow> = {}): Promise<string> {
  const id = newId('Payment');
  await shop.db
    .insert(orderStates)
    .values({ orderId: order.id, state: 'OPEN' })
    .onDuplicateKeyUpdate({ set: { state: 'OPEN' } });
  await shop.db.insert(payments).values({
    id,
    orderId: order.id,
    orderNumber: order.number,
    userId: order.userId,
    provider: 'TEST_CARD',
    status: 'PROCESSING',
    currencyCode: 'EUR',
    amountMinor: 4990n,
    liveOrderId: order.id,
    ...more,
  });
  return id;
}

const said: Record<Exclude<Charge['status'], 'REQUIRES_ACTION'>, Charge> = {
  PROCESSING: { status: 'PROCESSING', reference: 'tc_1', amountMinor: 4990n, currencyCode: 'EUR', failure: null },
  CAPTURED: { status: 'CAPTURED', reference: 'tc_1', amountMinor: 4990n, currencyCode: 'EUR', failure: null },
  CANCELED: { status: 'CANCELED', reference: 'tc_1', amountMinor: 4990n, currencyCode: 'EUR', failure: null },
  DECLINED: {
    status: 'DECLINED',
    reference: 'tc_1',
    amountMinor: 4990n,
    currencyCode: 'EUR',
    failure: { code: 'card_declined', message: 'The card was declined.', isRetryable: false },
  },
};

const hear = (id: string, charge: Charge): Promise<Settlement> =>
  transaction(shop.db, (tx) => settlePayment(tx, { provider: 'TEST_CARD', paymentId: id }, charge));

describe('the word of the provider', () => {
  it('is taken once however often it comes, also at the same time', async () => {
    const order = shop.placeOrder();
    const id = await underWay(order);
    const heard = await Promise.all(Array.from({ length: 8 }, () => hear(id, said.CAPTURED)));
    expect(heard.filter((settlement) => settlement === 'CAPTURED')).toHaveLength(1);
    expect(heard.filter((settlement) => settlement === 'UNCHANGED')).toHaveLength(7);
    expect(await shop.factsAbout(order.id)).toHaveLength(1);
  });

  it('changes nothing when it comes late and out of order', async () => {
    const order = shop.placeOrder();
    const id = await underWay(order);
    await hear(id, said.CAPTURED);
    expect(await shop.countChanges(order.id)).toBe(1);
    const settled = await shop.payment(id);
    for (const late of [said.PROCESSING, said.DECLINED, said.CANCELED]) expect(await hear(id, late)).toBe('UNCHANGED');
    expect(await shop.payment(id)).toEqual(settled);
    expect(await shop.countChanges(order.id)).toBe(1);
  });

  it('is not believed about another amount or currency', async () => {
    const order = shop.placeOrder();
    const id = await underWay(order);
    expect(await hear(id, { ...said.CAPTURED, amountMinor: 4989n })).toBe('MISMATCH');
    expect(await hear(id, { ...said.CAPTURED, currencyCode: 'USD' })).toBe('MISMATCH');
    expect(await shop.payment(id)).toMatchObject({ status: 'PROCESSING', capturedMinor: 0n });
    expect(await shop.factsAbout(order.id)).toEqual([]);
  });

  it('says nothing about a payment that is not ours', async () => {
    expect(await hear(newId('Payment'), said.CAPTURED)).toBe('UNKNOWN_PAYMENT');
  });

  it('names a canceled payment by the reason for it', async () => {
    const past = new Date(Date.now() - 1_000);
    const asked = await underWay(shop.placeOrder(), { cancelRequestedAt: new Date() });
    const overdue = await underWay(shop.placeOrder(), { expiresAt: past });
    const orderGone = shop.placeOrder();
    const closed = await underWay(orderGone);
    await shop.endOrder(orderGone.id, 'CANCELED');
    const given = await underWay(shop.placeOrder());
    const outcomes = [];
    for (const id of [asked, overdue, closed, given]) outcomes.push(await hear(id, said.CANCELED));
    expect(outcomes).toEqual(['CANCELED', 'EXPIRED', 'CANCELED', 'FAILED']);
  });
});

describe('money that nobody waits for any more', () => {
  it.each(['CANCELED', 'EXPIRED'] as const)('goes back in the same transaction when the order is %s', async (state) => {
    const order = shop.placeOrder();
    const id = await underWay(order);
    await shop.endOrder(order.id, state);
    expect(await hear(id, said.CAPTURED)).toBe('CAPTURED_AND_RETURNED');
    expect(await shop.payment(id)).toMatchObject({
      status: 'CAPTURED',
      capturedMinor: 4990n,
      refundPendingMinor: 4990n,
      liveOrderId: null,
    });
    expect(await shop.refundsOf(id)).toMatchObject([{ status: 'PENDING', amountMinor: 4990n }]);
    expect(await shop.factsAbout(order.id)).toEqual([]);
  });

  it('goes back when it comes for a payment that had been given up, and the other payment of the order stays', async () => {
    const order = shop.placeOrder();
    const givenUp = await underWay(order);
    await hear(givenUp, said.DECLINED);
    const kept = await underWay(order);
    await hear(kept, said.CAPTURED);
    expect(await hear(givenUp, said.CAPTURED)).toBe('CAPTURED_AND_RETURNED');
    expect(await shop.payment(kept)).toMatchObject({
      status: 'CAPTURED',
      refundPendingMinor: 0n,
      liveOrderId: order.id,
    });
    expect(await shop.factsAbout(order.id)).toHaveLength(1);
  });

  it('goes back when the order ends after it was paid', async () => {
    const order = shop.placeOrder();
    const id = await underWay(order);
    await hear(id, said.CAPTURED);
    await shop.endOrder(order.id, 'CANCELED');
    expect(await shop.refundsOf(id)).toMatchObject([{ amountMinor: 4990n, reason: 'The order was canceled.' }]);
  });

  it('goes back exactly once when capture and the end of the order meet', async () => {
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const order = shop.placeOrder();
        const id = await underWay(order);
        await Promise.all([hear(id, said.CAPTURED), shop.endOrder(order.id, 'EXPIRED'), hear(id, said.CAPTURED)]);
        expect(await shop.refundsOf(id)).toMatchObject([{ amountMinor: 4990n }]);
        expect(await shop.payment(id)).toMatchObject({ capturedMinor: 4990n, refundPendingMinor: 4990n });
      }),
    );
  });
});

describe('with the real provider', () => {
  let real: TestService;
  beforeAll(async () => {
    real = await openTestService();
  });
  afterAll(() => real.close());

  async function charged(number: string) {
    const order = real.placeOrder();
    const { data } = await real.ask(
      order.userId,
      'mutation ($input: PaymentStartInput!) { paymentStart(input: $input) { payment { id status } userErrors { code } } }',
      {
        input: {
          orderId: order.id,
          provider: 'TEST_CARD',
          testCard: { number, expiryMonth: 1, expiryYear: new Date().getFullYear() + 1, securityCode: '123' },
          idempotencyKey: order.id,
        },
      },
    );
    return { order, id: data.paymentStart.payment.id as string };
  }

  it('calls off what is under way for an order that ended, and returns what comes in spite of it', async () => {
    const { order, id } = await charged('4000000000000259');
    await real.endOrder(order.id, 'EXPIRED');
    // A sweep passes over what is locked at that moment, here by the report that the charge has begun.
    await vi.waitFor(async () => {
      await real.sweep();
      expect(await real.payment(id)).toMatchObject({ status: 'EXPIRED' });
    });
    await expect.poll(async () => (await real.payment(id))?.capturedMinor, { timeout: 3_000 }).toBe(4990n);
    await real.sweep();
    expect(await real.payment(id)).toMatchObject({ status: 'REFUNDED', refundedMinor: 4990n });
    expect(await real.factsAbout(order.id)).toEqual([]);
  });

  it('settles once when webhook, sweep and answer come together', async () => {
    const { order, id } = await charged('4000000000000077');
    await expect.poll(async () => (await real.provider.charges()?.find(id))?.status).toBe('SUCCEEDED');
    const work = { providers: real.providers, log: real.log };
    await Promise.all([1, 2, 3, 4].map(() => checkPayment(real.db, work, id)));
    expect(await real.payment(id)).toMatchObject({ status: 'CAPTURED' });
    expect(await real.factsAbout(order.id)).toHaveLength(1);
  });

  it('sends refunds again when the provider was away', async () => {
    const { order, id } = await charged('4242424242424242');
    await real.provider.stop();
    await real.endOrder(order.id, 'CANCELED');
    await real.sweep();
    expect(await real.refundsOf(id)).toMatchObject([{ status: 'PENDING' }]);
    await real.provider.start();
    await real.sweep();
    expect(await real.refundsOf(id)).toMatchObject([{ status: 'SUCCEEDED' }]);
    expect(await real.payment(id)).toMatchObject({ status: 'REFUNDED' });
  });

  it('leaves books that agree with the provider’s own log', async () => {
    expect(await disagreements(real)).toEqual([]);
  });
});
