import { randomUUID } from 'node:crypto';
import { newId } from '@souk/platform/id';
import { isCurrency, money } from '@souk/platform/money';
import { eq } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { openTestService, type TestOrder, type TestService } from '../../test-service.ts';
import {
  type Intent,
  openStripeStandIn,
  type StripeStandIn,
  signForStripe,
  stripeEvent,
  stripeKeys,
} from '../../test-stripe.ts';
import { providerEvents } from '../tables.ts';
import { openStripe } from './stripe.ts';
import { fromStripe, isStripeCurrency, toStripe } from './stripe-amount.ts';

let stripe: StripeStandIn;
let shop: TestService;
beforeAll(async () => {
  stripe = await openStripeStandIn();
  shop = await openTestService([openStripe({ ...stripeKeys, apiBase: stripe.url, timeoutMs: 300 })]);
});
afterEach(() => stripe.have('none'));
afterAll(async () => {
  await shop.close();
  await stripe.close();
});

const START = `mutation ($input: PaymentStartInput!) {
  paymentStart(input: $input) {
    payment {
      id status amount { amount currencyCode } failure { code }
      nextAction { __typename ... on PaymentClientSecret { clientSecret publishableKey } }
    }
    userErrors { code field message }
  }
}`;

async function start(order: TestOrder, idempotencyKey = randomUUID()) {
  const input = { orderId: order.id, provider: 'STRIPE', idempotencyKey };
  const { data } = await shop.ask(order.userId, START, { input });
  return data.paymentStart;
}

/** A payment that waits for its customer. */
async function begun(facts: Partial<TestOrder> = {}): Promise<{ order: TestOrder; id: string; intent: Intent }> {
  const order = shop.placeOrder(facts);
  const { payment } = await start(order);
  return { order, id: payment.id, intent: stripe.intentOf(payment.id) };
}

async function post(body: string, signature: string | null = signForStripe(body, stripeKeys.webhookSecrets[0])) {
  const headers = {
    'content-type': 'application/json',
    ...(signature === null ? {} : { 'stripe-signature': signature }),
  };
  return (await fetch(shop.webhookUrlOf('stripe'), { method: 'POST', headers, body })).status;
}

const eventsOf = (id: string) => shop.db.select().from(providerEvents).where(eq(providerEvents.paymentId, id));
const until = (id: string, status: string) =>
  vi.waitFor(async () => expect(await shop.payment(id)).toMatchObject({ status }));

