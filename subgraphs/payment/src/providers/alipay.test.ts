import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { newId } from '@souk/platform/id';
import { eq } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type AlipayStandIn, openAlipayStandIn, type Trade } from '../../test-alipay.ts';
import { openTestService, type TestOrder, type TestService } from '../../test-service.ts';
import { providerEvents } from '../tables.ts';
import { openAlipayPage, openAlipayQr } from './alipay.ts';

let alipay: AlipayStandIn;
let shop: TestService;
beforeAll(async () => {
  alipay = await openAlipayStandIn();
  const options = { ...alipay.options, timeoutMs: 300 };
  shop = await openTestService([openAlipayPage(options), openAlipayQr(options)]);
});
afterEach(() => alipay.have('none'));
afterAll(async () => {
  await shop.close();
  await alipay.close();
});

const START = `mutation ($input: PaymentStartInput!) {
  paymentStart(input: $input) {
    payment {
      id status failure { code }
      nextAction { __typename ... on PaymentRedirect { url } ... on PaymentQrCode { payload } }
    }
    userErrors { code field }
  }
}`;
const yuan = { total: { amount: '88.88', currencyCode: 'CNY' } };
const returnUrl = 'https://shop.example.com/orders?paid=maybe&x=1';

async function start(order: TestOrder, provider: 'ALIPAY_PAGE' | 'ALIPAY_QR', more: object = { returnUrl }) {
  const input = { orderId: order.id, provider, idempotencyKey: randomUUID(), ...more };
  return (await shop.ask(order.userId, START, { input })).data.paymentStart;
}

/** A payment whose code was scanned and not paid. */
async function scanned(): Promise<{ order: TestOrder; id: string; trade: Trade }> {
  const order = shop.placeOrder(yuan);
  const { payment } = await start(order, 'ALIPAY_QR');
  return { order, id: payment.id, trade: alipay.scan(payment.id) };
}

async function post(fields: Record<string, string> | string, path: 'page' | 'qr' = 'qr') {
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
  const body = typeof fields === 'string' ? fields : new URLSearchParams(fields).toString();
  const answer = await fetch(shop.webhookUrlOf(`alipay/${path}`), { method: 'POST', headers, body });
  return { status: answer.status, text: await answer.text() };
}

const ACCEPTED = { status: 200, text: 'success' };
const eventsOf = (id: string) => shop.db.select().from(providerEvents).where(eq(providerEvents.paymentId, id));
const processed = (id: string, outcome: string) =>
  vi.waitFor(async () => expect(await eventsOf(id)).toContainEqual(expect.objectContaining({ outcome })));

describe('the methods', () => {
  it('are offered for yuan only', async () => {
    const source = 'query ($code: CurrencyCode!) { paymentMethods(currencyCode: $code) { provider isTestMode } }';
    const offered = async (code: string) => (await shop.ask(null, source, { code })).data.paymentMethods;
    expect(await offered('CNY')).toEqual(
      ['TEST_CARD', 'ALIPAY_PAGE', 'ALIPAY_QR'].map((provider) => ({ provider, isTestMode: true })),
    );
    expect(await offered('EUR')).toEqual([{ provider: 'TEST_CARD', isTestMode: true }]);
    const { payment, userErrors } = await start(shop.placeOrder(), 'ALIPAY_QR');
    expect([payment, userErrors]).toEqual([null, [{ code: 'INVALID', field: ['input', 'provider'] }]]);
  });
});

