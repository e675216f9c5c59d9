import { createHmac, randomUUID } from 'node:crypto';
import { secretsOf } from '@souk/dev/secrets';
import { newId } from '@souk/platform/id';
import { expect, inject, vi } from 'vitest';
import { newCustomer } from '../client.ts';
import { createProduct, orderState, pay, placedOrder } from '../shopping.ts';
import { type Attack, attack } from './attack.ts';
import { send } from './request.ts';
import type { Scene } from './scene.ts';

/** Those who report that money was taken, and are not the provider; and the provider on a bad day. */

const { gatewayUrl, serviceUrls, folder } = inject('shop');
const url = `${serviceUrls.payment}/webhooks/test-card`;
const { testProviderSecret } = secretsOf(folder);

/** A card whose charge the provider takes a quarter of an hour for, so that the payment waits to be told of. */
const SLOW_CARD = '4000000000000259';

interface Report {
  body: string;
  signedBody?: string;
  secret?: string;
  ageSeconds?: number;
  signature?: string;
  method?: string;
}

function deliver({
  body,
  signedBody = body,
  secret = testProviderSecret,
  ageSeconds = 0,
  signature,
  method = 'POST',
}: Report) {
  const at = Math.floor(Date.now() / 1_000) - ageSeconds;
  const genuine = `t=${at},v1=${createHmac('sha256', secret).update(`${at}.${signedBody}`).digest('hex')}`;
  const headers = { 'content-type': 'application/json', 'souk-signature': signature ?? genuine };
  return send(url, { method, headers, ...(method === 'GET' ? {} : { body }) });
}

interface Told {
  id?: string;
  paymentId: string;
  status?: string;
  amountMinor?: string;
  currencyCode?: string;
}

function reportOf({
  id = `evt_${randomUUID()}`,
  paymentId,
  status = 'SUCCEEDED',
  amountMinor = '1090',
  currencyCode = 'EUR',
}: Told): string {
  const charge = { paymentId, status, chargeId: `ch_${randomUUID()}`, amountMinor, currencyCode, failure: null };
  return JSON.stringify({ id, charge });
}

/** An order and a payment of it; captured with the usual card, and under way with a slow one. */
async function paying({ admin }: Scene, card?: string) {
  const { variantIds } = await createProduct(admin, [5]);
  const customer = await newCustomer(gatewayUrl);
  const { id: orderId } = await placedOrder(customer, [{ variantId: variantIds[0] ?? '', quantity: 1 }]);
  const { payment } = await pay(customer, orderId, card);
  return { customer, orderId, paymentId: payment?.id ?? '' };
}
type Paying = Awaited<ReturnType<typeof paying>>;
const unpaid = (scene: Scene) => paying(scene, SLOW_CARD);
const expectUnpaid = async (_scene: Scene, { customer, orderId }: Paying) =>
  expect((await orderState(customer, orderId)).payments).toMatchObject([{ capturedAmount: { amount: '0.00' } }]);
const expectPaidOnce = async (_scene: Scene, { customer, orderId }: Paying) =>
  expect((await orderState(customer, orderId)).payments).toMatchObject([
    { status: 'CAPTURED', capturedAmount: { amount: '10.90' }, refundedAmount: { amount: '0.00' } },
  ]);

const forged = (
  tries: string,
  make: (paymentId: string) => Report,
  answer: Attack['answer'] = { status: 401 },
): Attack =>
  attack({
    tries,
    given: unpaid,
    request: (_scene, { paymentId }) => deliver(make(paymentId)),
    answer,
    effect: expectUnpaid,
  });

