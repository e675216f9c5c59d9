import { createTestDatabase } from '@souk/dev/test-database';
import { openDatabase } from '@souk/platform/database';
import type { EventPayloads, EventType, SoukEvent } from '@souk/platform/events';
import { newId } from '@souk/platform/id';
import type { Caller, Viewer } from '@souk/platform/identity';
import { receive } from '@souk/platform/inbox';
import { createLogger } from '@souk/platform/logger';
import { subgraphSchema } from '@souk/platform/subgraph-server';
import { readSubgraphSdl } from '@souk/schema/subgraphs';
import { graphql } from 'graphql';
import { register } from 'prom-client';
import { createContext } from './src/context.ts';
import { events } from './src/events.ts';
import { resolvers } from './src/resolvers.ts';

export type TestService = Awaited<ReturnType<typeof openTestService>>;

/** The cart service on a database of its own, without its process: asked through its schema, told through its inbox. */
export async function openTestService() {
  const store = await createTestDatabase('cart');
  const database = openDatabase({ url: store.url, poolSize: 20 });
  const { db } = database;
  const schema = subgraphSchema(readSubgraphSdl('cart'), resolvers);
  const log = createLogger('cart', { level: 'silent' });

  async function answer(caller: Caller, source: string, variableValues: Record<string, unknown> = {}) {
    const request = { caller, viewer: caller.viewer, requestId: 'test', clientIp: null, clientAgent: null, log };
    const { data, errors = [] } = await graphql({
      schema,
      source,
      variableValues,
      contextValue: createContext(request, { db }),
    });
    // Through JSON, as it would travel: graphql-js makes objects without a prototype.
    return { data: JSON.parse(JSON.stringify(data ?? null)), errors };
  }

  return {
    db,
    adminUrl: store.adminUrl,

    /** Asks as the gateway would for a user, or for a guest (null). */
    ask: (userId: string | null, source: string, variables?: Record<string, unknown>) =>
      answer({ service: 'gateway', viewer: viewer(userId) }, source, variables),

    /** Asks as another service. */
    askAsOrder: (source: string, variables?: Record<string, unknown>) =>
      answer({ service: 'order', viewer: null }, source, variables),

    /** Delivers a fact of another service; with an `id`, one that may have been delivered before. */
    hear: <Type extends EventType>(
      type: Type,
      payload: EventPayloads[Type],
      { id = newId('Event'), occurredAt = new Date() } = {},
    ) => receive(db, events, { id, type, aggregateId: 'any', occurredAt, payload } as SoukEvent),

    /** A variant that the catalog has told of; gives its id. */
    async knowVariant(facts: Partial<EventPayloads['variant.changed']> = {}, occurredAt = new Date()): Promise<string> {
      const variantId = facts.variantId ?? newId('ProductVariant');
      const payload = {
        variantId,
        productId: newId('Product'),
        sku: 'SHIRT-M',
        title: 'Linen shirt',
        priceMinor: '1990',
        currencyCode: 'EUR',
        available: 50,
        isSellable: true,
        ...facts,
      };
      await this.hear('variant.changed', payload, { occurredAt });
      return variantId;
    },

    async close() {
      await database.close();
      await store.drop();
    },
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

function viewer(userId: string | null): Viewer | null {
  return userId === null ? null : { userId, sessionId: newId('Session'), roles: [], scopes: new Set<string>() };
}

export const CART_FIELDS = `
  id version totalQuantity currencyCode note expiresAt
  owner { id }
  cost { subtotal { amount currencyCode } shippingEstimate { amount } total { amount } isEstimated }
  lines { nodes { id quantity isSelected variant { id } unitPrice { amount } addedUnitPrice { amount } subtotal { amount } } }
  warnings { code lineId variantId message }
`;

const ANSWER = `cart { ${CART_FIELDS} } userErrors { code field message variantId available }`;

export const CREATE = `mutation ($input: CartCreateInput!) { cartCreate(input: $input) { ${ANSWER} warnings { code } } }`;
export const ADD = `mutation ($input: CartLinesAddInput!) { cartLinesAdd(input: $input) { ${ANSWER} warnings { code } } }`;
export const UPDATE = `mutation ($input: CartLinesUpdateInput!) { cartLinesUpdate(input: $input) { ${ANSWER} warnings { code } } }`;
export const REMOVE = `mutation ($input: CartLinesRemoveInput!) { cartLinesRemove(input: $input) { ${ANSWER} warnings { code } } }`;
export const CLEAR = `mutation ($cartId: ID!) { cartClear(cartId: $cartId) { ${ANSWER} } }`;
export const CLAIM = `mutation ($cartId: ID!) { cartClaim(cartId: $cartId) { ${ANSWER} warnings { code lineId variantId message } } }`;
export const READ = `query ($id: ID!) { cart(id: $id) { ${CART_FIELDS} } }`;