describe('the page', () => {
  it('is reached by a link that Alipay can verify, with the amount, the time, and the way back', async () => {
    const order = shop.placeOrder({ ...yuan, paymentDueAt: '2036-03-01T12:00:00.000Z' });
    const { payment, userErrors } = await start(order, 'ALIPAY_PAGE');
    expect(userErrors).toEqual([]);
    expect(payment).toMatchObject({ status: 'REQUIRES_ACTION', nextAction: { __typename: 'PaymentRedirect' } });
    const { trade, parameters } = alipay.visit(payment.nextAction.url);
    expect(trade).toMatchObject({ out_trade_no: payment.id, total_amount: '88.88' });
    expect(parameters).toMatchObject({
      method: 'alipay.trade.page.pay',
      return_url: returnUrl,
      notify_url: 'https://pay.example.com/webhooks/alipay/page',
    });
    expect(JSON.parse(parameters['biz_content'] ?? '')).toMatchObject({
      product_code: 'FAST_INSTANT_TRADE_PAY',
      subject: `Order ${order.number}`,
      time_expire: '2036-03-01 20:00:00',
    });
    // Its clock is that of Beijing, wherever ours is.
    const skew = Date.parse(`${parameters['timestamp']}+08:00`) - Date.now();
    expect(Math.abs(skew)).toBeLessThan(60_000);
  });

  it('needs an address to come back to', async () => {
    const without = await start(shop.placeOrder(yuan), 'ALIPAY_PAGE', {});
    expect(without).toEqual({ payment: null, userErrors: [{ code: 'REQUIRED', field: ['input', 'returnUrl'] }] });
    const long = await start(shop.placeOrder(yuan), 'ALIPAY_PAGE', {
      returnUrl: `https://a.example/${'x'.repeat(250)}`,
    });
    expect(long.userErrors).toEqual([{ code: 'INVALID', field: ['input', 'returnUrl'] }]);
  });

  it('is waited for while the customer has not come to it, and the link stays the same', async () => {
    const order = shop.placeOrder(yuan);
    const { payment } = await start(order, 'ALIPAY_PAGE');
    await shop.sweep();
    const source = 'query ($id: ID!) { payment(id: $id) { status nextAction { ... on PaymentRedirect { url } } } }';
    const { data } = await shop.ask(order.userId, source, { id: payment.id });
    expect(data.payment).toEqual({ status: 'REQUIRES_ACTION', nextAction: { url: payment.nextAction.url } });
  });

  it('is paid on, reported, and settled once', async () => {
    const order = shop.placeOrder(yuan);
    const { payment } = await start(order, 'ALIPAY_PAGE');
    const { trade } = alipay.visit(payment.nextAction.url);
    alipay.pay(trade);
    const fields = alipay.signed(alipay.notification(trade));
    expect(await Promise.all([1, 2, 3].map(() => post(fields, 'page')))).toEqual([ACCEPTED, ACCEPTED, ACCEPTED]);
    await processed(payment.id, 'CAPTURED');
    expect(await post(fields, 'page')).toEqual(ACCEPTED);
    expect(await eventsOf(payment.id)).toHaveLength(1);
    expect(await shop.payment(payment.id)).toMatchObject({ status: 'CAPTURED', providerReference: trade.trade_no });
    expect(await shop.factsAbout(order.id)).toHaveLength(1);
  });

  it('that is visited after the payment was called off takes money only to have it sent back', async () => {
    const order = shop.placeOrder(yuan);
    const { payment } = await start(order, 'ALIPAY_PAGE');
    await shop.endOrder(order.id, 'EXPIRED');
    await shop.sweep();
    expect(await shop.payment(payment.id)).toMatchObject({ status: 'EXPIRED', nextAction: null });
    const { trade } = alipay.visit(payment.nextAction.url);
    alipay.pay(trade);
    await post(alipay.signed(alipay.notification(trade)), 'page');
    await processed(payment.id, 'CAPTURED_AND_RETURNED');
    await shop.sweep();
    expect([...trade.refunds.values()]).toEqual(['88.88']);
    expect(await shop.payment(payment.id)).toMatchObject({ status: 'REFUNDED' });
  });
});

