import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { removeFolderAfterwards } from '@souk/dev/child';
import { seedShop } from '@souk/dev/seed-shop';
import { type Shop, startShop } from '@souk/dev/shop';
import { type Client, newCustomer, send, staff } from './client.ts';
import { createProduct, placedOrder } from './shopping.ts';

/**
 * `node tests/measure-isolation.ts [rounds] [seconds]`: what a frozen payment service costs those who only look at products. Requests for products and for a page
 * of an order, which shows its payment, come at steady rates, by turns in a shop where all works and in one whose payment service stands still.
 */
const [rounds = 5, seconds = 8] = process.argv.slice(2).map(Number);
const PRODUCTS_PER_SECOND = 40;
const ORDER_PAGES_PER_SECOND = 20;

const ProductList = `{ products(first: 5) { nodes { title brand { name } variants(first: 3) { nodes { sku price { amount } } } } } }`;
const OrderPage = `query ($id: ID!) { order(id: $id) { number status paymentStatus } }`;

const folder = mkdtempSync(join(tmpdir(), 'souk-isolation-'));
removeFolderAfterwards(folder);
const shop = await startShop({
  folder,
  durability: 'disposable',
  seed: (target) => seedShop(target, { products: 120 }),
});
try {
  const customer = await newCustomer(shop.gatewayUrl);
  const { variantIds } = await createProduct(await staff(shop.adminUrl, 'ADMIN'), [1]);
  const { id } = await placedOrder(customer, [{ variantId: variantIds[0] ?? '', quantity: 1 }]);
  const everythingWorks = async () => outcomeOf(await look(customer, OrderPage, { id })) === 'whole';
  await run(customer, id);

  const calm: Measured[] = [];
  const frozen: Measured[] = [];
  const healed: number[] = [];
  for (let round = 0; round < rounds; round++) {
    calm.push(await run(customer, id));
    const before = await paymentRequests(shop);
    process.kill(shop.services.payment.pid, 'SIGSTOP');
    frozen.push(await run(customer, id));
    process.kill(shop.services.payment.pid, 'SIGCONT');
    const backAt = performance.now();
    while (!(await everythingWorks())) await delay(50);
    healed.push(performance.now() - backAt);
    process.stdout.write(
      `round ${round + 1}: requests meant for payment while it stood still ${await change(before)}\n`,
    );
  }
  report('payment works ', calm);
  report('payment frozen', frozen);
  const ratios = frozen.map(({ products }, round) => at(products, 0.99) / at(calm[round]?.products ?? [], 0.99));
  process.stdout.write(
    `p99 of products, frozen to working: ${at(ratios, 0.5).toFixed(2)} in the middle of ${rounds} rounds`,
  );
  process.stdout.write(` (${ratios.map((ratio) => ratio.toFixed(2)).join(', ')})\n`);
  process.stdout.write(`whole order pages again after ${healed.map((ms) => `${Math.round(ms)} ms`).join(', ')}\n`);

  async function change(before: Record<string, number>): Promise<string> {
    const after = await paymentRequests(shop);
    return JSON.stringify(
      Object.fromEntries(Object.keys(after).map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)])),
    );
  }
} finally {
  process.kill(shop.services.payment.pid, 'SIGCONT');
  await shop.stop();
}

interface Measured {
  /** Milliseconds until the answer. */
  products: number[];
  orderPages: number[];
  outcomes: Record<string, number>;
}

interface Looked {
  ms: number;
  answer: Awaited<ReturnType<typeof send>>;
}

/** Requests at steady rates, however long their answers take: somebody who waits for the answer before he asks again would hide that he had to wait. */
async function run(customer: Client, orderId: string): Promise<Measured> {
  const measured: Measured = { products: [], orderPages: [], outcomes: {} };
  const count = (what: string, looked: Looked, times: number[]) => {
    times.push(looked.ms);
    const outcome = `${what} ${outcomeOf(looked)}`;
    measured.outcomes[outcome] = (measured.outcomes[outcome] ?? 0) + 1;
  };
  await Promise.all([
    steadily(PRODUCTS_PER_SECOND, async () =>
      count('products', await look({ url: customer.url }, ProductList), measured.products),
    ),
    steadily(ORDER_PAGES_PER_SECOND, async () =>
      count('order page', await look(customer, OrderPage, { id: orderId }), measured.orderPages),
    ),
  ]);
  return measured;
}

async function steadily(perSecond: number, work: () => Promise<void>): Promise<void> {
  const working: Promise<void>[] = [];
  const from = performance.now();
  for (let count = 0; count < perSecond * seconds; count++) {
    await delay(Math.max(0, from + (count * 1_000) / perSecond - performance.now()));
    working.push(work());
  }
  await Promise.all(working);
}

async function look(client: Client, query: string, variables: Record<string, unknown> = {}): Promise<Looked> {
  const from = performance.now();
  const answer = await send(client, query, variables);
  return { ms: performance.now() - from, answer };
}

function outcomeOf({ answer: { errors } }: Looked): string {
  return errors[0]?.extensions.code ?? 'whole';
}

/** What the gateway counted of its requests to payment, by outcome. */
async function paymentRequests({ metricsUrls }: Shop): Promise<Record<string, number>> {
  const text = await (await fetch(metricsUrls.gateway)).text();
  const lines = text.matchAll(/^souk_subgraph_requests_total\{subgraph="payment",outcome="([\w-]+)"\} (\d+)/gm);
  return Object.fromEntries([...lines].map(([, outcome = '', count]) => [outcome, Number(count)]));
}

function report(name: string, measured: Measured[]): void {
  const products = measured.flatMap((round) => round.products);
  const orderPages = measured.flatMap((round) => round.orderPages);
  const outcomes: Record<string, number> = {};
  for (const round of measured) {
    for (const [outcome, count] of Object.entries(round.outcomes)) outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
  }
  const line = [products, orderPages].map((times) => `p50 ${ms(times, 0.5)}, p99 ${ms(times, 0.99)}`);
  process.stdout.write(`${name}  products ${line[0]}; order pages ${line[1]}; ${JSON.stringify(outcomes)}\n`);
}

function ms(times: number[], share: number): string {
  return `${at(times, share).toFixed(1)} ms`;
}

function at(values: number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
