import { expect } from 'vitest';
import type { Person } from '../../client.ts';
import { cancelOrder, cards, orderState } from '../../shopping.ts';
import { type Attack, attack } from '../attack.ts';
import type { Reply } from '../reply.ts';
import { ask } from '../request.ts';
import type { Scene } from '../scene.ts';
import { euros, key, paid, refusedAs, unpaid, wrongInput } from './wish.ts';

/** How an order is paid. */

const start = (customer: Person, orderId: string, card: object = {}, more: object = {}) =>
  ask(
    customer,
    'mutation ($input: PaymentStartInput!) { paymentStart(input: $input) { payment { id status } userErrors { code } } }',
    {
      input: {
        orderId,
        provider: 'TEST_CARD',
        idempotencyKey: key(),
        testCard: { number: cards.approved, expiryMonth: 12, expiryYear: 2032, securityCode: '123', ...card },
        ...more,
      },
    },
  );
const capturedOf = async ({ customer, orderId }: { customer: Person; orderId: string }) =>
  (await orderState(customer, orderId)).payments?.filter(({ status }) => status === 'CAPTURED').length;

export const payments: Attack[] = [
  attack({
    tries: 'to pay an order twice, one time after the other',
    given: paid,
    request: (_scene, { customer, orderId }) => start(customer, orderId),
    answer: { status: 200, userErrors: [expect.stringMatching(/^(ALREADY_PAID|ORDER_NOT_PAYABLE)$/)] as never },
    effect: async (_scene, bought) => expect(await capturedOf(bought)).toBe(1),
  }),
  attack({
    tries: 'to pay an order ten times at once',
    given: unpaid,
    async request(_scene, { customer, orderId }) {
      const replies = await Promise.all(Array.from({ length: 10 }, () => start(customer, orderId)));
      return replies.find(({ text }) => text.includes('"payment":null')) as Reply;
    },
    answer: {
      status: 200,
      userErrors: [expect.stringMatching(/^(PAYMENT_IN_PROGRESS|ALREADY_PAID|ORDER_NOT_PAYABLE)$/)] as never,
    },
    writes: 'anything',
    effect: async (_scene, bought) => expect(await capturedOf(bought)).toBe(1),
  }),
  attack({
    tries: 'to pay an order that was called off',
    async given(scene: Scene) {
      const bought = await unpaid(scene);
      await cancelOrder(bought.customer, bought.orderId);
      return bought;
    },
    request: (_scene, { customer, orderId }) => start(customer, orderId),
    answer: refusedAs('ORDER_NOT_PAYABLE'),
  }),
  attack({
    tries: 'to pay the order of somebody else, to see what it costs',
    given: unpaid,
    request: ({ stranger }, { orderId }) => start(stranger, orderId),
    answer: refusedAs('NOT_FOUND'),
  }),
  attack({
    tries: 'to say how much is paid',
    given: unpaid,
    request: (_scene, { customer, orderId }) => start(customer, orderId, {}, { amount: euros('0.01') }),
    answer: wrongInput,
  }),
  ...[
    ['a number that fails its check digit', { number: '4242424242424241' }],
    ['a number with letters in it', { number: '4242424242424242<script>' }],
    ['a card that has run out', { expiryYear: 2020 }],
    ['a thirteenth month', { expiryMonth: 13 }],
    ['a security code of SQL', { securityCode: "1' OR '1" }],
  ].map(([what, card]) =>
    attack({
      tries: `to pay with ${what}`,
      given: unpaid,
      request: (_scene: Scene, { customer, orderId }: Awaited<ReturnType<typeof unpaid>>) =>
        start(customer, orderId, card as object),
      answer: refusedAs('INVALID'),
      effect: async (_scene, _given, { text }) => expect(text).not.toMatch(/4242|script|OR '1/),
    }),
  ),
  attack({
    tries: 'to pay with another card under the key of an earlier payment',
    async given(scene: Scene) {
      const bought = await unpaid(scene);
      const idempotencyKey = key();
      await start(bought.customer, bought.orderId, { number: cards.declined }, { idempotencyKey });
      return { ...bought, idempotencyKey };
    },
    request: (_scene, { customer, orderId, idempotencyKey }) => start(customer, orderId, {}, { idempotencyKey }),
    answer: refusedAs('IDEMPOTENCY_KEY_REUSED'),
  }),
];