describe('the code', () => {
  it('is shown, scanned, paid, and found paid although the notification is lost', async () => {
    const order = shop.placeOrder(yuan);
    const { payment } = await start(order, 'ALIPAY_QR');
    expect(payment.nextAction).toEqual({
      __typename: 'PaymentQrCode',
      payload: `https://qr.alipay.example/${payment.id}`,
    });
    const trade = alipay.scan(payment.id);
    alipay.pay(trade);
    await shop.sweep();
    expect(await shop.payment(payment.id)).toMatchObject({ status: 'CAPTURED', capturedMinor: 8888n });
  });

  it('that is scanned and not paid never pays an order', async () => {
    const { order, id, trade } = await scanned();
    expect(await post(alipay.signed(alipay.notification(trade)))).toEqual(ACCEPTED);
    await processed(id, 'UNCHANGED');
    await shop.sweep();
    expect(await shop.payment(id)).toMatchObject({ status: 'REQUIRES_ACTION', capturedMinor: 0n });
    expect(await shop.factsAbout(order.id)).toEqual([]);
  });

  it.each(['fault', 'silent', 'unsigned', 'forged'] as const)(
    'is not shown when Alipay’s answer is %s, and the order is free for another payment',
    async (trouble) => {
      alipay.have(trouble);
      const order = shop.placeOrder(yuan);
      const { payment, userErrors } = await start(order, 'ALIPAY_QR');
      expect(userErrors).toMatchObject([{ code: 'PROVIDER_UNAVAILABLE' }]);
      expect(payment).toMatchObject({ status: 'FAILED', nextAction: null });
      alipay.have('none');
      expect((await start(order, 'ALIPAY_QR')).payment.status).toBe('REQUIRES_ACTION');
    },
  );

  it.each(['silent', 'unsigned', 'forged'] as const)(
    'is not believed to be paid when the answer is %s',
    async (trouble) => {
      const { id, trade } = await scanned();
      alipay.pay(trade);
      alipay.have(trouble);
      await shop.sweep();
      expect(await shop.payment(id)).toMatchObject({ status: 'REQUIRES_ACTION', capturedMinor: 0n });
      alipay.have('none');
      await shop.sweep();
      expect(await shop.payment(id)).toMatchObject({ status: 'CAPTURED' });
    },
  );
});

describe('calling off', () => {
  const CANCEL = `mutation ($input: PaymentCancelInput!) {
    paymentCancel(input: $input) { payment { status } userErrors { code } }
  }`;
  const cancel = async (id: string, userId: string) =>
    (await shop.ask(userId, CANCEL, { input: { paymentId: id, idempotencyKey: randomUUID() } })).data.paymentCancel;

  it('closes a trade that waits for its buyer', async () => {
    const { id, order, trade } = await scanned();
    expect(await cancel(id, order.userId)).toEqual({ payment: { status: 'CANCELED' }, userErrors: [] });
    expect(trade.trade_status).toBe('TRADE_CLOSED');
  });

  it('never sends back the money of a trade that was paid', async () => {
    const { id, order, trade } = await scanned();
    alipay.pay(trade);
    expect(await cancel(id, order.userId)).toMatchObject({ userErrors: [{ code: 'NOT_CANCELABLE' }] });
    expect(await shop.payment(id)).toMatchObject({ status: 'CAPTURED' });
    expect([trade.trade_status, trade.refunds.size]).toEqual(['TRADE_SUCCESS', 0]);
  });
});

describe('refunds', () => {
  const REFUND = `mutation ($input: PaymentRefundInput!) {
    paymentRefund(input: $input) { refund { status } userErrors { code } }
  }`;
  async function refund(id: string, amount: string) {
    const input = { paymentId: id, amount: { amount, currencyCode: 'CNY' }, reason: 'x', idempotencyKey: randomUUID() };
    return (await shop.ask(newId('User'), REFUND, { input }, ['payment:write'])).data.paymentRefund;
  }
  async function paid() {
    const { id, trade } = await scanned();
    alipay.pay(trade);
    await shop.sweep();
    return { id, trade };
  }

  it('go back in parts, to the fen', async () => {
    const { id, trade } = await paid();
    expect(await refund(id, '0.01')).toEqual({ refund: { status: 'SUCCEEDED' }, userErrors: [] });
    expect(await refund(id, '88.87')).toMatchObject({ refund: { status: 'SUCCEEDED' } });
    expect([...trade.refunds.values()]).toEqual(['0.01', '88.87']);
    expect(await shop.payment(id)).toMatchObject({ status: 'REFUNDED' });
    // Alipay closes a trade whose money is gone; that takes nothing back here.
    await post(alipay.signed(alipay.notification(trade)));
    await processed(id, 'UNCHANGED');
    expect(await shop.payment(id)).toMatchObject({ status: 'REFUNDED', capturedMinor: 8888n });
  });

  it('are sent once when the answer is lost', async () => {
    const { id, trade } = await paid();
    alipay.have('silent');
    expect(await refund(id, '20.00')).toMatchObject({ refund: { status: 'PENDING' } });
    alipay.have('none');
    await shop.sweep();
    expect(await shop.refundsOf(id)).toMatchObject([{ status: 'SUCCEEDED' }]);
    expect([...trade.refunds.values()]).toEqual(['20.00']);
  });

  it('fail for good when Alipay says so', async () => {
    const { id, trade } = await paid();
    trade.refunds.set('by-hand', '88.88');
    expect(await refund(id, '20.00')).toMatchObject({ refund: { status: 'FAILED' } });
    expect(await shop.payment(id)).toMatchObject({ status: 'CAPTURED', refundPendingMinor: 0n });
  });
});