describe('paying', () => {
  it('hands the customer the secret of an intent, and keeps it nowhere', async () => {
    const order = shop.placeOrder();
    const { payment, userErrors } = await start(order);
    const intent = stripe.intentOf(payment.id);
    expect(userErrors).toEqual([]);
    expect(payment).toMatchObject({
      status: 'REQUIRES_ACTION',
      nextAction: {
        __typename: 'PaymentClientSecret',
        clientSecret: intent.client_secret,
        publishableKey: stripeKeys.publishableKey,
      },
    });
    expect(intent).toMatchObject({ amount: 4990, currency: 'eur' });
    const row = await shop.payment(payment.id);
    expect(row).toMatchObject({ providerReference: intent.id, cardLast4: null });
    expect(row?.nextAction).toEqual({ kind: 'CLIENT_SECRET' });
    const text = JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? String(value) : value));
    expect(text).not.toContain(intent.client_secret);
  });

  it('tells the next action to who pays and to nobody else, staff included', async () => {
    const { id, order } = await begun();
    const source = 'query ($id: ID!) { payment(id: $id) { status nextAction { __typename } } }';
    const mine = await shop.ask(order.userId, source, { id });
    const staff = await shop.ask(newId('User'), source, { id }, ['payment:read']);
    expect(mine.data.payment.nextAction).toEqual({ __typename: 'PaymentClientSecret' });
    expect(staff.data.payment).toEqual({ status: 'REQUIRES_ACTION', nextAction: null });
  });

  it('makes one intent for one key, however often it is asked', async () => {
    const order = shop.placeOrder();
    const key = randomUUID();
    const answers = await Promise.all([start(order, key), start(order, key), start(order, key)]);
    const again = await start(order, key);
    expect(new Set([...answers, again].map(({ payment }) => payment.id)).size).toBe(1);
    expect(again.payment.nextAction.clientSecret).toBe(stripe.intentOf(again.payment.id).client_secret);
    const made = [...stripe.intents.values()].filter((i) => i.metadata['souk_payment'] === again.payment.id);
    expect(made).toHaveLength(1);
  });

  it('is settled by the webhook, once', async () => {
    const { id, order, intent } = await begun();
    stripe.pay(intent);
    const body = stripeEvent('payment_intent.succeeded', intent);
    expect(await Promise.all([post(body), post(body), post(body)])).toEqual([200, 200, 200]);
    await until(id, 'CAPTURED');
    expect(await shop.payment(id)).toMatchObject({ capturedMinor: 4990n, nextAction: null });
    expect(await post(body)).toBe(200);
    expect(await eventsOf(id)).toHaveLength(1);
    expect(await shop.factsAbout(order.id)).toHaveLength(1);
  });

  it('is found out by a look when the webhook is lost', async () => {
    const { id, intent } = await begun();
    stripe.pay(intent);
    await shop.sweep();
    expect(await shop.payment(id)).toMatchObject({ status: 'CAPTURED', providerReference: intent.id });
  });

  it('goes on waiting after a declined card, which is not the end of an intent', async () => {
    const { id, intent } = await begun();
    expect(await post(stripeEvent('payment_intent.payment_failed', intent))).toBe(200);
    await shop.sweep();
    expect(await shop.payment(id)).toMatchObject({ status: 'REQUIRES_ACTION' });
    expect(await eventsOf(id)).toEqual([]);
  });

  it('frees the order at once when Stripe faults or stays silent: an intent without its secret takes no money', async () => {
    for (const trouble of ['fault', 'silent'] as const) {
      const order = shop.placeOrder();
      stripe.have(trouble);
      const { payment, userErrors } = await start(order);
      expect(userErrors).toMatchObject([{ code: 'PROVIDER_UNAVAILABLE' }]);
      expect(payment).toMatchObject({ status: 'FAILED', nextAction: null });
      stripe.have('none');
      expect((await start(order)).payment.status).toBe('REQUIRES_ACTION');
    }
  });

  it('says that an amount is too small', async () => {
    const order = shop.placeOrder({ total: { amount: '0.10', currencyCode: 'EUR' } });
    const { payment, userErrors } = await start(order);
    expect(userErrors).toMatchObject([{ code: 'DECLINED' }]);
    expect(payment.failure).toEqual({ code: 'amount_too_small' });
  });

  it('refuses a currency that Stripe does not take, before anything is put on record', async () => {
    const order = shop.placeOrder({ total: { amount: '5.000', currencyCode: 'KWD' } });
    const { payment, userErrors } = await start(order);
    expect(payment).toBeNull();
    expect(userErrors).toMatchObject([{ code: 'INVALID', field: ['input', 'provider'] }]);
  });
});

describe('calling off', () => {
  const CANCEL = `mutation ($input: PaymentCancelInput!) {
    paymentCancel(input: $input) { payment { status } userErrors { code } }
  }`;
  const cancel = async (id: string, userId: string) =>
    (await shop.ask(userId, CANCEL, { input: { paymentId: id, idempotencyKey: randomUUID() } })).data.paymentCancel;

  it('cancels the intent, so that its form takes no money any more', async () => {
    const { id, order, intent } = await begun();
    expect(await cancel(id, order.userId)).toEqual({ payment: { status: 'CANCELED' }, userErrors: [] });
    expect(intent.status).toBe('canceled');
    expect(await shop.payment(id)).toMatchObject({ nextAction: null, providerReference: intent.id });
  });

  it('keeps the money that outran it', async () => {
    const { id, order, intent } = await begun();
    stripe.pay(intent);
    const { userErrors } = await cancel(id, order.userId);
    expect(userErrors).toEqual([{ code: 'NOT_CANCELABLE' }]);
    expect(await shop.payment(id)).toMatchObject({ status: 'CAPTURED' });
  });

  it('follows the end of the order, and what comes all the same goes back', async () => {
    const { id, order, intent } = await begun();
    intent.status = 'processing';
    await shop.endOrder(order.id, 'EXPIRED');
    await shop.sweep();
    expect(await shop.payment(id)).toMatchObject({ status: 'REQUIRES_ACTION' });
    stripe.pay(intent);
    await shop.sweep();
    await shop.sweep();
    expect(await shop.payment(id)).toMatchObject({ status: 'REFUNDED', refundedMinor: 4990n });
    expect(stripe.refunds.filter((refund) => refund.payment_intent === intent.id)).toMatchObject([{ amount: 4990 }]);
    expect(await shop.factsAbout(order.id)).toEqual([]);
  });
});

