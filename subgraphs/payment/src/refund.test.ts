import { randomUUID } from 'node:crypto';
import { newId } from '@souk/platform/id';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { disagreements } from '../test-books.ts';
import { openTestService, type TestService } from '../test-service.ts';
import { sendRefund } from './refund-delivery.ts';

let shop: TestService;
beforeAll(async () => {
  shop = await openTestService();
});
afterAll(async () => {
  await shop.close();
});

async function paid(number = '4242424242424242') {
  const order = shop.placeOrder();
  const { data } = await shop.ask(
    order.userId,
    'mutation ($input: PaymentStartInput!) { paymentStart(input: $input) { payment { id } userErrors { code } } }',
    {
      input: {
        orderId: order.id,
        provider: 'TEST_CARD',
        testCard: { number, expiryMonth: 1, expiryYear: new Date().getFullYear() + 1, securityCode: '1234' },
        idempotencyKey: order.id,
      },
    },
  );
  return { order, id: data.paymentStart.payment.id as string };
}

const staff = newId('User');

async function refund(paymentId: string, amount: string | null, more: Record<string, unknown> = {}) {
  const source = `mutation ($input: PaymentRefundInput!) {
    paymentRefund(input: $input) {
      payment { id status refundedAmount { amount } refunds { id } }
      refund { id status amount { amount currencyCode } reason }
      userErrors { code field }
    }
  }`;
  const input = {
    paymentId,
    amount: amount === null ? null : { amount, currencyCode: 'EUR' },
    reason: 'Arrived broken.',
    idempotencyKey: randomUUID(),
    ...more,
  };
  const { data, errors } = await shop.ask(staff, source, { input }, ['payment:write']);
  return { ...data?.paymentRefund, errors };
}

it('sends back a part, then the rest when no amount is named', async () => {
  const { id, order } = await paid();
  const before = await shop.countChanges(order.id);
  expect(await refund(id, '20.00')).toMatchObject({
    payment: { status: 'PARTIALLY_REFUNDED', refundedAmount: { amount: '20.00' } },
    refund: { status: 'SUCCEEDED', amount: { amount: '20.00', currencyCode: 'EUR' }, reason: 'Arrived broken.' },
    userErrors: [],
  });
  expect(await refund(id, null)).toMatchObject({
    payment: { status: 'REFUNDED', refundedAmount: { amount: '49.90' } },
    refund: { amount: { amount: '29.90' } },
  });
  // Each was granted and then sent.
  expect(await shop.countChanges(order.id)).toBe(before + 4);
});

it('refunds once for one key, five times at once', async () => {
  const { id } = await paid();
  const idempotencyKey = randomUUID();
  const answers = await Promise.all([1, 2, 3, 4, 5].map(() => refund(id, '10.00', { idempotencyKey })));
  expect(new Set(answers.map((answer) => answer.refund.id)).size).toBe(1);
  expect(await shop.refundsOf(id)).toHaveLength(1);
  expect((await refund(id, '11.00', { idempotencyKey })).userErrors).toMatchObject([
    { code: 'IDEMPOTENCY_KEY_REUSED' },
  ]);
});

it('never grants more than was captured, however many ask at once', async () => {
  const { id } = await paid();
  const answers = await Promise.all(Array.from({ length: 10 }, () => refund(id, '10.00')));
  expect(answers.filter((answer) => answer.userErrors.length === 0)).toHaveLength(4);
  expect(answers.flatMap((answer) => answer.userErrors.map((error: { code: string }) => error.code))).toEqual(
    Array.from({ length: 6 }, () => 'REFUND_EXCEEDS_CAPTURED'),
  );
  expect(await shop.payment(id)).toMatchObject({ refundedMinor: 4000n, refundPendingMinor: 0n });
});

it('stays on its way while the provider is away, and counts against what is left', async () => {
  const { id } = await paid();
  await shop.provider.stop();
  expect(await refund(id, '40.00')).toMatchObject({
    payment: { status: 'CAPTURED', refundedAmount: { amount: '0.00' } },
    refund: { status: 'PENDING' },
    userErrors: [],
  });
  expect(await refund(id, '10.00')).toMatchObject({ refund: null, userErrors: [{ code: 'REFUND_EXCEEDS_CAPTURED' }] });
  await shop.provider.start();
  await shop.sweep();
  expect(await shop.payment(id)).toMatchObject({ status: 'PARTIALLY_REFUNDED', refundedMinor: 4000n });
});

