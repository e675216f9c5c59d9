import { randomUUID } from 'node:crypto';
import { newId } from '@souk/platform/id';
import { eq, sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type AlipayStandIn, openAlipayStandIn } from '../test-alipay.ts';
import { disagreements } from '../test-books.ts';
import { openTestService, type TestOrder, type TestService } from '../test-service.ts';
import { openStripeStandIn, type StripeStandIn, stripeKeys } from '../test-stripe.ts';
import { openAlipayPage, openAlipayQr } from './providers/alipay.ts';
import { openStripe } from './providers/stripe.ts';
import { reconcileDaily } from './reconcile.ts';
import { ledgerTransactions, payments, reconciliations } from './tables.ts';

const APPROVED = '4242424242424242';
const DECLINED = '4000000000000002';
const DELAYED = '4000000000000077';
const LATE = '4000000000000259';

let shop: TestService;
beforeAll(async () => {
  shop = await openTestService();
});
afterEach(async () => {
  shop.provider.reports(true);
  await shop.provider.start();
});
afterAll(() => shop.close());

const today = () => new Date().toISOString().slice(0, 10);
const staff = newId('User');

const FIELDS = `id provider day matched repaired mismatchCount failure startedAt finishedAt
  mismatches { kind paymentId providerReference expected { amount currencyCode } found { amount currencyCode } }`;
const RUN = `mutation ($provider: PaymentProvider!, $day: String!) {
  reconciliationRun(provider: $provider, day: $day) { reconciliation { ${FIELDS} } userErrors { code field } }
}`;

async function run(provider = 'TEST_CARD', day = today(), at = shop) {
  return (await at.ask(staff, RUN, { provider, day }, ['payment:write', 'payment:read'])).data.reconciliationRun;
}

async function reconcile(provider = 'TEST_CARD', at = shop) {
  const { reconciliation, userErrors } = await run(provider, today(), at);
  expect(userErrors).toEqual([]);
  return reconciliation;
}

async function pay(number: string): Promise<{ order: TestOrder; id: string }> {
  const order = shop.placeOrder();
  const source = 'mutation ($input: PaymentStartInput!) { paymentStart(input: $input) { payment { id } } }';
  const testCard = { number, expiryMonth: 1, expiryYear: new Date().getFullYear() + 1, securityCode: '123' };
  const input = { orderId: order.id, provider: 'TEST_CARD', testCard, idempotencyKey: randomUUID() };
  return { order, id: (await shop.ask(order.userId, source, { input })).data.paymentStart.payment.id };
}

const charges = () => {
  const found = shop.provider.charges();
  if (!found) throw new Error('The provider is stopped.');
  return found;
};
const approved = (id: string) =>
  vi.waitFor(async () => expect((await charges().find(id))?.status).toBe('SUCCEEDED'), 3_000);
const about = (reconciliation: { mismatches: { paymentId: string }[] }, id: string) =>
  reconciliation.mismatches.filter(({ paymentId }) => paymentId === id);

describe('a day on which nothing went wrong', () => {
  it('agrees', async () => {
    await pay(APPROVED);
    await pay(DECLINED);
    const { order } = await pay(APPROVED);
    await shop.endOrder(order.id, 'CANCELED');
    await shop.sweep();
    expect(await reconcile()).toEqual({
      id: expect.stringMatching(/^rcon_/),
      provider: 'TEST_CARD',
      day: today(),
      matched: 2,
      repaired: 0,
      mismatchCount: 0,
      mismatches: [],
      failure: null,
      startedAt: expect.any(String),
      finishedAt: expect.any(String),
    });
  });

  it('agrees with refunds that are on their way, and with what is not settled yet', async () => {
    const { id, order } = await pay(APPROVED);
    await shop.endOrder(order.id, 'CANCELED');
    const { id: open } = await pay(LATE);
    const found = await reconcile();
    expect([...about(found, id), ...about(found, open)]).toEqual([]);
    await shop.sweep();
    await vi.waitFor(async () => expect(await shop.payment(open)).toMatchObject({ status: 'CAPTURED' }), 3_000);
  });
});