describe('refunds', () => {
  const REFUND = `mutation ($input: PaymentRefundInput!) {
    paymentRefund(input: $input) { refund { status } userErrors { code } }
  }`;
  async function refund(id: string, amount: string) {
    const input = { paymentId: id, amount: { amount, currencyCode: 'EUR' }, reason: 'x', idempotencyKey: randomUUID() };
    return (await shop.ask(newId('User'), REFUND, { input }, ['payment:write'])).data.paymentRefund;
  }
  async function paid() {
    const { id, intent } = await begun();
    stripe.pay(intent);
    await shop.sweep();
    return { id, intent };
  }

  it('go back in parts', async () => {
    const { id, intent } = await paid();
    expect(await refund(id, '10.00')).toEqual({ refund: { status: 'SUCCEEDED' }, userErrors: [] });
    expect(await refund(id, '39.90')).toMatchObject({ refund: { status: 'SUCCEEDED' } });
    expect(intent.latest_charge?.amount_refunded).toBe(4990);
    expect(await shop.payment(id)).toMatchObject({ status: 'REFUNDED', refundedMinor: 4990n });
  });

  it('are sent once, also when the answer is lost and Stripe has forgotten the key', async () => {
    const { id, intent } = await paid();
    stripe.have('silent');
    expect(await refund(id, '20.00')).toMatchObject({ refund: { status: 'PENDING' } });
    stripe.have('none');
    stripe.forgetKeys();
    await shop.sweep();
    expect(await shop.refundsOf(id)).toMatchObject([{ status: 'SUCCEEDED' }]);
    expect(intent.latest_charge?.amount_refunded).toBe(2000);
  });

  it('fail for good when Stripe says so', async () => {
    const { id, intent } = await paid();
    if (intent.latest_charge) intent.latest_charge.amount_refunded = 4990;
    expect(await refund(id, '20.00')).toMatchObject({ refund: { status: 'FAILED' } });
    expect(await shop.payment(id)).toMatchObject({ status: 'CAPTURED', refundedMinor: 0n, refundPendingMinor: 0n });
  });
});

