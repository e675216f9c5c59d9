import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Client, newCustomer, type Person, send, staff } from './client.ts';
import { counted, counter } from './counters.ts';
import { createProduct, placedOrder } from './shopping.ts';
import { type SecondGateway, startSecondGateway } from './two-gateways.ts';

const { gatewayUrl, adminUrl, metricsUrls } = inject('shop');
const guest: Client = { url: gatewayUrl };
let manager: Person;
let second: SecondGateway;

beforeAll(async () => {
  manager = await staff(adminUrl, 'ADMIN');
  second = await startSecondGateway();
});
afterAll(() => second?.child.stop());

const counters = {
  toSubgraphs: () => counter(metricsUrls['gateway'] ?? '', 'souk_subgraph_requests_total'),
  sql: () => counter(metricsUrls['catalog'] ?? '', 'souk_sql_statements_total', 'cause="request"'),
};

async function shown(client: Client, query: string): Promise<unknown> {
  const { data, errors } = await send<Record<string, unknown>, never>(client, query);
  if (errors.length > 0) throw new Error(`Expected data, got ${JSON.stringify(errors)}.`);
  return data;
}

async function change(mutation: string, variables: object): Promise<unknown> {
  const { data, errors } = await send<Record<string, { userErrors: unknown[] }>, object>(manager, mutation, variables);
  const [payload] = Object.values(data ?? {});
  if (errors.length > 0 || payload?.userErrors.length !== 0)
    throw new Error(`Expected the change to be made, got ${JSON.stringify([errors, payload])}.`);
  return payload;
}

const UPDATE = `mutation ($input: ProductUpdateInput!) { productUpdate(input: $input) { product { id version } userErrors { code field message } } }`;
const ADJUST = `mutation ($input: StockAdjustInput!) { stockAdjust(input: $input) { userErrors { code message } } }`;
const BRAND = `mutation ($input: BrandUpsertInput!) { brandUpsert(input: $input) { brand { id } userErrors { code message } } }`;
const CATEGORY = `mutation ($input: CategoryUpsertInput!) { categoryUpsert(input: $input) { category { id } userErrors { code message } } }`;

/** Has a query answered and kept, makes a change, and waits for another gateway to show it. */
async function seenElsewhere(query: string, makeChange: () => Promise<unknown>, expected: object): Promise<void> {
  const other: Client = { url: second.gatewayUrl };
  for (const client of [guest, other]) expect(await shown(client, query)).not.toMatchObject(expected);
  await makeChange();
  // Two seconds are promised; a machine that is kept busy by other tests may take a little longer to ask.
  for (const client of [other, guest])
    await expect.poll(() => shown(client, query), { timeout: 3_000, interval: 100 }).toMatchObject(expected);
}

describe('what guests read twice', () => {
  it('is read once: no subgraph is asked, and no SQL is sent', async () => {
    const { id } = await createProduct(manager, [3]);
    // What is read in the second after a change is not kept for longer than another one.
    await delay(1_100);
    const query = `{ product(id: "${id}") { title brand { name } category { name parent { name } } media(first: 3) { nodes { url } } options { name values }
      priceRange { min { amount } } variants(first: 5) { totalCount { count } nodes { sku price { amount } availability } } } }`;
    const first = await shown(guest, query);
    let again: unknown;
    const { toSubgraphs, sql } = await counted(counters, async () => {
      again = await shown(guest, query);
    });
    expect(again).toEqual(first);
    expect({ toSubgraphs, sql }).toEqual({ toSubgraphs: 0, sql: 0 });
  });

  it.each([
    '{ product(slug: "never-there") { title } }',
    '{ products(first: 3, filter: { isAvailable: true }) { nodes { title } totalCount { count } } }',
    '{ productSearch(query: "shoe", first: 3) { nodes { title } facets { label values { label count } } didYouMean } }',
    '{ productSuggestions(query: "sh") }',
    '{ productVariant(sku: "never-there") { id } }',
    '{ category(slug: "never-there") { name } }',
    '{ categories { name children { name products(first: 2) { nodes { title } } } } }',
    '{ brand(slug: "never-there") { name } }',
    '{ brands { name logo { url } } }',
  ])('is kept, whatever it is: %s', async (query) => {
    const unique = `${query} # ${randomUUID()}`;
    await shown(guest, unique);
    const { toSubgraphs } = await counted({ toSubgraphs: counters.toSubgraphs }, () => shown(guest, unique));
    expect(toSubgraphs).toBe(0);
  });

  it('is read for each of the signed-in', async () => {
    const customer = await newCustomer(gatewayUrl);
    const query = `{ products(first: 1) { nodes { title } } } # ${randomUUID()}`;
    await shown(guest, query);
    const { toSubgraphs } = await counted({ toSubgraphs: counters.toSubgraphs }, () => shown(customer, query));
    expect(toSubgraphs).toBe(1);
  });
});

