import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { killAllChildren, removeFolderAfterwards } from '@souk/dev/child';
import { quantile } from '@souk/dev/quantile';
import { randomFor } from '@souk/dev/seed/random';
import { seedShop } from '@souk/dev/seed-shop';
import { type Shop, startShop } from '@souk/dev/shop';
import { newCustomer, send, staff } from '../../tests/client.ts';
import { liftLimits } from '../../tests/door-limits.ts';
import { createProduct } from '../../tests/shopping.ts';
import { isBusy, loadInWords } from '../machine.ts';
import { type Journey, journeys, type Shopper, WentWrong } from './journeys.ts';
import { type Measured, tableOf, writeReport } from './report.ts';
import { usageOfShop, workOfShop } from './usage.ts';

/**
 * `npm run bench:shop`: what a whole shop on this machine does for its customers, and what each of them costs.
 */
const usage = `npm run bench:shop [-- options]

  --journeys <name>,…  ${journeys.map(({ name }) => name).join(', ')}; all if not told
  --products <n>       how large the shop is; 2000 if not told
  --rounds <n>         3 if not told; the table tells medians
  --seconds <n>        of each journey in a round; 10 if not told
  --customers <n>      at a time, each waiting for its answer; 16 if not told
  --write              writes the table into bench/results although others use the machine
`;

const { values } = parseArgs({
  options: {
    journeys: { type: 'string', default: journeys.map(({ name }) => name).join() },
    products: { type: 'string', default: '2000' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '10' },
    customers: { type: 'string', default: '16' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

process.once('SIGINT', () => {
  killAllChildren();
  process.exit(130);
});
if (values.help) process.stdout.write(usage);
else await bench();

async function bench(): Promise<void> {
  const before = loadInWords();
  const mayWrite = values.write || !isBusy();
  const folder = mkdtempSync(join(tmpdir(), 'souk-bench-'));
  removeFolderAfterwards(folder);
  const shop = await startShop({
    folder,
    // As a shop would run, whatever that costs.
    durability: 'kept',
    seed: (target) => seedShop(target, { products: Number(values.products) }),
  });
  try {
    const shoppers = await prepareShoppers(shop, Number(values.customers));
    const wanted = journeys.filter(({ name }) => values.journeys.split(',').includes(name));
    for (const journey of wanted) await walk(shop, journey, shoppers, 2_000);
    const measured: Measured[] = [];
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const journey of wanted) {
        const one = await walk(shop, journey, shoppers, Number(values.seconds) * 1_000);
        measured.push(one);
        const failed = one.firstFailure ? `, ${one.failures} FAILED, the first of them: ${one.firstFailure}` : '';
        process.stdout.write(`round ${round + 1}, ${journey.name}: ${one.perSecond.toFixed(1)}/s${failed}\n`);
      }
    }
    const { products, rounds, seconds, customers } = values;
    process.stdout.write(`\n${tableOf(measured)}\n`);
    if (mayWrite)
      process.stdout.write(
        `written to ${writeReport(measured, wanted, { before, products, rounds, seconds, customers })}\n`,
      );
    else
      process.stdout.write(
        `Not written: others use this machine (${before}). Wait until it is quiet, or say --write.\n`,
      );
  } finally {
    await shop.stop();
  }
}

/** Customers who have signed in, and goods that do not run out. */
async function prepareShoppers(shop: Shop, count: number): Promise<Shopper[]> {
  const manager = await staff(shop.adminUrl, 'ADMIN');
  await liftLimits(manager);
  const products = await Promise.all(Array.from({ length: 10 }, () => createProduct(manager, [1_000_000, 1_000_000])));
  const guest = { url: shop.gatewayUrl };
  const { data } = await send<{ products: { nodes: { slug: string }[] } }, object>(
    guest,
    '{ products(first: 100) { nodes { slug } } }',
  );
  const slugs = data?.products.nodes.map(({ slug }) => slug) ?? [];
  const variantIds = products.flatMap((product) => product.variantIds);
  return Promise.all(
    Array.from({ length: count }, async (_, index) => ({
      customer: await newCustomer(shop.gatewayUrl),
      guest,
      random: randomFor(`shopper ${index}`),
      slugs,
      variantIds,
    })),
  );
}

/** All shoppers take the same journey again and again until time is up. */
async function walk(shop: Shop, journey: Journey, shoppers: Shopper[], durationMs: number): Promise<Measured> {
  const [usageBefore, workBefore] = [usageOfShop(shop), await workOfShop(shop)];
  const startedAt = performance.now();
  const durationsMs: number[] = [];
  const failures: string[] = [];
  let operations = 0;
  await Promise.all(
    shoppers.map(async (shopper) => {
      while (performance.now() - startedAt < durationMs) {
        const sentAt = performance.now();
        try {
          const sent = await journey.take(shopper);
          operations += sent;
          durationsMs.push(performance.now() - sentAt);
        } catch (error) {
          if (!(error instanceof WentWrong)) throw error;
          failures.push(error.message);
        }
      }
    }),
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  const [usageAfter, workAfter] = [usageOfShop(shop), await workOfShop(shop)];

  const count = durationsMs.length + failures.length;
  const each = (after: number, earlier: number) => (after - earlier) / count;
  return {
    journey: journey.name,
    perSecond: durationsMs.length / seconds,
    failures: failures.length,
    firstFailure: failures[0],
    operationsPerSecond: operations / seconds,
    p50Ms: quantile(durationsMs, 0.5),
    p99Ms: quantile(durationsMs, 0.99),
    gatewayCpuMs: each(usageAfter.gateway, usageBefore.gateway),
    subgraphsCpuMs: each(usageAfter.subgraphs, usageBefore.subgraphs),
    storesCpuMs: each(usageAfter.stores, usageBefore.stores),
    subgraphRequests: each(workAfter.subgraphRequests, workBefore.subgraphRequests),
    statements: each(workAfter.statements, workBefore.statements),
    backgroundStatements: each(workAfter.backgroundStatements, workBefore.backgroundStatements),
  };
}