describe('a webhook', () => {
  const [secret, older] = stripeKeys.webhookSecrets;
  const nowSeconds = Math.floor(Date.now() / 1000);
  const forgeries: [string, (body: string) => string | null, ((body: string) => string)?][] = [
    ['without a signature', () => null],
    ['with a signature that is none', () => 'v1=00'],
    ['signed with another secret', (body) => signForStripe(body, 'whsec_guess')],
    ['signed with an empty secret', (body) => signForStripe(body, '')],
    ['altered after it was signed', (body) => signForStripe(body.replace('4990', '1'), secret)],
    ['replayed after five minutes', (body) => signForStripe(body, secret, nowSeconds - 301)],
    ['signed for the future', (body) => signForStripe(body, secret, nowSeconds + 3_600)],
    [
      'with a fresh time on an old signature',
      (body) => signForStripe(body, secret, 1).replace('t=1', `t=${nowSeconds}`),
    ],
    ['in another scheme only', (body) => signForStripe(body, secret).replace('v1=', 'v0=')],
  ];
  it.each(forgeries)('%s is refused, and nothing changes', async (_, signature) => {
    const { id, intent } = await begun();
    const before = await shop.payment(id);
    const body = stripeEvent('payment_intent.succeeded', { ...intent, status: 'succeeded', amount_received: 4990 });
    expect(await post(body, signature(body))).toBe(401);
    expect(await eventsOf(id)).toEqual([]);
    expect(await shop.payment(id)).toEqual(before);
  });

  it('signed with the secret before is believed, so that a new one can be introduced', async () => {
    const { id, intent } = await begun();
    stripe.pay(intent);
    const body = stripeEvent('payment_intent.succeeded', intent);
    expect(await post(body, signForStripe(body, older))).toBe(200);
    await until(id, 'CAPTURED');
  });

  it.each([
    ['amount', { amount_received: 1 }],
    ['currency', { currency: 'usd' }],
  ])('about another %s is kept for a person to look at, and no money is booked', async (_, more) => {
    const { id, order, intent } = await begun();
    const wrong = { ...intent, status: 'succeeded', amount_received: 4990, ...more };
    expect(await post(stripeEvent('payment_intent.succeeded', wrong))).toBe(200);
    await vi.waitFor(async () => expect(await eventsOf(id)).toMatchObject([{ outcome: 'MISMATCH' }]));
    expect(await shop.payment(id)).toMatchObject({ status: 'REQUIRES_ACTION', capturedMinor: 0n });
    expect(await shop.factsAbout(order.id)).toEqual([]);
  });

  it('keeps no secret of the intent', async () => {
    const { id, intent } = await begun();
    stripe.pay(intent);
    await post(stripeEvent('payment_intent.succeeded', intent));
    expect(JSON.stringify(await eventsOf(id))).not.toContain('_secret_');
  });

  it('about what others do with the account is acknowledged and left alone', async () => {
    const { intent } = await begun();
    const foreign = { ...intent, status: 'succeeded', metadata: {} };
    expect(await post(stripeEvent('payment_intent.succeeded', foreign))).toBe(200);
    expect(await post(stripeEvent('customer.created', intent))).toBe(200);
  });

  it('is not believed about a payment of another provider', async () => {
    const { intent } = await begun();
    const order = shop.placeOrder();
    const card = { number: '4000000000000259', expiryMonth: 1, expiryYear: 2090, securityCode: '123' };
    const input = { orderId: order.id, provider: 'TEST_CARD', testCard: card, idempotencyKey: order.id };
    const { id } = (await shop.ask(order.userId, START, { input })).data.paymentStart.payment;
    const foreign = { ...intent, status: 'succeeded', amount_received: 4990, metadata: { souk_payment: id } };
    await post(stripeEvent('payment_intent.succeeded', foreign));
    await vi.waitFor(async () =>
      expect(await eventsOf(id)).toContainEqual(expect.objectContaining({ outcome: 'UNKNOWN_PAYMENT' })),
    );
    expect(await shop.payment(id)).toMatchObject({ status: 'PROCESSING', capturedMinor: 0n });
  });

  it('that is no JSON is refused', async () => {
    expect(await post('hello')).toBe(400);
  });
});

describe('amounts', () => {
  it.each([
    [4990n, 'EUR', 4990, 'eur'],
    [500n, 'JPY', 500, 'jpy'],
    [5n, 'ISK', 500, 'isk'],
  ])('%d %s are %d %s there, and back', (amountMinor, currencyCode, amount, currency) => {
    expect(toStripe({ amountMinor, currencyCode })).toEqual({ amount, currency });
    expect(fromStripe(amount, currency)).toEqual({ amountMinor, currencyCode });
  });

  it('have the decimals that Stripe gives them, in every currency that is offered', () => {
    const without = 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF VND VUV XAF XOF XPF'.split(' ');
    const offered = [...new Set(Intl.supportedValuesOf('currency'))].filter(isStripeCurrency);
    expect(offered.length).toBeGreaterThan(120);
    for (const code of offered.filter(isCurrency)) {
      expect(money(1n, code).amount, code).toBe(without.includes(code) ? '1' : '0.01');
    }
    expect(['MGA', 'BHD', 'JOD', 'KWD', 'OMR', 'TND', 'UGX'].filter(isStripeCurrency)).toEqual([]);
  });

  it('are never rounded', () => {
    expect(() => fromStripe(501, 'isk')).toThrow(RangeError);
    expect(() => toStripe({ amountMinor: 2n ** 60n, currencyCode: 'EUR' })).toThrow(RangeError);
  });
});