describe('a callback that was lost', () => {
  it('is made up for: the payment is settled, booked and told of, once', async () => {
    shop.provider.reports(false);
    const { id, order } = await pay(DELAYED);
    await approved(id);
    expect(await shop.payment(id)).toMatchObject({ status: 'PROCESSING' });

    expect(await reconcile()).toMatchObject({ repaired: 1, mismatchCount: 0 });
    expect(await shop.payment(id)).toMatchObject({ status: 'CAPTURED', capturedMinor: 4990n });
    expect(await shop.factsAbout(order.id)).toMatchObject([{ type: 'payment.captured' }]);
    const booked = shop.db.select().from(ledgerTransactions).where(eq(ledgerTransactions.paymentId, id));
    expect(await booked).toMatchObject([{ kind: 'CAPTURE' }]);
    expect(await reconcile()).toMatchObject({ repaired: 0, mismatchCount: 0 });
    expect(await booked).toHaveLength(1);
  });

  it('is made up for after the order ended: the money goes back', async () => {
    shop.provider.reports(false);
    const { id, order } = await pay(LATE);
    await shop.endOrder(order.id, 'EXPIRED');
    await shop.sweep();
    expect(await shop.payment(id)).toMatchObject({ status: 'EXPIRED' });
    await approved(id);
    expect(await reconcile()).toMatchObject({ repaired: 1 });
    await shop.sweep();
    expect(await shop.payment(id)).toMatchObject({ status: 'REFUNDED' });
    expect(await shop.factsAbout(order.id)).toEqual([]);
  });

  it('is made up for once by several comparisons at the same time', async () => {
    shop.provider.reports(false);
    const { id, order } = await pay(DELAYED);
    await approved(id);
    const found = await Promise.all([reconcile(), reconcile(), reconcile()]);
    expect(new Set(found.map((each) => each.id)).size).toBe(1);
    await vi.waitFor(async () => expect(await shop.payment(id)).toMatchObject({ status: 'CAPTURED' }));
    expect(await shop.factsAbout(order.id)).toHaveLength(1);
  });

  it('leaves books that agree with the provider’s own log', async () => {
    expect(await disagreements(shop)).toEqual([]);
  });
});

describe('a disagreement', () => {
  it('is a charge for a payment that we do not have', async () => {
    const stray = newId('Payment');
    const card = { cardNumber: APPROVED, amountMinor: 1234n, currencyCode: 'EUR' };
    const { chargeId } = await charges().charge({ paymentId: stray, ...card });
    await charges().charge({ paymentId: 'somebody-elses', ...card });
    await charges().charge({ paymentId: newId('Payment'), ...card, cardNumber: DECLINED });
    const found = await reconcile();
    expect(found.mismatchCount).toBe(2);
    const money = { amount: '12.34', currencyCode: 'EUR' };
    const line = { kind: 'UNKNOWN_CHARGE', expected: null, found: money };
    expect(found.mismatches).toEqual([
      { ...line, paymentId: stray, providerReference: chargeId },
      { ...line, paymentId: null, providerReference: expect.any(String) },
    ]);
    expect(await shop.payment(stray)).toBeUndefined();
  });

  it('is another amount, which is never booked', async () => {
    const id = await record({ amountMinor: 4990n });
    await charges().charge({ paymentId: id, cardNumber: APPROVED, amountMinor: 1n, currencyCode: 'EUR' });
    expect(about(await reconcile(), id)).toMatchObject([
      { kind: 'AMOUNT', expected: { amount: '49.90' }, found: { amount: '0.01' } },
    ]);
    const payment = await shop.payment(id);
    expect(payment).toMatchObject({ status: 'PROCESSING', capturedMinor: 0n });
    expect(await shop.factsAbout(payment?.orderId ?? '')).toEqual([]);
  });

  it('is money that the provider has no record of', async () => {
    const id = await record({ amountMinor: 4990n, capturedMinor: 4990n, status: 'CAPTURED' });
    expect(about(await reconcile(), id)).toMatchObject([
      { kind: 'MISSING_CHARGE', expected: { amount: '49.90' }, found: null, providerReference: null },
    ]);
  });

  it('is a refund that somebody made behind our back', async () => {
    const { id } = await pay(APPROVED);
    await charges().refund({ paymentId: id, refundId: 'by-hand', amountMinor: 1000n });
    expect(about(await reconcile(), id)).toMatchObject([
      { kind: 'REFUND', expected: { amount: '0.00' }, found: { amount: '10.00' } },
    ]);
  });

  it('is counted in any number, and the first hundred are shown, over all pages of the provider’s record', async () => {
    const card = { cardNumber: APPROVED, amountMinor: 1n, currencyCode: 'EUR' };
    const before = (await reconcile()).mismatchCount;
    await Promise.all(Array.from({ length: 1_001 }, () => charges().charge({ paymentId: newId('Payment'), ...card })));
    const found = await reconcile();
    expect(found.mismatchCount).toBe(before + 1_001);
    expect(found.mismatches).toHaveLength(100);
  });

  async function record(facts: { amountMinor: bigint; capturedMinor?: bigint; status?: 'PROCESSING' | 'CAPTURED' }) {
    const id = newId('Payment');
    await shop.db.insert(payments).values({
      ...{ id, orderId: newId('Order'), orderNumber: 'SK-1', userId: newId('User'), provider: 'TEST_CARD' as const },
      ...{ status: 'PROCESSING' as const, currencyCode: 'EUR', ...facts },
    });
    return id;
  }
});

