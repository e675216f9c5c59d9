import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { quantile } from '@souk/dev/quantile';
import { Pool } from 'undici';
import { newCustomer, type Person } from '../../client.ts';
import { setDoorLimits } from '../../door-limits.ts';
import { openSource } from '../../invariants/source.ts';
import { address, createProduct, pay } from '../../shopping.ts';
import { atOnce } from '../at-once.ts';
import type { Rig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

const WAVE = 10_000;
const BUYERS_PER_UNIT = 100;
const IN_FLIGHT = 256;
const TARGET_P99_MS = 2_000;
const RETRY_AFTER_MS = 100;

/** A hundred times as many buyers as there are units come through the door at once. Every unit is sold, none twice, and everybody gets an answer. */
export const stampede: Scenario = {
  fault: `Runs of 10,000 buyers for 100 units, ${IN_FLIGHT} requests in flight`,
  mustHold: 'exactly 100 sold in every run, no 5xx, no lost answer, p99 ≤ 2 s',
  // Buyers in all, 10,000 to a run.
  rounds: { small: 1_000, full: 20 * WAVE },

  async run(rig, { rounds }) {
    // It is about stock; that a gateway refuses what is too much for it is another scenario's.
    await setDoorLimits(rig.admin, { instance: letEverybodyIn });
    const runs: Rush[] = [];
    for (let left = rounds; left > 0; left -= WAVE) runs.push(await rush(rig, Math.min(left, WAVE)));

    await setDoorLimits(rig.admin, { instance: null });

    const units = runs.reduce((sum, run) => sum + run.units, 0);
    const buyers = runs.reduce((sum, run) => sum + run.latenciesMs.length, 0);
    const p99Ms = Math.max(...runs.map(({ latenciesMs }) => quantile(latenciesMs, 0.99)));
    const asked = runs.reduce((sum, run) => sum + run.asked, 0);
    const perSecond = buyers / (runs.reduce((sum, run) => sum + run.tookMs, 0) / 1_000);
    return {
      figures: [
        `exactly ${units} of ${units} units sold to ${buyers} buyers in ${runs.length} run(s)`,
        `${buyers} of ${buyers} answered, no 5xx`,
        `p99 of the slowest run ${Math.round(p99Ms)} ms`,
        `${Math.round(perSecond)} requests/s`,
      ],
      missed: [
        ...(p99Ms > TARGET_P99_MS ? [`p99 ${Math.round(p99Ms)} ms > 2 s: ${SHARED}`] : []),
        ...(asked > buyers ? [`${asked - buyers} answers asked to try again with the same key: ${SHARED}`] : []),
      ],
    };
  },
};

const letEverybodyIn = { minimumInFlight: 2 * IN_FLIGHT, maximumInFlight: 1_000, delayMs: 10_000, reservedPercent: 0 };

const SHARED = 'buyers, shop and stores share the same cores';

interface Rush {
  units: number;
  /** How often the buyers asked, all together. */
  asked: number;
  latenciesMs: number[];
  tookMs: number;
}

/** One run: all buyers want one piece of the same variant, and whoever gets it pays. */
async function rush(rig: Rig, buyers: number): Promise<Rush> {
  const units = buyers / BUYERS_PER_UNIT;
  // Accounts are dear to make, and what is sold does not depend on whose they are.
  const accounts = await Promise.all(Array.from({ length: 4 }, () => newCustomer(rig.shop.gatewayUrl)));
  const { variantIds } = await createProduct(rig.admin, [units]);
  const variantId = variantIds[0] as string;
  rig.demand.set(variantId, buyers);
  const keysBefore = await keptKeys(rig);
  const pool = new Pool(new URL(rig.shop.gatewayUrl).origin, { connections: IN_FLIGHT });
  const latenciesMs: number[] = [];
  let asked = 0;
  const startedAt = performance.now();
  const answers = await atOnce(IN_FLIGHT, buyers, async (buyer) => {
    const account = accounts[buyer % accounts.length] as Person;
    const idempotencyKey = randomUUID();
    const cameAt = performance.now();
    let answer: string | null | 'again';
    do {
      asked++;
      answer = await buyOne(pool, account, { variantId, idempotencyKey });
      if (answer === 'again') await delay(RETRY_AFTER_MS);
    } while (answer === 'again');
    latenciesMs.push(performance.now() - cameAt);
    return answer === null ? null : { account, id: answer };
  });
  const tookMs = performance.now() - startedAt;
  await pool.close();

  const sold = answers.filter((order) => order !== null);
  if (sold.length !== units) throw new Error(`Expected exactly ${units} orders, got ${sold.length}.`);
  const kept = (await keptKeys(rig)) - keysBefore;
  if (kept !== units) throw new Error(`Expected the keys of ${units} orders to be kept and no other, got ${kept}.`);
  await atOnce(16, sold.length, async (index) => {
    const { account, id } = sold[index] as (typeof sold)[number];
    const { payment, userErrors } = await pay(account, id);
    if (payment?.status !== 'CAPTURED') throw new Error(`Expected to pay, got ${JSON.stringify(userErrors)}.`);
  });
  return { units, asked, latenciesMs, tookMs };
}

const OrderOne = `mutation OrderOne($input: OrderPlaceInput!) { orderPlace(input: $input) { order { id } userErrors { code } } }`;

/** The id of the order, null when there was nothing left, or that the same should be asked again. @throws for any other answer */
async function buyOne(
  pool: Pool,
  { accessToken }: Person,
  { variantId, idempotencyKey }: { variantId: string; idempotencyKey: string },
): Promise<string | null | 'again'> {
  const input = { idempotencyKey, lines: [{ variantId, quantity: 1 }], shippingAddress: address };
  const { statusCode, body } = await pool.request({
    method: 'POST',
    path: '/graphql',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${accessToken}` },
    body: JSON.stringify({ query: OrderOne, variables: { input } }),
  });
  const text = await body.text();
  const [, id] = /"order":\{"id":"(\w+)"\}/.exec(text) ?? [];
  if (statusCode === 200 && id) return id;
  if (statusCode === 200 && text.includes('"order":null,"userErrors":[{"code":"INSUFFICIENT_STOCK"}]')) return null;
  if (statusCode === 200 && text.includes('"retryable":true')) return 'again';
  throw new Error(`Expected an order or that there is no stock, got ${statusCode} ${text}`);
}

/** A refusal changes nothing, so its key must not stay. */
async function keptKeys(rig: Rig): Promise<number> {
  const orders = await openSource(rig.databaseUrls.order);
  const [row] = await orders.rows<{ count: string }>(
    "SELECT COUNT(*) AS count FROM idempotency_keys WHERE operation = 'orderPlace'",
  );
  await orders.close();
  return Number(row?.count);
}
