import { inject } from 'vitest';
import { type Attack, attack } from '../attack.ts';
import { ask } from '../request.ts';
import { attempted, newWish, order, place, refusedAs, untouched, wrongInput } from './wish.ts';

/** How much somebody orders. */

const { gatewayUrl } = inject('shop');

export const quantities: Attack[] = [
  ...[
    ['none', 0, refusedAs('INVALID')],
    ['less than none', -1, refusedAs('INVALID')],
    ['the least an Int holds', -(2 ** 31), refusedAs('INVALID')],
    ['a thousand, one more than anybody may', 1_000, refusedAs('QUANTITY_TOO_LARGE')],
    ['one more than is left', 6, refusedAs('INSUFFICIENT_STOCK')],
    ['half a piece', 1.5, wrongInput],
    ['more than an Int holds', 2 ** 31, wrongInput],
    ['a text', '5', wrongInput],
  ].map(([what, quantity, answer]) =>
    attack({
      tries: `to order ${what}`,
      given: newWish,
      request: (_scene, wish) => order(wish, quantity),
      answer: answer as Attack['answer'],
      writes: quantity === 6 ? attempted : [],
      effect: untouched,
    }),
  ),
  attack({
    tries: 'to order all that is left',
    given: newWish,
    request: (_scene, wish) => order(wish, 5),
    answer: { status: 200, data: { orderPlace: { order: { total: { amount: '54.50' } } } } },
    writes: 'anything',
  }),
  attack({
    tries: 'to order one, and take one off in another line',
    given: newWish,
    request: (_scene, { customer, variantId }) =>
      place(customer, {
        lines: [
          { variantId, quantity: 6 },
          { variantId, quantity: -1 },
        ],
      }),
    answer: refusedAs('INVALID'),
    effect: untouched,
  }),
  attack({
    tries: 'to order more than is left in two lines of the same',
    given: newWish,
    request: (_scene, { customer, variantId }) =>
      place(customer, {
        lines: [
          { variantId, quantity: 3 },
          { variantId, quantity: 3 },
        ],
      }),
    answer: refusedAs('INSUFFICIENT_STOCK'),
    writes: attempted,
    effect: untouched,
  }),
  attack({
    tries: 'to order a hundred and one lines',
    given: newWish,
    request: (_scene, { customer, variantId }) =>
      place(customer, { lines: Array(101).fill({ variantId, quantity: 1 }) }),
    answer: refusedAs('ORDER_TOO_LARGE'),
    effect: untouched,
  }),
  attack({
    tries: 'to put a negative number into a cart',
    given: newWish,
    request: (_scene, { variantId }) =>
      ask(
        { url: gatewayUrl },
        `mutation { cartCreate(input: { currencyCode: "EUR", lines: [{ variantId: "${variantId}", quantity: -3 }] }) { userErrors { code } } }`,
      ),
    answer: refusedAs('INVALID'),
  }),
  attack({
    tries: 'to put a hundred and one lines into a cart',
    given: newWish,
    request: (_scene, { variantId }) =>
      ask(
        { url: gatewayUrl },
        'mutation ($lines: [CartLineAddInput!]) { cartCreate(input: { currencyCode: "EUR", lines: $lines }) { userErrors { code } } }',
        {
          lines: Array(101).fill({ variantId, quantity: 1 }),
        },
      ),
    answer: refusedAs('INVALID'),
  }),
];