describe('another gateway shows within two seconds that', () => {
  it('a price was changed', async () => {
    const { id, version, variantIds, variants } = await createProduct(manager, [3]);
    const [variantId = ''] = variantIds;
    const changed = { id: variantId, sku: variants.nodes[0]?.sku, price: { amount: '3.50', currencyCode: 'EUR' } };
    const selectedOptions = [{ name: 'Size', value: '40' }];
    await seenElsewhere(
      `{ productVariant(id: "${variantId}") { price { amount } product { priceRange { min { amount } } } } }`,
      () => change(UPDATE, { input: { id, expectedVersion: version, variants: [{ ...changed, selectedOptions }] } }),
      { productVariant: { price: { amount: '3.50' }, product: { priceRange: { min: { amount: '3.50' } } } } },
    );
  });

  it('stock was corrected, and that the product can be had again', async () => {
    const { id, variantIds } = await createProduct(manager, [0]);
    const [variantId = ''] = variantIds;
    await seenElsewhere(
      `{ product(id: "${id}") { isAvailable variants(first: 1) { nodes { availability quantityAvailable } } } }`,
      () =>
        change(ADJUST, { input: { variantId, delta: 7, reason: 'Found some more.', idempotencyKey: randomUUID() } }),
      { product: { isAvailable: true, variants: { nodes: [{ availability: 'IN_STOCK', quantityAvailable: 7 }] } } },
    );
  });

  it('a customer took the last ones', async () => {
    const { variantIds } = await createProduct(manager, [2]);
    const [variantId = ''] = variantIds;
    const customer = await newCustomer(gatewayUrl);
    await seenElsewhere(
      `{ productVariant(id: "${variantId}") { availability } }`,
      () => placedOrder(customer, [{ variantId, quantity: 2 }]),
      { productVariant: { availability: 'OUT_OF_STOCK' } },
    );
  });

  it('a draft is on sale: by its slug, and in lists and searches', async () => {
    const word = `okapi${randomUUID().slice(0, 6)}`;
    const { id, slug, version } = await createProduct(manager, [3], { title: `${word} shirt`, status: 'DRAFT' });
    await seenElsewhere(
      `{ product(slug: "${slug}") { title } products(first: 1, sortKey: CREATED_AT) { nodes { id } } productSearch(query: "${word}") { nodes { id } } productSuggestions(query: "${word}") }`,
      () => change(UPDATE, { input: { id, expectedVersion: version, status: 'ACTIVE' } }),
      {
        product: { title: `${word} shirt` },
        products: { nodes: [{ id }] },
        productSearch: { nodes: [{ id }] },
        productSuggestions: [`${word} shirt`],
      },
    );
  });

  it('a product was archived', async () => {
    const { id, version } = await createProduct(manager, [3]);
    await seenElsewhere(
      `{ product(id: "${id}") { title variants(first: 1) { nodes { id } } } }`,
      () => change(UPDATE, { input: { id, expectedVersion: version, status: 'ARCHIVED' } }),
      { product: null },
    );
  });

  it('a brand and a category have other names', async () => {
    const name = randomUUID().slice(0, 8);
    const { brand } = (await change(BRAND, { input: { slug: `b-${name}`, name } })) as { brand: { id: string } };
    const { category } = (await change(CATEGORY, { input: { slug: `c-${name}`, name } })) as {
      category: { id: string };
    };
    const { id } = await createProduct(manager, [1], { brandId: brand.id, categoryId: category.id });
    const query = `{ product(id: "${id}") { brand { name } category { name } } category(id: "${category.id}") { name products(first: 1) { nodes { brand { name } } } } }`;
    await seenElsewhere(
      query,
      async () => {
        await change(BRAND, { input: { id: brand.id, slug: `b-${name}`, name: 'Renamed' } });
        await change(CATEGORY, { input: { id: category.id, slug: `c-${name}`, name: 'Moved' } });
      },
      {
        product: { brand: { name: 'Renamed' }, category: { name: 'Moved' } },
        category: { name: 'Moved', products: { nodes: [{ brand: { name: 'Renamed' } }] } },
      },
    );
  });
});

it('a client that hangs up takes nobody’s answer away', async () => {
  for (let round = 0; round < 5; round++) {
    const query = `{ productSearch(query: "shoe", first: 50) { nodes { title variants(first: 20) { nodes { sku availability } } } facets { label } } } # ${randomUUID()}`;
    const impatient = new AbortController();
    const body = JSON.stringify({ query });
    const headers = { 'content-type': 'application/json' };
    const first = fetch(gatewayUrl, { method: 'POST', headers, body, signal: impatient.signal }).catch(() => undefined);
    const other = send<{ productSearch: { nodes: unknown[] } }, never>(guest, query);
    impatient.abort();
    const { data, errors } = await other;
    expect(errors).toEqual([]);
    expect(data?.productSearch.nodes.length).toBeGreaterThan(0);
    await first;
  }
});