describe('every night', () => {
  const rows = () => shop.db.select().from(reconciliations);
  const work = () => ({ providers: shop.providers, log: shop.log });

  it('each of the last days is compared once, by however many instances', async () => {
    await shop.db.delete(reconciliations);
    await Promise.all([1, 2, 3, 4].map(() => reconcileDaily(shop.db, work())));
    await reconcileDaily(shop.db, work());
    const found = await rows();
    expect(found).toHaveLength(3);
    expect(new Set(found.map(({ day }) => day)).size).toBe(3);
    expect(found.every(({ day, finishedAt }) => day < today() && finishedAt !== null)).toBe(true);
  });

  it('a day that staff compared before it was over is compared again', async () => {
    await shop.db.update(reconciliations).set({ startedAt: sql`DATE(day) + INTERVAL 12 HOUR` });
    await reconcileDaily(shop.db, work());
    expect(await rows()).toHaveLength(6);
  });

  it('a comparison whose worker vanished is taken over when its lease is over', async () => {
    await shop.db.delete(reconciliations);
    const id = newId('Reconciliation');
    const day = new Date(Date.now() - 30 * 86_400_000).toISOString().slice(0, 10);
    const lost = { id, provider: 'TEST_CARD' as const, day, isRunning: true };
    await shop.db.insert(reconciliations).values({ ...lost, leasedUntil: new Date(Date.now() + 60_000) });
    await reconcileDaily(shop.db, work());
    const found = async () => (await rows()).find((row) => row.id === id);
    expect(await found()).toMatchObject({ isRunning: true, finishedAt: null });
    expect((await run('TEST_CARD', day)).reconciliation).toMatchObject({ id, finishedAt: null });
    await shop.db.update(reconciliations).set({ leasedUntil: new Date(Date.now() - 1_000) });
    await reconcileDaily(shop.db, work());
    expect(await found()).toMatchObject({ isRunning: null, finishedAt: expect.any(Date) });
  });

  it('a provider that does not answer is asked again, for a day', async () => {
    await shop.provider.stop();
    const waiting = await reconcile();
    expect(waiting).toMatchObject({ failure: 'The provider of test cards did not answer.', finishedAt: null });
    expect((await reconcile()).id).toBe(waiting.id);

    const mine = eq(reconciliations.id, waiting.id);
    await shop.db.update(reconciliations).set({ leasedUntil: sql`CURRENT_TIMESTAMP(3)` }).where(mine);
    await shop.provider.start();
    await reconcileDaily(shop.db, work());
    const [done] = await shop.db.select().from(reconciliations).where(mine);
    expect(done).toMatchObject({ failure: null, finishedAt: expect.any(Date) });

    await shop.provider.stop();
    const hopeless = await reconcile();
    const old = { startedAt: new Date(Date.now() - 90_000_000), leasedUntil: sql`CURRENT_TIMESTAMP(3)` };
    await shop.db.update(reconciliations).set(old).where(eq(reconciliations.id, hopeless.id));
    await reconcileDaily(shop.db, work());
    const [given] = await shop.db.select().from(reconciliations).where(eq(reconciliations.id, hopeless.id));
    expect(given).toMatchObject({ isRunning: null, failure: expect.any(String), finishedAt: expect.any(Date) });
  });
});

describe('staff', () => {
  const LIST = 'query ($first: Int) { reconciliations(first: $first) { id mismatches { kind } } }';

  it('see the latest comparisons first', async () => {
    const { id } = await reconcile();
    const { data } = await shop.ask(staff, LIST, { first: 2 }, ['payment:read']);
    expect(data.reconciliations).toHaveLength(2);
    expect(data.reconciliations[0].id).toBe(id);
    const { errors } = await shop.ask(staff, LIST, { first: 101 }, ['payment:read']);
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  });

  it('need the scope', async () => {
    const count = async () => (await shop.db.select().from(reconciliations)).length;
    const before = await count();
    const read = await shop.ask(staff, LIST);
    const write = await shop.ask(staff, RUN, { provider: 'TEST_CARD', day: today() }, ['payment:read']);
    expect([read.data.reconciliations, write.data.reconciliationRun]).toEqual([null, null]);
    expect(await count()).toBe(before);
  });

  it.each([
    ['2026-02-30', 'day'],
    ['yesterday', 'day'],
    ['2999-01-01', 'day'],
    ['1999-01-01', 'day'],
    ["2026-11-21' OR 1", 'day'],
  ])('cannot compare %s', async (day, field) => {
    expect(await run('TEST_CARD', day)).toEqual({
      reconciliation: null,
      userErrors: [{ code: 'INVALID', field: [field] }],
    });
  });

  it('cannot compare with a provider that is not offered', async () => {
    expect((await run('STRIPE')).userErrors).toEqual([{ code: 'INVALID', field: ['provider'] }]);
  });
});

