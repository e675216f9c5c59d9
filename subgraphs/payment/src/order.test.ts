import { randomUUID } from 'node:crypto';
import { newId } from '@souk/platform/id';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTestService, type TestOrder, type TestService } from '../test-service.ts';
import { amountDueOf, paymentStatusOf } from './order.ts';
import type { PaymentRow } from './tables.ts';

let shop: TestService;
const userId = newId('User');
const orders: TestOrder[] = [];
beforeAll(async () => {
  shop = await openTestService();
  // Reports would be acted upon in the background, among the statements counted below.
  shop.provider.reports(false);
  for (let index = 0; index < 6; index++) {
    const order = shop.placeOrder({ userId });
    orders.push(order);
    // Half of them unpaid; each paid one after a declined attempt.
    if (index % 2 === 0) for (const number of ['4000000000000002', '4242424242424242']) await pay(order, number);
  }
});
afterAll(() => shop.close());

async function pay(order: TestOrder, number: string) {
  const testCard = { number, expiryMonth: 1, expiryYear: new Date().getFullYear() + 1, securityCode: '123' };
  const input = { orderId: order.id, provider: 'TEST_CARD', testCard, idempotencyKey: randomUUID() };
  await shop.ask(
    order.userId,
    'mutation ($input: PaymentStartInput!) { paymentStart(input: $input) { userErrors { code } } }',
    { input },
  );
}

const ORDERS = `query ($orders: [_Any!]!) {
  _entities(representations: $orders) {
    ... on Order { payments { id status refunds { id } } paymentStatus amountDue { amount currencyCode } }
  }
}`;
const representations = (some: TestOrder[]) =>
  some.map(({ id, total }) => ({ __typename: 'Order', id, total: { __typename: 'Money', ...total } }));

it('tells of each order what was tried, how far it is paid and what is due', async () => {
  const { data } = await shop.ask(userId, ORDERS, { orders: representations(orders) });
  expect(data._entities[0]).toMatchObject({
    payments: [{ status: 'CAPTURED' }, { status: 'FAILED' }],
    paymentStatus: 'PAID',
    amountDue: { amount: '0.00', currencyCode: 'EUR' },
  });
  expect(data._entities[1]).toEqual({
    payments: [],
    paymentStatus: 'UNPAID',
    amountDue: { amount: '49.90', currencyCode: 'EUR' },
  });
});

it('asks the database as often for six orders as for two', async () => {
  const count = async (some: TestOrder[]) => {
    const before = await shop.statementCount();
    await shop.ask(userId, ORDERS, { orders: representations(some) });
    return (await shop.statementCount()) - before;
  };
  const forTwo = await count(orders.slice(0, 2));
  expect([forTwo, await count(orders)]).toEqual([2, 2]);
});

it('tells nobody else, but staff who may read payments', async () => {
  const [paid] = representations(orders);
  const hidden = { payments: null, paymentStatus: null, amountDue: null };
  const never = { ...paid, id: newId('Order') };
  const [shown, nothing] = (await shop.ask(newId('User'), ORDERS, { orders: [paid, never] })).data._entities;
  expect(shown).toEqual(nothing);
  expect(shown).toMatchObject({ payments: [] });
  expect((await shop.ask(null, ORDERS, { orders: [paid] })).data._entities).toEqual([hidden]);
  const ordersOnly = await shop.ask(newId('User'), ORDERS, { orders: [paid] }, ['order:read']);
  expect(ordersOnly.data._entities).toEqual([hidden]);
  const staff = await shop.ask(newId('User'), ORDERS, { orders: [paid] }, ['payment:read']);
  expect(staff.data._entities).toMatchObject([{ paymentStatus: 'PAID' }]);
});

it('knows the number of the order by the payment itself', async () => {
  const [paid] = orders;
  const { data } = await shop.ask(userId, ORDERS, { orders: representations(paid ? [paid] : []) });
  const source = 'query ($id: ID!) { payment(id: $id) { order { id number } } }';
  const answer = await shop.ask(userId, source, { id: data._entities[0].payments[0].id });
  expect(answer.data.payment.order).toEqual({ id: paid?.id, number: paid?.number });
});

it('lists the payments of all customers to staff, by page and by status', async () => {
  const source = `query ($first: Int, $after: String, $status: [PaymentStatus!]) {
    payments(first: $first, after: $after, status: $status) { nodes { id status } pageInfo { endCursor hasNextPage } totalCount { count } }
  }`;
  const list = async (variables: Record<string, unknown>) =>
    (await shop.ask(newId('User'), source, variables, ['payment:read'])).data.payments;
  const first = await list({ first: 4 });
  const rest = await list({ first: 4, after: first.pageInfo.endCursor });
  expect([first.totalCount.count, first.pageInfo.hasNextPage, rest.pageInfo.hasNextPage]).toEqual([6, true, false]);
  const ids = [...first.nodes, ...rest.nodes].map((node: { id: string }) => node.id);
  expect(ids).toEqual([...ids].sort().reverse());
  const failed = await list({ status: ['FAILED'] });
  expect(failed.nodes.map((node: { status: string }) => node.status)).toEqual(['FAILED', 'FAILED', 'FAILED']);
  const refused = await shop.ask(userId, source, {});
  expect(refused.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
});

it('names the ways to pay to anybody', async () => {
  const { data } = await shop.ask(null, '{ paymentMethods(currencyCode: "EUR") { provider label isTestMode } }');
  expect(data.paymentMethods).toEqual([{ provider: 'TEST_CARD', label: 'Test card', isTestMode: true }]);
});

const payment = (facts: Partial<PaymentRow>) =>
  ({
    amountMinor: 100n,
    capturedMinor: 0n,
    refundedMinor: 0n,
    liveOrderId: null,
    currencyCode: 'EUR',
    ...facts,
  }) as PaymentRow;
const live = 'ordr_01kaj3y3bte0sbchr0rz6pgy2f';

it.each([
  ['UNPAID', 100n, [payment({ status: 'FAILED' })]],
  ['UNPAID', 100n, [payment({ status: 'PROCESSING', liveOrderId: live })]],
  ['PAID', 0n, [payment({ capturedMinor: 100n, liveOrderId: live })]],
  ['PARTIALLY_REFUNDED', 0n, [payment({ capturedMinor: 100n, refundedMinor: 40n, liveOrderId: live })]],
  ['REFUNDED', 0n, [payment({ capturedMinor: 100n, refundedMinor: 100n, liveOrderId: live })]],
  // Money that came too late and went back says nothing about the payment that was kept.
  [
    'PAID',
    0n,
    [payment({ capturedMinor: 100n, refundedMinor: 100n }), payment({ capturedMinor: 100n, liveOrderId: live })],
  ],
  ['REFUNDED', 100n, [payment({ capturedMinor: 100n, refundedMinor: 100n })]],
] as const)('is %s with %s due', (status, due, payments) => {
  expect(paymentStatusOf(payments)).toBe(status);
  expect(amountDueOf({ amountMinor: 100n, currencyCode: 'EUR' }, payments).amountMinor).toBe(due);
});
