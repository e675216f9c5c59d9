import { expect } from 'vitest';
import type { Person } from '../../client.ts';
import { orderState, refund } from '../../shopping.ts';
import { type Attack, attack } from '../attack.ts';
import type { Reply } from '../reply.ts';
import { ask } from '../request.ts';
import type { Scene } from '../scene.ts';
import { euros, key, paid, refusedAs, reported, wrongField } from './wish.ts';

/** What is sent back. */

const giveBack = ({ admin, paymentId }: { admin: Person; paymentId: string }, amount?: object) =>
  ask(
    admin,
    'mutation ($input: PaymentRefundInput!) { paymentRefund(input: $input) { refund { id } userErrors { code } } }',
    {
      input: { paymentId, reason: 'X', idempotencyKey: key(), ...(amount ? { amount } : {}) },
    },
  );
const refundedOf = async ({ customer, orderId }: { customer: Person; orderId: string }) =>
  (await orderState(customer, orderId)).payments?.[0]?.refundedAmount.amount;

export const refunds: Attack[] = [
  ...[
    ['a cent more than was paid', euros('10.91'), refusedAs('REFUND_EXCEEDS_CAPTURED')],
    ['nothing', euros('0.00'), refusedAs('INVALID')],
    ['less than nothing', euros('-5.00'), wrongField],
    ['another currency', { amount: '5.00', currencyCode: 'USD' }, refusedAs('AMOUNT_MISMATCH')],
  ].map(([what, amount, answer]) =>
    attack({
      tries: `as staff to send back ${what}`,
      given: paid,
      request: (_scene: Scene, bought: Awaited<ReturnType<typeof paid>>) => giveBack(bought, amount as object),
      answer: answer as Attack['answer'],
      effect: async (_scene, bought) => expect(await refundedOf(bought)).toBe('0.00'),
    }),
  ),
  attack({
    tries: 'as staff to send back the rest and one cent',
    async given(scene: Scene) {
      const bought = await paid(scene);
      await refund(bought.admin, bought.paymentId, '10.00');
      return bought;
    },
    request: (_scene, bought) => giveBack(bought, euros('0.91')),
    answer: refusedAs('REFUND_EXCEEDS_CAPTURED'),
    writes: reported,
    effect: async (_scene, bought) => expect(await refundedOf(bought)).toBe('10.00'),
  }),
  attack({
    tries: 'as staff to send everything back ten times at once',
    given: paid,
    async request(_scene, bought) {
      const replies = await Promise.all(Array.from({ length: 10 }, () => giveBack(bought)));
      expect(replies.filter(({ text }) => text.includes('"refund":{'))).toHaveLength(1);
      return replies.find(({ text }) => text.includes('"refund":null')) as Reply;
    },
    answer: { status: 200, userErrors: [expect.stringMatching(/^(REFUND_EXCEEDS_CAPTURED|NOT_REFUNDABLE)$/)] as never },
    writes: 'anything',
    effect: async (_scene, bought) => expect(await refundedOf(bought)).toBe('10.90'),
  }),
];