it('books a refund once when several processes send it at the same time', async () => {
  const { id } = await paid();
  await shop.provider.stop();
  const { refund: granted } = await refund(id, '10.00');
  await shop.provider.start();
  const work = { providers: shop.providers, log: shop.log };
  await Promise.all(Array.from({ length: 8 }, () => sendRefund(shop.db, work, granted.id)));
  expect(await shop.payment(id)).toMatchObject({ refundedMinor: 1000n, refundPendingMinor: 0n });
});

it('keeps the fiftieth refund for everything that is left', async () => {
  const { id } = await paid();
  for (let count = 0; count < 49; count++) await refund(id, '0.10');
  expect((await refund(id, '0.10')).userErrors).toMatchObject([{ code: 'NOT_REFUNDABLE' }]);
  expect(await refund(id, null)).toMatchObject({ payment: { status: 'REFUNDED' }, userErrors: [] });
  expect(await shop.refundsOf(id)).toHaveLength(50);
});

const refusals: [string, string | null, Record<string, unknown>, string, string[]][] = [
  ['nothing', '0.00', {}, 'INVALID', ['input', 'amount', 'amount']],
  [
    'another currency',
    null,
    { amount: { amount: '1.00', currencyCode: 'USD' } },
    'AMOUNT_MISMATCH',
    ['input', 'amount', 'currencyCode'],
  ],
  ['no reason', '1.00', { reason: ' ' }, 'REQUIRED', ['input', 'reason']],
  ['a reason with control characters', '1.00', { reason: 'red \u001B[31m' }, 'INVALID', ['input', 'reason']],
  ['too long a reason', '1.00', { reason: 'x'.repeat(501) }, 'INVALID', ['input', 'reason']],
  ['an unknown payment', '1.00', { paymentId: newId('Payment') }, 'NOT_FOUND', ['input', 'paymentId']],
];
it.each(refusals)('refuses %s, and nothing changes', async (_, amount, more, code, field) => {
  const { id } = await paid();
  expect(await refund(id, amount, more)).toMatchObject({ refund: null, userErrors: [{ code, field }] });
  expect(await shop.refundsOf(id)).toEqual([]);
  expect(await shop.payment(id)).toMatchObject({ refundPendingMinor: 0n, refundedMinor: 0n });
});

it('refuses a payment that took no money', async () => {
  const { id } = await paid('4000000000000002');
  expect((await refund(id, null)).userErrors).toMatchObject([{ code: 'NOT_REFUNDABLE' }]);
});

it('is for staff with payment:write only', async () => {
  const { id, order } = await paid();
  const source = 'mutation ($input: PaymentRefundInput!) { paymentRefund(input: $input) { refund { id } } }';
  const input = { paymentId: id, reason: 'Because.', idempotencyKey: randomUUID() };
  for (const scopes of [[], ['payment:read']]) {
    const { data, errors } = await shop.ask(order.userId, source, { input }, scopes);
    expect([data, errors[0]?.extensions['code']]).toEqual([{ paymentRefund: null }, 'FORBIDDEN']);
  }
  expect(await shop.refundsOf(id)).toEqual([]);
});

it('shows a refund as an entity to who may see its payment', async () => {
  const { id, order } = await paid();
  const granted = await refund(id, '1.00');
  const source =
    'query ($ref: [_Any!]!) { _entities(representations: $ref) { ... on Refund { id amount { amount } } } }';
  const ref = [{ __typename: 'Refund', id: granted.refund.id }];
  expect((await shop.ask(order.userId, source, { ref })).data._entities).toMatchObject([
    { amount: { amount: '1.00' } },
  ]);
  expect((await shop.ask(newId('User'), source, { ref })).data._entities).toEqual([null]);
});

it('leaves books that agree with the provider’s own log', async () => {
  expect(await disagreements(shop)).toEqual([]);
});

it('gives the money back to the payment when the provider refuses for good', async () => {
  const { id } = await paid();
  // The provider has sent this much already, which the shop does not know.
  await shop.provider.charges()?.refund({ paymentId: id, refundId: 'elsewhere', amountMinor: 4000n });
  expect(await refund(id, '20.00')).toMatchObject({ refund: { status: 'FAILED' }, payment: { status: 'CAPTURED' } });
  expect(await shop.payment(id)).toMatchObject({ refundedMinor: 0n, refundPendingMinor: 0n });
});
