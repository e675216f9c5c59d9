import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '../client.ts';
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

const PAUSE_MS = 200;
const PATIENCE_MS = 60_000;

/** Asks again until there is an answer. */
export async function patiently<Answer>(question: () => Promise<Answer>): Promise<Answer> {
  for (const giveUpAt = Date.now() + PATIENCE_MS; ; await delay(PAUSE_MS)) {
    try {
      return await question();
    } catch (error) {
      if (!isUnknown(error) || Date.now() > giveUpAt) throw error;
    }
  }
}

/** The shop did nothing, does not know what it did, or does not answer at all. */
function isUnknown(error: unknown): boolean {
  return error instanceof Error && /"retryable":true|"code":"SUBGRAPH_TIMEOUT"|^fetch failed$/.test(error.message);
}
