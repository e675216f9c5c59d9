import { randomUUID } from 'node:crypto';
import { type Client, patiently } from '../client.ts';
import { pay, placeOrder } from '../shopping.ts';

/**
 * What customers do who press the button again when they do not know what came of it: with the key of the first time, so that it is one wish however often
 * it is sent, or for what can be done once only, such as calling an order off.
 */

/** An order of one piece that must succeed. */
export async function orderOne(customer: Client, variantId: string) {
  const wish = { lines: [{ variantId, quantity: 1 }], idempotencyKey: randomUUID() };
  const { order, userErrors } = await patiently(() => placeOrder(customer, wish));
  if (!order) throw new Error(`Expected an order, got ${JSON.stringify(userErrors)}.`);
  return order;
}

export function payOnce(customer: Client, orderId: string, card?: string, idempotencyKey: string = randomUUID()) {
  return patiently(() => pay(customer, orderId, card, idempotencyKey));
}
