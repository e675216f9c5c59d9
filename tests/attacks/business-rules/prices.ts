import { expect } from 'vitest';
import { type Attack, attack } from '../attack.ts';
import { ask } from '../request.ts';
import type { Scene } from '../scene.ts';
import { euros, heldAndReleased, newWish, order, place, refusedAs, untouched, wrongField, wrongInput } from './wish.ts';

/** What somebody says that it costs. */

export const prices: Attack[] = [
  attack({
    tries: 'to say what a line costs',
    given: newWish,
    request: (_scene, { customer, variantId }) =>
      place(customer, { lines: [{ variantId, quantity: 1, unitPrice: euros('0.01') }] }),
    answer: wrongInput,
    effect: untouched,
  }),
  ...[
    ['less', euros('0.01'), refusedAs('PRICE_CHANGED')],
    ['nothing', euros('0.00'), refusedAs('PRICE_CHANGED')],
    ['the same in another currency', { amount: '10.90', currencyCode: 'JPY' }, wrongField],
    ['the same in dollars', { amount: '10.90', currencyCode: 'USD' }, refusedAs('CURRENCY_MISMATCH')],
    ['less than nothing', euros('-10.90'), wrongField],
    ['a tenth of a cent less', euros('10.899'), wrongField],
    ['a number with an exponent', euros('1e1'), wrongField],
    ['more than can be booked', euros('9'.repeat(30)), wrongField],
  ].map(([what, expectedTotal, answer]) =>
    attack({
      tries: `to order for ${what}`,
      given: newWish,
      request: (_scene, wish) => order(wish, 1, { expectedTotal }),
      answer: answer as Attack['answer'],
      writes: answer === wrongField ? [] : heldAndReleased,
      effect: untouched,
    }),
  ),
  attack({
    tries: 'to order for what it cost a moment ago',
    async given(scene: Scene) {
      const wish = await newWish(scene);
      const update =
        'mutation ($input: ProductUpdateInput!) { productUpdate(input: $input) { userErrors { code message } } }';
      const { data } = await ask(
        scene.admin,
        `{ productVariant(id: "${wish.variantId}") { id sku product { version } } }`,
      );
      const { sku, product } = (data as { productVariant: { sku: string; product: { version: number } } })
        .productVariant;
      const variants = [
        { id: wish.variantId, sku, price: euros('99.00'), selectedOptions: [{ name: 'Size', value: '40' }] },
      ];
      const changed = await ask(scene.admin, update, {
        input: { id: wish.productId, expectedVersion: product.version, variants },
      });
      expect(changed.text).toContain('"userErrors":[]');
      return wish;
    },
    request: (_scene, wish) => order(wish, 1, { expectedTotal: euros('10.90') }),
    answer: refusedAs('PRICE_CHANGED'),
    writes: heldAndReleased,
    effect: untouched,
  }),
];
