import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '../client.ts';
import { pay, placeOrder } from '../shopping.ts';

/** What customers do who press the button again when the shop asks them to: always with the key of the first time, so it is one wish however often it is sent. */

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

const PAUSE_MS = 200;
const PATIENCE_MS = 60_000;

/** Asks again while the answer is that it may be asked again. */
export async function patiently<Answer>(question: () => Promise<Answer>): Promise<Answer> {
  for (const giveUpAt = Date.now() + PATIENCE_MS; ; await delay(PAUSE_MS)) {
    try {
      return await question();
    } catch (error) {
      if (!mayAskAgain(error) || Date.now() > giveUpAt) throw error;
    }
  }
}

/** The shop says so, or there was nobody to say anything. */
function mayAskAgain(error: unknown): boolean {
  return error instanceof Error && (error.message.includes('"retryable":true') || error.message === 'fetch failed');
}
