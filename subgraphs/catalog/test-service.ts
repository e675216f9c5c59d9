import { randomUUID } from 'node:crypto';
import { createTestDatabase, testRedisUrl } from '@souk/dev/test-database';
import { createCache } from '@souk/platform/cache';
import { openDatabase } from '@souk/platform/database';
import type { EventPayloads, EventType, SoukEvent } from '@souk/platform/events';
import { newId } from '@souk/platform/id';
import type { Caller, Viewer } from '@souk/platform/identity';
import { receive } from '@souk/platform/inbox';
import { createLogger } from '@souk/platform/logger';
import { openRedis } from '@souk/platform/redis';
import { subgraphSchema } from '@souk/platform/subgraph-server';
import { readSubgraphSdl } from '@souk/schema/subgraphs';
import { asc } from 'drizzle-orm';
import { graphql } from 'graphql';
import { register } from 'prom-client';
import { createContext } from './src/context.ts';
import { events } from './src/events.ts';
import { resolvers } from './src/resolvers.ts';
import { outbox } from './src/tables.ts';
import type { VariantFacts } from './src/variant-facts.ts';

export type TestService = Awaited<ReturnType<typeof openTestService>>;

/** The catalog on a database and a Redis of its own, without its process: asked through its schema, told through its inbox. */
export async function openTestService() {
  const store = await createTestDatabase('catalog');
  const database = openDatabase({ url: store.url, poolSize: 20 });
  const redis = openRedis({ url: await testRedisUrl(), name: 'catalog' });
  await redis.ready();
  const { db } = database;
  const cache = createCache({ redis, name: 'catalog' });
  const schema = subgraphSchema(readSubgraphSdl('catalog'), resolvers);
  const log = createLogger('catalog', { level: 'silent' });

  async function answer(caller: Caller, source: string, variableValues: Record<string, unknown> = {}) {
    const request = { caller, viewer: caller.viewer, requestId: 'test', clientIp: null, clientAgent: null, log };
    const contextValue = createContext(request, { db, cache });
    const { data, errors = [] } = await graphql({ schema, source, variableValues, contextValue });
    // Through JSON, as it would travel: graphql-js makes objects without a prototype.
    return { data: JSON.parse(JSON.stringify(data ?? null)), errors };
  }

  const viewer = (...scopes: string[]): Viewer => {
    return { userId: newId('User'), sessionId: newId('Session'), roles: [], scopes: new Set(scopes) };
  };
  const manager = viewer('catalog:write', 'stock:read', 'stock:write');

  const service = {
    db,
    adminUrl: store.adminUrl,

    /** Asks as the gateway would for somebody with these scopes; for a guest without any. */
    ask: (scopes: string[] | null, source: string, variables?: Record<string, unknown>) =>
      answer({ service: 'gateway', viewer: scopes ? viewer(...scopes) : null }, source, variables),

    guest: (source: string, variables?: Record<string, unknown>) =>
      answer({ service: 'gateway', viewer: null }, source, variables),

    /** Always the same person, with all rights over the catalog. */
    manager: (source: string, variables?: Record<string, unknown>) =>
      answer({ service: 'gateway', viewer: manager }, source, variables),

    /** Asks as the order service. */
    order: (source: string, variables?: Record<string, unknown>) =>
      answer({ service: 'order', viewer: null }, source, variables),

    /** Delivers a fact of another service; with an `id`, one that may have been delivered before. */
    hear: <Type extends EventType>(type: Type, payload: EventPayloads[Type], id = newId('Event')) =>
      receive(db, events, { id, type, aggregateId: 'any', occurredAt: new Date(), payload } as SoukEvent),

    /** Makes a product on sale with one variant for each stock. */
    async create(stocks: readonly number[], overrides: Record<string, unknown> = {}): Promise<TestProduct> {
      const input = { ...productInput(stocks), ...overrides };
      const { data, errors } = await service.manager(CREATE, { input });
      const { product, userErrors } = data.productCreate ?? {};
      if (!product) throw new Error(`Expected a product, got ${JSON.stringify([userErrors, errors])}`);
      return { ...product, variantIds: product.variants.nodes.map(({ id }: { id: string }) => id) };
    },

    /** What listeners were told about variants since the last call, oldest first. */
    async news(): Promise<VariantFacts[]> {
      const rows = await db.select().from(outbox).orderBy(asc(outbox.sequence));
      await db.delete(outbox);
      return rows.map(({ payload }) => payload as VariantFacts);
    },

    async close() {
      await redis.close();
      await database.close();
      await store.drop();
    },
  };
  return service;
}

export interface TestProduct {
  id: string;
  slug: string;
  version: number;
  variantIds: string[];
}

