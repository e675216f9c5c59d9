import { randomUUID } from 'node:crypto';
import { idToBytes } from '@souk/platform/id';
import { newCustomer, type Person } from '../../client.ts';
import { cards, createProduct } from '../../shopping.ts';
import { atOnce } from '../at-once.ts';
import { orderOne, payOnce } from '../patiently.ts';
import { openRows } from '../races/rows.ts';
import type { Rig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

/** Customers who pay at the same time; each waits some seconds for an answer that does not come. */
const IN_FLIGHT = 25;

/** How the shop may learn of a charge whose answer is lost: a report that comes at once, one that comes later, or none at all, so that it has to ask. */
const ways = [cards.approved, '4000000000000077', '4000000000000341'] as const;

/** The provider takes the money, and nobody hears of it. Customers do what they always do: they press the button again. */
export const chargeTimeouts: Scenario = {
  fault: 'The provider charges, and its answer is lost; so are the first look-ups',
  mustHold: 'the ledger equals the provider’s log; whoever asks again is charged once',
  rounds: { small: 25, full: 500 },

  async run(rig, { rounds, random }) {
    const { variantIds } = await createProduct(rig.admin, [2 * rounds]);
    const customers = await Promise.all(Array.from({ length: 4 }, () => newCustomer(rig.shop.gatewayUrl)));
    const plans = Array.from({ length: rounds }, () => ({ customer: random.pick(customers), card: random.pick(ways) }));
    const startedAt = performance.now();
    loseAnswers(rig, Math.ceil(rounds / 10));
    const orderIds = await atOnce(IN_FLIGHT, rounds, async (round) => {
      const { customer, card } = plans[round] as (typeof plans)[number];
      const { id } = await orderOne(customer, variantIds[0] as string);
      await payImpatiently(customer, id, card);
      return id;
    });
    await rig.settle();
    await rig.network.processes['test-card'].heal();
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    await expectOnePaymentEach(rig, orderIds);
    return {
      figures: [
        `${rounds} charges without an answer, ${ways.map((card) => plans.filter((plan) => plan.card === card).length).join(' + ')} with a report at once, a late one and none`,
        `${rounds} orders paid once and confirmed, all after ${seconds} s; ledger and provider agree`,
      ],
      missed: [],
    };
  },
};

/** Also those to the first look-ups, so that the shop has to ask again. */
function loseAnswers({ network }: Rig, lookUps: number): void {
  let left = lookUps;
  network.processes['test-card'].loseReplies(Number.POSITIVE_INFINITY, (bytes) => {
    if (bytes.includes('POST /charges ')) return true;
    return bytes.includes('GET /charges/') && left-- > 0;
  });
}

/** Twice at once with the same key, once more with the same key, and then with another one. */
async function payImpatiently(customer: Person, orderId: string, card: string): Promise<void> {
  const key = randomUUID();
  const twice = await Promise.all([payOnce(customer, orderId, card, key), payOnce(customer, orderId, card, key)]);
  const answers = [...twice, await payOnce(customer, orderId, card, key)];
  const ids = new Set(answers.map(({ payment }) => payment?.id));
  if (ids.size !== 1 || ids.has(undefined))
    throw new Error(`Expected one payment for one key, got ${JSON.stringify(answers)}.`);
  const { payment, userErrors } = await payOnce(customer, orderId);
  const [refusal] = userErrors;
  if (payment || !refusal || !['PAYMENT_IN_PROGRESS', 'ALREADY_PAID'].includes(refusal.code))
    throw new Error(`Expected a second payment to be refused, got ${JSON.stringify({ payment, userErrors })}.`);
}

async function expectOnePaymentEach(rig: Rig, orderIds: readonly string[]): Promise<void> {
  const rows = openRows(rig);
  const [found] = await rows.ask<Record<'payments' | 'orders' | 'kept' | 'confirmed', string>>(
    `SELECT COUNT(*) AS payments, COUNT(DISTINCT p.order_id) AS orders, SUM(p.captured_minor = p.amount_minor AND p.refunded_minor = 0) AS kept,
       SUM(o.status = 'CONFIRMED') AS confirmed
     FROM souk_payment.payments p JOIN souk_order.orders o ON o.id = p.order_id WHERE p.order_id IN (?)`,
    [orderIds.map((id) => idToBytes('Order', id))],
  );
  await rows.close();
  if (Object.values(found ?? {}).some((count) => Number(count) !== orderIds.length))
    throw new Error(`Expected ${orderIds.length} of each, got ${JSON.stringify(found)}.`);
}
