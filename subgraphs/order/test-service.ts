import { generateKeyPairSync } from 'node:crypto';
import { createTestDatabase } from '@souk/dev/test-database';
import { openDatabase } from '@souk/platform/database';
import type { EventPayloads, EventType, SoukEvent } from '@souk/platform/events';
import { newId } from '@souk/platform/id';
import { type Caller, createSigner } from '@souk/platform/identity';
import { receive } from '@souk/platform/inbox';
import { createLogger } from '@souk/platform/logger';
import { outbox } from '@souk/platform/outbox';
import { subgraphSchema } from '@souk/platform/subgraph-server';
import { readSubgraphSdl } from '@souk/schema/subgraphs';
import { and, asc, eq, ne } from 'drizzle-orm';
import { graphql } from 'graphql';
import { register } from 'prom-client';
import type { CheckoutDesk } from './src/checkout.ts';
import { createContext } from './src/context.ts';
import { events } from './src/events.ts';
import { createPeers } from './src/peers.ts';
import { resolvers } from './src/resolvers.ts';
import { orderEvents, orders } from './src/tables.ts';
import { openTestPeers } from './test-peers.ts';

export type TestService = Awaited<ReturnType<typeof openTestService>>;

/** The order service on a database of its own, without its process: asked through its schema, told through its inbox, its peers stood in for. */
export async function openTestService() {
  const store = await createTestDatabase('order');
  const database = openDatabase({ url: store.url, poolSize: 20 });
  const { db } = database;
  const schema = subgraphSchema(readSubgraphSdl('order'), resolvers);
  const logger = createLogger('order', { level: 'silent' });
  const shop = await openTestPeers();
  const privateKey = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const signer = createSigner({ service: 'order', privateKey: { ...privateKey, kid: 'order' } });
  const openPeers = () => createPeers({ signer, logger, env: shop.urls });
  let peers = openPeers();
  const reminders: { orderId: string; delayMs: number }[] = [];
  const desk: CheckoutDesk = {
    db,
    peers,
    logger,
    paymentWindowMs: 600_000,
    remind: (orderId, delayMs) => void reminders.push({ orderId, delayMs }),
  };

  async function answer(caller: Caller, source: string, variableValues: Record<string, unknown> = {}) {
    const request = {
      caller,
      viewer: caller.viewer,
      requestId: 'test',
      clientIp: null,
      clientAgent: null,
      log: logger,
    };
    const contextValue = createContext(request, { db, checkoutDesk: desk });
    const { data, errors = [] } = await graphql({ schema, source, variableValues, contextValue });
    // Through JSON, as it would travel: graphql-js makes objects without a prototype.
    return { data: JSON.parse(JSON.stringify(data ?? null)), errors };
  }

  return {
    db,
    desk,
    shop,
    reminders,

    /** Forgets how often the services around have failed: one that has done so for a while gets a rest. */
    async forgetFailures(): Promise<void> {
      await peers.close();
      peers = openPeers();
      desk.peers = peers;
    },

    /** Asks as the gateway would for a user with these scopes, or for a guest (null). */
    ask: (userId: string | null, source: string, variables?: Record<string, unknown>, ...scopes: string[]) =>
      answer({ service: 'gateway', viewer: viewer(userId, scopes) }, source, variables),

    /** Asks as another service. */
    askAsPayment: (source: string, variables?: Record<string, unknown>) =>
      answer({ service: 'payment', viewer: null }, source, variables),

    /** Delivers a fact of another service; with an `id`, one that may have been delivered before. */
    hear: <Type extends EventType>(type: Type, payload: EventPayloads[Type], { id = newId('Event') } = {}) =>
      receive(db, events, { id, type, aggregateId: 'any', occurredAt: new Date(), payload } as SoukEvent),

    /** A customer with a default address. */
    newCustomer(): string {
      const userId = newId('User');
      shop.addAddress(userId);
      return userId;
    },

    /** An order of one variant, placed by its customer; as the database has it. */
    async newOrder(userId: string, input: Record<string, unknown> = {}) {
      const lines = [{ variantId: shop.addVariant(), quantity: 2 }];
      const { data, errors } = await this.ask(userId, PLACE, {
        input: { lines, idempotencyKey: crypto.randomUUID(), ...input },
      });
      if (!data?.orderPlace?.order) throw new Error(JSON.stringify({ data, errors }));
      return this.readOrder(data.orderPlace.order.id);
    },

    /** The same, paid. */
    async newPaidOrder(userId: string) {
      const order = await this.newOrder(userId);
      await this.pay(order);
      return this.readOrder(order.id);
    },

    pay: ({ id: orderId, totalMinor, currencyCode }: { id: string; totalMinor: bigint; currencyCode: string }) =>
      receive(db, events, {
        id: newId('Event'),
        type: 'payment.captured',
        aggregateId: orderId,
        occurredAt: new Date(),
        payload: { paymentId: newId('Payment'), orderId, amountMinor: String(totalMinor), currencyCode },
      }),

    async readOrder(orderId: string) {
      const [order] = await db.select().from(orders).where(eq(orders.id, orderId));
      if (!order) throw new Error(`There is no order ${orderId}.`);
      return order;
    },

    readTimeline: (orderId: string) =>
      db.select().from(orderEvents).where(eq(orderEvents.orderId, orderId)).orderBy(asc(orderEvents.version)),

    /** How often gateways were told that an order has changed. */
    countChanges: (orderId: string) =>
      db.$count(outbox, and(eq(outbox.aggregateId, orderId), eq(outbox.subscriber, 'gateway'))),

    /** What was told to other subgraphs about an order, in order, without who was told. */
    async readFacts(orderId: string) {
      const rows = await db
        .select()
        .from(outbox)
        .where(and(eq(outbox.aggregateId, orderId), ne(outbox.subscriber, 'gateway')))
        .orderBy(asc(outbox.sequence));
      const once = rows.filter((row, index) => rows.findIndex((other) => other.eventId === row.eventId) === index);
      return once.map(({ type, payload }) => ({ type, payload }));
    },

    async close() {
      await peers.close();
      await shop.close();
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
  return metric?.values.reduce((sum, { value }) => sum + value, 0) ?? 0;
}

function viewer(userId: string | null, scopes: string[]) {
  return userId === null ? null : { userId, sessionId: newId('Session'), roles: [], scopes: new Set(scopes) };
}

export const ORDER_FIELDS = `
  id number status version allowedActions email note paymentDueAt cancelReason
  customer { id }
  total { amount currencyCode } subtotal { amount } shippingTotal { amount } taxTotal { amount }
  shippingAddress { recipient phone line1 line2 city region postalCode countryCode }
  lines { totalCount { count } nodes { title sku quantity variant { id } unitPrice { amount } subtotal { amount currencyCode } } }
  events { nodes { from to actor message } }
`;

const ERRORS = 'userErrors { code field message variantId available currentTotal { amount currencyCode } }';

export const PLACE = `mutation ($input: OrderPlaceInput!) { orderPlace(input: $input) { order { ${ORDER_FIELDS} } ${ERRORS} } }`;
export const CANCEL = `mutation ($input: OrderCancelInput!) { orderCancel(input: $input) { order { ${ORDER_FIELDS} } ${ERRORS} } }`;
export const EDIT_ADDRESS = `mutation ($input: OrderAddressUpdateInput!) { orderAddressUpdate(input: $input) { order { ${ORDER_FIELDS} } ${ERRORS} } }`;
export const CONFIRM_RECEIPT = `mutation ($orderId: ID!) { orderReceiptConfirm(orderId: $orderId) { order { ${ORDER_FIELDS} } ${ERRORS} } }`;
export const MOVE = `mutation ($input: OrderTransitionInput!) { orderTransition(input: $input) { order { ${ORDER_FIELDS} staffNote } ${ERRORS} } }`;