describe('with the other providers', () => {
  let stripe: StripeStandIn;
  let alipay: AlipayStandIn;
  let abroad: TestService;
  beforeAll(async () => {
    [stripe, alipay] = await Promise.all([openStripeStandIn(), openAlipayStandIn()]);
    const more = [openAlipayPage(alipay.options), openAlipayQr(alipay.options)];
    abroad = await openTestService([openStripe({ ...stripeKeys, apiBase: stripe.url }), ...more]);
  });
  afterAll(async () => {
    await abroad.close();
    await Promise.all([stripe.close(), alipay.close()]);
  });

  async function begun(provider: string, currencyCode: string): Promise<string> {
    const order = abroad.placeOrder({ total: { amount: '49.90', currencyCode } });
    const source = 'mutation ($input: PaymentStartInput!) { paymentStart(input: $input) { payment { id } } }';
    const input = { orderId: order.id, provider, returnUrl: 'https://shop.example', idempotencyKey: randomUUID() };
    return (await abroad.ask(order.userId, source, { input })).data.paymentStart.payment.id;
  }

  it('Stripe’s lost callback is made up for, and a second charge for the same payment is found', async () => {
    const id = await begun('STRIPE', 'EUR');
    const intent = stripe.intentOf(id);
    stripe.pay(intent);
    await begun('STRIPE', 'EUR');
    expect(await reconcile('STRIPE', abroad)).toMatchObject({ matched: 0, repaired: 1, mismatchCount: 0 });
    expect(await abroad.payment(id)).toMatchObject({ status: 'CAPTURED', providerReference: intent.id });

    const twin = { ...structuredClone(intent), id: 'pi_twin' };
    stripe.intents.set(twin.id, twin);
    const found = await reconcile('STRIPE', abroad);
    expect(found).toMatchObject({ matched: 1, mismatchCount: 1 });
    expect(found.mismatches).toMatchObject([{ kind: 'DUPLICATE_CHARGE', paymentId: id }]);
  });

  it('Stripe’s record is read to its last page', async () => {
    const [intent] = [...stripe.intents.values()];
    if (!intent) throw new Error('There is one by now.');
    for (let index = 0; index < 120; index++) {
      const id = `pi_stray_${index}`;
      stripe.intents.set(id, { ...structuredClone(intent), id, metadata: {} });
      stripe.pay(stripe.intents.get(id) ?? intent);
    }
    expect(await reconcile('STRIPE', abroad)).toMatchObject({ mismatchCount: 121 });
  });

  it('Alipay’s lost notification is made up for, each way to pay by itself', async () => {
    const [byPage, byCode] = [await begun('ALIPAY_PAGE', 'CNY'), await begun('ALIPAY_QR', 'CNY')];
    alipay.pay(alipay.scan(byCode));
    const link = (await abroad.payment(byPage))?.nextAction;
    if (link?.kind !== 'REDIRECT') throw new Error('Expected a link.');
    alipay.pay(alipay.visit(link.url).trade);
    expect(await reconcile('ALIPAY_QR', abroad)).toMatchObject({ repaired: 1, mismatchCount: 0 });
    expect(await abroad.payment(byCode)).toMatchObject({ status: 'CAPTURED' });
    expect(await abroad.payment(byPage)).toMatchObject({ status: 'REQUIRES_ACTION' });
    expect(await reconcile('ALIPAY_PAGE', abroad)).toMatchObject({ repaired: 1, mismatchCount: 0 });
    expect(await reconcile('ALIPAY_PAGE', abroad)).toMatchObject({ matched: 1, repaired: 0, mismatchCount: 0 });
  });

  it('a refund by hand in Alipay’s own pages is found', async () => {
    const id = await begun('ALIPAY_QR', 'CNY');
    const trade = alipay.scan(id);
    alipay.pay(trade);
    await reconcile('ALIPAY_QR', abroad);
    trade.refunds.set('by-hand', '9.90');
    const found = await reconcile('ALIPAY_QR', abroad);
    expect(about(found, id)).toMatchObject([{ kind: 'REFUND', found: { amount: '9.90', currencyCode: 'CNY' } }]);
  });
});
