import { inject } from 'vitest';
import { address } from '../../shopping.ts';
import { type Attack, attack } from '../attack.ts';
import { ask } from '../request.ts';
import type { Scene } from '../scene.ts';
import { attempted, key, newWish, order, place, refusedAs, untouched, wrongField } from './wish.ts';

/** What is not theirs, or not for sale, and what was said before. */

const { gatewayUrl } = inject('shop');

export const belongings: Attack[] = [
  attack({
    tries: 'to have an order sent to the address of somebody else',
    given: newWish,
    request: ({ victim }, { customer, variantId }) =>
      place(customer, {
        lines: [{ variantId, quantity: 1 }],
        shippingAddress: undefined,
        shippingAddressId: victim.addressId,
      }),
    answer: refusedAs('NOT_FOUND'),
    effect: untouched,
  }),
  attack({
    tries: 'to order the cart of somebody else',
    request: ({ stranger, victim }) => place(stranger, { cartId: victim.cartId }),
    answer: refusedAs('NOT_FOUND'),
  }),
  attack({
    tries: 'to claim the cart of somebody else',
    request: ({ stranger, victim }) =>
      ask(stranger, `mutation { cartClaim(cartId: "${victim.cartId}") { userErrors { code } } }`),
    answer: refusedAs('NOT_FOUND'),
  }),
  attack({
    tries: 'to order a product that was taken out of the shop',
    async given(scene: Scene) {
      const wish = await newWish(scene);
      await ask(scene.admin, `mutation { productDelete(id: "${wish.productId}") { userErrors { code } } }`);
      return wish;
    },
    request: (_scene, wish) => order(wish, 1),
    answer: refusedAs('VARIANT_UNAVAILABLE'),
    writes: attempted,
  }),
  attack({
    tries: 'to order what is no variant',
    given: newWish,
    request: (_scene, { customer, productId }) => place(customer, { lines: [{ variantId: productId, quantity: 1 }] }),
    answer: wrongField,
  }),
  attack({
    tries: 'to order something else with the key of an earlier order',
    async given(scene: Scene) {
      const wish = await newWish(scene);
      const idempotencyKey = key();
      await order(wish, 1, { idempotencyKey });
      return { ...wish, idempotencyKey };
    },
    request: (_scene, { idempotencyKey, ...wish }) => order(wish, 2, { idempotencyKey }),
    answer: refusedAs('IDEMPOTENCY_KEY_REUSED'),
  }),
  attack({
    tries: 'to use a key of 129 characters',
    given: newWish,
    request: (_scene, wish) => order(wish, 1, { idempotencyKey: 'k'.repeat(129) }),
    answer: refusedAs('INVALID'),
    effect: untouched,
  }),
  attack({
    tries: 'to write a note of 501 characters',
    given: newWish,
    request: (_scene, wish) => order(wish, 1, { note: 'x'.repeat(501) }),
    answer: refusedAs('INVALID'),
    effect: untouched,
  }),
  ...(
    [
      ['a note with an escape sequence', { note: 'red \u001B[31m' }],
      ['a note that turns the direction of the text after it', { note: 'Ann \u202Egnp.exe' }],
      ['a recipient of two lines', { shippingAddress: { ...address, recipient: 'Ann\nBob' } }],
    ] as const
  ).map(([what, more]) =>
    attack({
      tries: `to order with ${what}`,
      given: newWish,
      request: (_scene, wish) => order(wish, 1, more),
      answer: refusedAs('INVALID'),
      effect: untouched,
    }),
  ),
  attack({
    tries: 'to order with a note of two lines, which is fine',
    given: newWish,
    request: (_scene, wish) => order(wish, 1, { note: 'Ring twice.\r\nThen wait.' }),
    answer: { status: 200, data: { orderPlace: { order: { total: { amount: '10.90' } } } } },
    writes: 'anything',
  }),
  attack({
    tries: 'to keep a zero character in the note of a cart',
    request: () =>
      ask(
        { url: gatewayUrl },
        'mutation ($note: String) { cartCreate(input: { currencyCode: "EUR", note: $note }) { userErrors { code } } }',
        { note: 'a\u0000b' },
      ),
    answer: refusedAs('INVALID'),
  }),
];