describe('a notification', () => {
  type Forge = (trade: Trade) => Record<string, string> | string;
  const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const genuine = (trade: Trade, more: Record<string, string> = {}) => alipay.signed(alipay.notification(trade, more));
  const forgeries: [string, Forge][] = [
    ['without a signature', (trade) => ({ ...alipay.notification(trade), sign_type: 'RSA2' })],
    ['with a signature that is none', (trade) => ({ ...genuine(trade), sign: 'AAAA' })],
    ['signed by somebody else', (trade) => alipay.signed(alipay.notification(trade), { key: foreign })],
    ['altered after it was signed', (trade) => ({ ...genuine(trade), total_amount: '0.01' })],
    [
      'of an unpaid trade, altered to be paid',
      (trade) => ({ ...genuine({ ...trade, trade_status: 'WAIT_BUYER_PAY' }), trade_status: 'TRADE_SUCCESS' }),
    ],
    ['with a field added', (trade) => ({ ...genuine(trade), refund_fee: '0.00' })],
    [
      'signed the old, weaker way',
      (trade) => alipay.signed(alipay.notification(trade), { hash: 'RSA-SHA1', type: 'RSA' }),
    ],
    ['that does not say how it was signed', (trade) => ({ ...genuine(trade), sign_type: '' })],
    ['about another app', (trade) => genuine(trade, { app_id: '2021000000000000' })],
    ['about another account', (trade) => genuine(trade, { seller_id: '2088000000000000' })],
    ['with a field twice', (trade) => `${new URLSearchParams(genuine(trade))}&total_amount=0.01`],
    ['that is empty', () => ''],
  ];
  it.each(forgeries)('%s is refused, and nothing changes', async (_, forge) => {
    const { id, trade } = await scanned();
    const before = await shop.payment(id);
    alipay.pay(trade);
    const answer = await post(forge(trade));
    expect(answer.status).toBe(401);
    expect(answer.text).not.toContain('success');
    expect(await eventsOf(id)).toEqual([]);
    expect(await shop.payment(id)).toEqual(before);
  });

  it.each(['88.87', '8888', '0.01'])(
    'about another amount, %s, is kept for a person to look at',
    async (total_amount) => {
      const { id, order, trade } = await scanned();
      const wrong = genuine({ ...trade, trade_status: 'TRADE_SUCCESS', total_amount });
      expect(await post(wrong)).toEqual(ACCEPTED);
      await processed(id, 'MISMATCH');
      expect(await shop.payment(id)).toMatchObject({ status: 'REQUIRES_ACTION', capturedMinor: 0n });
      expect(await shop.factsAbout(order.id)).toEqual([]);
    },
  );

  it.each(['1e2', '-88.88', '88.888', ''])('whose amount is %j is not understood', async (total_amount) => {
    const { id, trade } = await scanned();
    expect((await post(genuine({ ...trade, total_amount }))).status).toBe(400);
    expect(await eventsOf(id)).toEqual([]);
  });

  it('about one product is not believed about the other', async () => {
    const { id, trade } = await scanned();
    alipay.pay(trade);
    expect(await post(genuine(trade), 'page')).toEqual(ACCEPTED);
    await processed(id, 'UNKNOWN_PAYMENT');
    expect(await shop.payment(id)).toMatchObject({ status: 'REQUIRES_ACTION' });
  });

  it('about what others do with the account is acknowledged and left alone', async () => {
    const { trade } = await scanned();
    expect(await post(genuine({ ...trade, out_trade_no: 'somebody-elses', trade_status: 'TRADE_SUCCESS' }))).toEqual(
      ACCEPTED,
    );
    expect(await post(genuine(trade, { notify_type: 'something_else' }))).toEqual(ACCEPTED);
  });
});