export function productInput(stocks: readonly number[] = [5]) {
  const name = randomUUID().slice(0, 8);
  return {
    title: `Product ${name}`,
    description: 'Made by a test.',
    status: 'ACTIVE',
    variants: stocks.map((initialStock, index) => ({
      sku: `T-${name}-${index}`,
      price: { amount: `${10 + index}.90`, currencyCode: 'EUR' },
      selectedOptions: [{ name: 'Size', value: String(40 + index) }],
      initialStock,
    })),
  };
}

/** How many SQL statements `work` sends. */
export async function countStatements(work: () => Promise<unknown>): Promise<number> {
  const before = await statements();
  await work();
  return (await statements()) - before;
}

async function statements(): Promise<number> {
  const metric = await register.getSingleMetric('souk_sql_statements_total')?.get();
  return metric?.values[0]?.value ?? 0;
}

const PRODUCT = `
  id slug title description status version tags isAvailable
  category { id } brand { id }
  options { name values }
  priceRange { min { amount currencyCode } max { amount currencyCode } }
  media(first: 20) { nodes { url altText kind } }
  variants(first: 100) {
    nodes { id sku title price { amount currencyCode } compareAtPrice { amount } selectedOptions { name value } availability quantityAvailable }
  }
`;
const ERRORS = 'userErrors { code field message }';

export const CREATE = `mutation ($input: ProductCreateInput!) { productCreate(input: $input) { product { ${PRODUCT} } ${ERRORS} } }`;
export const UPDATE = `mutation ($input: ProductUpdateInput!) { productUpdate(input: $input) { product { ${PRODUCT} } ${ERRORS} } }`;
export const DELETE = `mutation ($id: ID!) { productDelete(id: $id) { deletedProductId ${ERRORS} } }`;
export const RESTORE = `mutation ($id: ID!) { productRestore(id: $id) { product { id status version } ${ERRORS} } }`;
export const READ = `query ($id: ID, $slug: String) { product(id: $id, slug: $slug) { ${PRODUCT} } }`;
export const VARIANT = `query ($id: ID, $sku: String) { productVariant(id: $id, sku: $sku) { id sku availability quantityAvailable product { id } } }`;
export const STOCK = `query ($id: ID!) { productVariant(id: $id) { stock { onHand reserved available movements(first: 50) { totalCount { count } nodes { kind quantity reason orderId } } } } }`;
export const ADJUST = `mutation ($input: StockAdjustInput!) { stockAdjust(input: $input) { variant { id stock { onHand reserved available } } ${ERRORS} } }`;
export const CATEGORY = `mutation ($input: CategoryUpsertInput!) { categoryUpsert(input: $input) { category { id slug name parent { id } } ${ERRORS} } }`;
export const CATEGORY_DELETE = `mutation ($id: ID!) { categoryDelete(id: $id) { deletedCategoryId ${ERRORS} } }`;
export const BRAND = `mutation ($input: BrandUpsertInput!) { brandUpsert(input: $input) { brand { id slug name logo { id url altText } } ${ERRORS} } }`;
export const BRAND_DELETE = `mutation ($id: ID!) { brandDelete(id: $id) { deletedBrandId ${ERRORS} } }`;
export const LIST = `
  query ($first: Int, $after: String, $last: Int, $before: String, $sortKey: ProductSortKey, $reverse: Boolean, $filter: ProductFilterInput) {
    products(first: $first, after: $after, last: $last, before: $before, sortKey: $sortKey, reverse: $reverse, filter: $filter) {
      nodes { id title } totalCount { count precision } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
`;
export const SEARCH = `
  query ($query: String!, $first: Int, $after: String, $filters: [FacetFilterInput!], $sortKey: ProductSortKey) {
    productSearch(query: $query, first: $first, after: $after, filters: $filters, sortKey: $sortKey) {
      nodes { id title } totalCount { count precision } pageInfo { hasNextPage hasPreviousPage endCursor }
      facets { id label kind values { id label count } } didYouMean
    }
  }
`;
export const SUGGEST = 'query ($query: String!, $limit: Int) { productSuggestions(query: $query, limit: $limit) }';
export const RESERVE = `
  mutation ($input: StockReserveInput!) {
    stockReserve(input: $input) {
      reservation { id expiresAt lines { variantId quantity unitPrice { amount currencyCode } title sku } }
      userErrors { code variantId available message }
    }
  }
`;
export const COMMIT = 'mutation ($orderId: ID!) { done: stockCommit(orderId: $orderId) }';
export const RELEASE = 'mutation ($orderId: ID!) { done: stockRelease(orderId: $orderId) }';
export const RETURN = 'mutation ($orderId: ID!) { done: stockReturn(orderId: $orderId) }';