const forgeries: Attack[] = [
  forged('a report without a signature', (paymentId) => ({ body: reportOf({ paymentId }), signature: '' })),
  forged('a report signed with another secret', (paymentId) => ({ body: reportOf({ paymentId }), secret: 'guessed' })),
  forged('a report signed with an empty secret', (paymentId) => ({ body: reportOf({ paymentId }), secret: '' })),
  forged('a report whose amount was altered', (paymentId) => ({
    body: reportOf({ paymentId }),
    signedBody: reportOf({ paymentId, amountMinor: '1' }),
  })),
  forged('a report with one more space than was signed', (paymentId) => {
    const signedBody = reportOf({ paymentId });
    return { body: `${signedBody} `, signedBody };
  }),
  forged('a report signed more than five minutes ago', (paymentId) => ({
    body: reportOf({ paymentId }),
    ageSeconds: 302,
  })),
  forged('a report signed more than five minutes from now', (paymentId) => ({
    body: reportOf({ paymentId }),
    ageSeconds: -302,
  })),
  forged('a signature of another form', (paymentId) => ({
    body: reportOf({ paymentId }),
    signature: `t=1e9,v1=${'A'.repeat(64)}`,
  })),
  forged('a signature of 64 zeros', (paymentId) => ({
    body: reportOf({ paymentId }),
    signature: `t=${Math.floor(Date.now() / 1_000)},v1=${'0'.repeat(64)}`,
  })),
  forged('a signed report that is no JSON', () => ({ body: '{' }), { status: 400 }),
  forged(
    'a signed report with __proto__ instead of a charge',
    () => ({ body: '{"id":"x","__proto__":{"charge":{}}}' }),
    { status: 400 },
  ),
  forged(
    'a signed report of a negative amount',
    (paymentId) => ({ body: reportOf({ paymentId, amountMinor: '-1090' }) }),
    { status: 400 },
  ),
  forged(
    'a signed report whose id is longer than any',
    (paymentId) => ({ body: reportOf({ paymentId, id: 'x'.repeat(129) }) }),
    { status: 400 },
  ),
  forged(
    'a signed report of just over 64 KiB',
    (paymentId) => ({ body: reportOf({ paymentId }).padEnd(64 * 1024 + 1) }),
    { status: 413, code: 'BAD_USER_INPUT' },
  ),
  forged('a report by GET', (paymentId) => ({ body: reportOf({ paymentId }), method: 'GET' }), {
    status: 401,
    code: 'UNAUTHENTICATED',
  }),
  {
    tries: 'a report to a provider that is not offered',
    request: () =>
      send(`${serviceUrls.payment}/webhooks/stripe`, {
        method: 'POST',
        body: '{}',
        headers: { 'stripe-signature': 't=1,v1=x' },
      }),
    answer: { status: 401, code: 'UNAUTHENTICATED' },
  },
];

const badDays: Attack[] = [
  attack({
    tries: 'a report of a payment that is not ours',
    request: () => deliver({ body: reportOf({ paymentId: 'another-shop-1' }) }),
    answer: { status: 200 },
  }),
  attack({
    tries: 'a report of a payment that nobody made',
    request: () => deliver({ body: reportOf({ paymentId: newId('Payment') }) }),
    answer: { status: 200 },
    writes: ['provider_events'],
  }),
  attack({
    tries: 'a report almost five minutes old, of the right amount',
    given: unpaid,
    request: (_scene, { paymentId }) => deliver({ body: reportOf({ paymentId }), ageSeconds: 290 }),
    answer: { status: 200 },
    writes: 'anything',
    effect: (scene, given) => vi.waitFor(() => expectPaidOnce(scene, given), 5_000),
  }),
  attack({
    tries: 'the same report a second time',
    async given(scene: Scene) {
      const bought = await unpaid(scene);
      const body = reportOf(bought);
      await deliver({ body });
      await vi.waitFor(() => expectPaidOnce(scene, bought), 5_000);
      return { ...bought, body };
    },
    request: (_scene, { body }) => deliver({ body }),
    answer: { status: 200 },
    effect: (scene, given) => expectPaidOnce(scene, given),
  }),
  ...[
    ['less than was asked', { amountMinor: '1' }],
    ['more than was asked', { amountMinor: '109000' }],
    ['another currency', { currencyCode: 'JPY' }],
  ].map(([what, told]) =>
    attack({
      tries: `a genuine report of ${what}`,
      given: unpaid,
      request: (_scene: Scene, { paymentId }: Paying) =>
        deliver({ body: reportOf({ paymentId, ...(told as object) }) }),
      answer: { status: 200 },
      writes: ['provider_events'],
      effect: expectUnpaid,
    }),
  ),
  ...['DECLINED', 'CANCELED', 'PROCESSING'].map((status) =>
    attack({
      tries: `a genuine report ${status} that comes after the money did`,
      given: (scene: Scene) => paying(scene),
      request: (_scene: Scene, { paymentId }: Paying) => deliver({ body: reportOf({ paymentId, status }) }),
      answer: { status: 200 },
      writes: ['provider_events'],
      effect: expectPaidOnce,
    }),
  ),
];

export const webhooks = [...forgeries, ...badDays];
