import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@souk/dev/free-port';
import { createTestDatabase } from '@souk/dev/test-database';
import { openDatabase } from '@souk/platform/database';
import type { EventPayloads, SoukEvent } from '@souk/platform/events';
import { newId } from '@souk/platform/id';
import { type Caller, createSigner } from '@souk/platform/identity';
import { receive } from '@souk/platform/inbox';
import { createLogger } from '@souk/platform/logger';
import { outbox } from '@souk/platform/outbox';
import { createHttpServer } from '@souk/platform/service';
import { subgraphSchema } from '@souk/platform/subgraph-server';
import { readSubgraphSdl } from '@souk/schema/subgraphs';
import { and, eq, ne, sql } from 'drizzle-orm';
import { graphql } from 'graphql';
import { register } from 'prom-client';
import { createContext } from './src/context.ts';
import { events } from './src/events.ts';
import { openOrders } from './src/peers.ts';
import type { PaymentProvider, Providers } from './src/providers/provider.ts';
import { openTestCard } from './src/providers/test-card.ts';
import { sendDueRefunds } from './src/refund-delivery.ts';
import { resolvers } from './src/resolvers.ts';
import { checkDuePayments } from './src/settlement.ts';
import { payments, refunds } from './src/tables.ts';
import { addWebhooks } from './src/webhooks.ts';
import { openCharges } from './test-provider/charges.ts';
import { openLog } from './test-provider/log.ts';
import { serveCharges } from './test-provider/server.ts';
import { createReporter } from './test-provider/webhooks.ts';

export type TestService = Awaited<ReturnType<typeof openTestService>>;

export const SECRET = 'the-secret-of-this-test';
export const OLDER_SECRET = 'the-secret-before';
const APPROVAL_DELAY_MS = 150;
const LATE_APPROVAL_MS = 900;
const PROVIDER_TIMEOUT_MS = 500;

/** What a test says about an order; the stand-in for the order service answers with it. */
export interface TestOrder {
  id: string;
  userId: string;
  number: string;
  status: string;
  paymentDueAt: string | null;
  total: { amount: string; currencyCode: string };
}

/**
 * The payment service on a database of its own, asked through its schema, told through its inbox and its webhooks. Around it stand the real provider
 * of test cards, with its API, its log and its reports, and a stand-in for the order service.
 *
 * @param more further providers to offer, closed with the service
 */
