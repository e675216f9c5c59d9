import { randomUUID } from 'node:crypto';
import { expect, inject } from 'vitest';
import { newCustomer, type Person } from '../../client.ts';
import { address, createProduct, pay, placedOrder, stockOf } from '../../shopping.ts';
import { ask } from '../request.ts';
import type { Scene } from '../scene.ts';

/** What somebody wishes, has ordered or has paid, for whoever wants more than they pay for, or what is not theirs. */

const { gatewayUrl } = inject('shop');
export const key = () => randomUUID();
export const refusedAs = (...userErrors: string[]) => ({ status: 200, userErrors });
export const wrongInput = { status: 400, code: 'BAD_USER_INPUT' };
export const wrongField = { status: 200, code: 'BAD_USER_INPUT' };

/** A customer, and something of which five are left, for 10.90 each. */
export async function newWish({ admin }: Scene, stock = 5) {
  const { variantIds, id: productId, version } = await createProduct(admin, [stock]);
  const variantId = variantIds[0] ?? '';
  return { customer: await newCustomer(gatewayUrl), variantId, productId, version, admin };
}
export type Wish = Awaited<ReturnType<typeof newWish>>;

export const place = (customer: Person, input: object) =>
  ask(
    customer,
    'mutation ($input: OrderPlaceInput!) { orderPlace(input: $input) { order { id total { amount } } userErrors { code } } }',
    {
      input: { idempotencyKey: key(), shippingAddress: address, ...input },
    },
  );
export const order = ({ customer, variantId }: Wish, quantity: unknown, more: object = {}) =>
  place(customer, { lines: [{ variantId, quantity }], ...more });
export const euros = (amount: string) => ({ amount, currencyCode: 'EUR' });
/** An attempt to place an order stays on record. */
export const attempted = ['checkouts'];
/** What the prices are is known once the stock is held, and then it is released again. */
export const heldAndReleased = [
  ...attempted,
  ...[
    'stock_reservations',
    'stock_reservation_lines',
    'stock_movements',
    'stock_levels',
    'outbox',
    'inbox',
    'variant_facts',
  ],
];
/** The provider reports what it was asked for a moment ago. */
export const reported = ['provider_events'];
export const untouched = async (_scene: Scene, { admin, variantId }: Wish) =>
  expect(await stockOf(admin, variantId)).toMatchObject({ onHand: 5, reserved: 0 });

export async function unpaid(scene: Scene) {
  const wish = await newWish(scene);
  const { id: orderId } = await placedOrder(wish.customer, [{ variantId: wish.variantId, quantity: 1 }]);
  return { ...wish, orderId };
}
export async function paid(scene: Scene) {
  const bought = await unpaid(scene);
  const { payment } = await pay(bought.customer, bought.orderId);
  return { ...bought, paymentId: payment?.id ?? '' };
}
