import { type Attack, attack } from '../attack.ts';
import { ask } from '../request.ts';
import type { Scene } from '../scene.ts';
import { key, paid, refusedAs, unpaid } from './wish.ts';

/** What becomes of orders and stock by hand. */

export const changes: Attack[] = [
  attack({
    tries: 'to say that an order has arrived which was not sent',
    given: paid,
    request: (_scene, { customer, orderId }) =>
      ask(customer, `mutation { orderReceiptConfirm(orderId: "${orderId}") { userErrors { code } } }`),
    answer: refusedAs('INVALID_TRANSITION'),
  }),
  ...(['SHIPPED', 'DELIVERED', 'CONFIRMED', 'EXPIRED'] as const).map((to) =>
    attack({
      tries: `as staff to make an unpaid order ${to}`,
      given: unpaid,
      request: ({ admin }: Scene, { orderId }: { orderId: string }) =>
        ask(
          admin,
          `mutation { orderTransition(input: { orderId: "${orderId}", to: ${to}, expectedVersion: 1 }) { userErrors { code } } }`,
        ),
      answer: refusedAs('INVALID_TRANSITION'),
    }),
  ),
  ...[
    ['so much that less is left than was promised', -5, refusedAs('NEGATIVE_STOCK')],
    ['nothing', 0, refusedAs('INVALID')],
    ['a thousand million and one', 1_000_000_001, refusedAs('INVALID')],
  ].map(([what, delta, answer]) =>
    attack({
      tries: `as staff to correct the stock by ${what}`,
      given: unpaid,
      request: ({ admin }: Scene, { variantId }: { variantId: string }) =>
        ask(
          admin,
          `mutation { stockAdjust(input: { variantId: "${variantId}", delta: ${delta}, reason: "X", idempotencyKey: "${key()}" }) { userErrors { code } } }`,
        ),
      answer: answer as Attack['answer'],
    }),
  ),
];