export async function openTestService(more: readonly PaymentProvider[] = []) {
  const log = createLogger('payment', { level: 'silent' });
  const store = await createTestDatabase('payment');
  const database = openDatabase({ url: store.url, poolSize: 20 });
  const { db } = database;
  const [orderPort, providerPort, paymentPort] = [await freePort(), await freePort(), await freePort()];

  const orders = new Map<string, TestOrder>();
  const orderService = createHttpServer(log);
  orderService.post('/graphql', async (request) => {
    const { orderId, userId } = (request.body as { variables: { orderId: string; userId: string } }).variables;
    const order = orders.get(orderId);
    return { data: { orderForPayment: order?.userId === userId ? order : null } };
  });
  await orderService.listen({ port: orderPort });
  const { privateKey } = generateKeyPairSync('ed25519');
  const signer = createSigner({
    service: 'payment',
    privateKey: { kty: 'OKP', ...privateKey.export({ format: 'jwk' }), kid: 'payment' },
  });
  const orderPeer = openOrders({ urls: [`http://127.0.0.1:${orderPort}/graphql`], signer, logger: log });

  const folder = await mkdtemp(join(tmpdir(), 'souk-test-card-'));
  const logFile = join(folder, 'test-card.log');
  const startProvider = async () => {
    const providerLog = await openLog(logFile);
    const url = `http://127.0.0.1:${paymentPort}/webhooks/test-card`;
    const reporter = createReporter({ url, secret: SECRET, logger: log });
    const charges = openCharges({
      log: providerLog,
      approvalDelayMs: APPROVAL_DELAY_MS,
      lateApprovalMs: LATE_APPROVAL_MS,
      report: (charge) => {
        if (state.isReporting) reporter.report(charge);
      },
    });
    const app = createHttpServer(log);
    await serveCharges(app, { charges, secret: SECRET });
    await app.listen({ port: providerPort });
    return {
      charges,
      async stop() {
        app.server.closeAllConnections();
        await app.close();
        charges.stop();
        reporter.stop();
        await providerLog.close();
      },
    };
  };
  const state = { isReporting: true };
  let running: Awaited<ReturnType<typeof startProvider>> | undefined = await startProvider();

  const testCard = openTestCard({
    url: `http://127.0.0.1:${providerPort}`,
    secrets: [SECRET, OLDER_SECRET],
    timeoutMs: PROVIDER_TIMEOUT_MS,
  });
  const providers: Providers = new Map([testCard, ...more].map((provider) => [provider.name, provider]));
  const cashier = { orders: orderPeer, providers, log };
  const app = createHttpServer(log);
  addWebhooks(app, { db, providers, log });
  await app.listen({ port: paymentPort });
  const schema = subgraphSchema(readSubgraphSdl('payment'), resolvers);

  return {
    db,
    providers,
    log,
    webhookUrl: `http://127.0.0.1:${paymentPort}/webhooks/test-card`,
    webhookUrlOf: (path: string) => `http://127.0.0.1:${paymentPort}/webhooks/${path}`,

    /** An order that awaits payment. */
    placeOrder(facts: Partial<TestOrder> = {}): TestOrder {
      const order: TestOrder = {
        id: newId('Order'),
        userId: newId('User'),
        number: 'SK-7F3K-92QD',
        status: 'AWAITING_PAYMENT',
        paymentDueAt: new Date(Date.now() + 600_000).toISOString(),
        total: { amount: '49.90', currencyCode: 'EUR' },
        ...facts,
      };
      orders.set(order.id, order);
      return order;
    },

    /** Asks as the gateway would for a user with these scopes, or for nobody (null). */
    async ask(
      user: string | null,
      source: string,
      variableValues: Record<string, unknown> = {},
      scopes: string[] = [],
      // biome-ignore lint/suspicious/noExplicitAny: an answer is whatever the test asked for.
    ): Promise<{ data: any; errors: readonly { message: string; extensions: Record<string, unknown> }[] }> {
      const viewer = user ? { userId: user, sessionId: newId('Session'), roles: [], scopes: new Set(scopes) } : null;
      const caller: Caller = { service: 'gateway', viewer };
      const request = { caller, viewer, requestId: 'test', clientIp: null, clientAgent: null, log };
      const contextValue = createContext(request, { db, cashier });
      const { data, errors = [] } = await graphql({ schema, source, variableValues, contextValue });
      return { data: JSON.parse(JSON.stringify(data ?? null)), errors };
    },

    /** Delivers the fact that an order ended. */
    endOrder: (orderId: string, status: EventPayloads['order.canceled']['status']) => {
      const payload = { orderId, userId: newId('User'), status };
      const event: SoukEvent = {
        id: newId('Event'),
        type: 'order.canceled',
        aggregateId: orderId,
        occurredAt: new Date(),
        payload,
      };
      return receive(db, events, event);
    },

    /** Does what the sweeps would do after a while. */
    async sweep() {
      await db.update(payments).set({ checkAt: sql`CURRENT_TIMESTAMP(3)` }).where(sql`check_at IS NOT NULL`);
      await checkDuePayments(db, cashier);
      await db.update(refunds).set({ sendAt: sql`CURRENT_TIMESTAMP(3)` }).where(sql`send_at IS NOT NULL`);
      await sendDueRefunds(db, cashier);
    },

    payment: async (id: string) => (await db.select().from(payments).where(eq(payments.id, id)))[0],
    refundsOf: (paymentId: string) => db.select().from(refunds).where(eq(refunds.paymentId, paymentId)),
    factsAbout: (orderId: string) =>
      db
        .select()
        .from(outbox)
        .where(and(eq(outbox.aggregateId, orderId), ne(outbox.subscriber, 'gateway'))),

    /** How often gateways were told that the payments of an order have changed. */
    countChanges: (orderId: string) =>
      db.$count(outbox, and(eq(outbox.aggregateId, orderId), eq(outbox.subscriber, 'gateway'))),

    /** Statements sent so far by this process. */
    async statementCount(): Promise<number> {
      const counter = await register.getSingleMetric('souk_sql_statements_total')?.get();
      return counter?.values[0]?.value ?? 0;
    },

    provider: {
      /** What the outside witness has written down. */
      facts: async () => {
        const { facts, close } = await openLog(logFile);
        await close();
        return facts;
      },
      charges: () => running?.charges,
      /** Whether reports reach the shop; switched off, they are lost. */
      reports(on: boolean) {
        state.isReporting = on;
      },
      async stop() {
        await running?.stop();
        running = undefined;
      },
      async start() {
        running ??= await startProvider();
      },
    },

    async close() {
      await Promise.all([app.close(), orderService.close(), running?.stop()]);
      await Promise.all([...[...providers.values()].map((provider) => provider.close()), orderPeer.close()]);
      await database.close();
      await Promise.all([store.drop(), rm(folder, { recursive: true })]);
    },
  };
}
