import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { seedShop } from '@souk/dev/seed-shop';
import { type Shop, startShop } from '@souk/dev/shop';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ask, newCustomer, type Person, send, staff } from './client.ts';
import { graphql } from './generated/gql.ts';
import { createProduct, orderState, pay, placedOrder, stockOf } from './shopping.ts';

/** A shop of its own, because these tests break it: orders expire after three seconds, services die, Redis forgets, the schema changes. */

const folder = mkdtempSync(join(tmpdir(), 'souk-resilience-'));
const supergraph = join(folder, 'storefront.graphql');
const composed = new URL('../schema/gateway/storefront.graphql', import.meta.url).pathname;
let shop: Shop;
let admin: Person;

beforeAll(async () => {
  copyFileSync(composed, supergraph);
  shop = await startShop({
    folder,
    durability: 'disposable',
    seed: (target) => seedShop(target, { products: 20 }),
    env: { order: { ORDER_PAYMENT_WINDOW: '3s' }, gateway: { SUPERGRAPH_STOREFRONT_FILE: supergraph } },
  });
  admin = await staff(shop.adminUrl, 'ADMIN');
});

afterAll(async () => {
  await shop?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('an order nobody pays', () => {
  it('expires and frees its stock', async () => {
    const { variantIds } = await createProduct(admin, [2]);
    const variantId = variantIds[0] ?? '';
    const customer = await newCustomer(shop.gatewayUrl);
    const { id } = await placedOrder(customer, [{ variantId, quantity: 2 }]);
    expect((await stockOf(admin, variantId)).available).toBe(0);
    await vi.waitFor(async () => expect((await orderState(customer, id)).status).toBe('EXPIRED'), {
      timeout: 10_000,
      interval: 100,
    });
    await vi.waitFor(
      async () => expect(await stockOf(admin, variantId)).toMatchObject({ onHand: 2, reserved: 0, available: 2 }),
      5_000,
    );
    expect((await pay(customer, id)).userErrors).toMatchObject([{ code: 'ORDER_NOT_PAYABLE' }]);
  });

  it('expires although Redis forgot everything in the meantime', async () => {
    const { variantIds } = await createProduct(admin, [1]);
    const variantId = variantIds[0] ?? '';
    const customer = await newCustomer(shop.gatewayUrl);
    const { id } = await placedOrder(customer, [{ variantId, quantity: 1 }]);
    const redis = new Redis(shop.stores.redisUrl);
    await redis.flushall();
    await redis.quit();
    await vi.waitFor(
      async () => {
        expect((await orderState(customer, id)).status).toBe('EXPIRED');
        expect((await stockOf(admin, variantId)).available).toBe(1);
      },
      { timeout: 40_000, interval: 250 },
    );
  }, 60_000);
});

describe('a revoked session', () => {
  it('stays revoked after Redis forgot everything', async () => {
    const SignOut = graphql(`mutation SignOut { signOut { signedOutSessionIds } }`);
    const customer = await newCustomer(shop.gatewayUrl);
    await ask(customer, SignOut);
    const refused = async () => expect((await send(customer, `{ viewer { id } }`)).status).toBe(401);
    await vi.waitFor(refused, { timeout: 1_000, interval: 20 });
    const redis = new Redis(shop.stores.redisUrl);
    await redis.flushall();
    await redis.quit();
    for (let look = 0; look < 10; look++) {
      await refused();
      await delay(100);
    }
  });
});

describe('a dead subgraph', () => {
  it('costs its own fields, with the path and a code, and heals when it is back', async () => {
    const OrderPage = graphql(
      `query OrderWithPayment($id: ID!) { order(id: $id) { number paymentStatus } products(first: 1) { nodes { title } } }`,
    );
    const { variantIds } = await createProduct(admin, [1]);
    const customer = await newCustomer(shop.gatewayUrl);
    const { id, number } = await placedOrder(customer, [{ variantId: variantIds[0] ?? '', quantity: 1 }]);
    process.kill(shop.services.payment.pid, 'SIGKILL');
    await vi.waitFor(() => expect(shop.services.payment.isRunning()).toBe(false), 5_000);

    const { data, errors, status } = await send(customer, OrderPage, { id });
    expect(status).toBe(200);
    expect(data).toMatchObject({ order: { number, paymentStatus: null }, products: { nodes: [{}] } });
    expect(errors).toMatchObject([
      { path: ['order', 'paymentStatus'], extensions: { code: 'SUBGRAPH_UNAVAILABLE', retryable: true } },
    ]);
    expect(JSON.stringify(errors)).not.toMatch(/127\.0\.0\.1|ECONNREFUSED|payment service|"payment"/);

    await shop.services.payment.restart();
    await vi.waitFor(
      async () => expect((await send(customer, OrderPage, { id })).data?.order?.paymentStatus).toBe('UNPAID'),
      10_000,
    );
  });
});

describe('a frozen subgraph', () => {
  it('costs its own fields after a while, then at once, and heals when it goes on', async () => {
    const { variantIds } = await createProduct(admin, [1]);
    const customer = await newCustomer(shop.gatewayUrl);
    const { id, number } = await placedOrder(customer, [{ variantId: variantIds[0] ?? '', quantity: 1 }]);
    // Each asks under a name of its own: what several ask alike at the same time, the subgraph is asked once.
    const look = async (name: string) => {
      const page = `query ($id: ID!) { order(id: $id) { number ${name}: paymentStatus } products(first: 1) { nodes { title } } }`;
      return { name, ...(await send(customer, page, { id })) };
    };
    const lookAtOnce = (count: number) =>
      Promise.all(Array.from({ length: count }, (_, place) => look(`look${place}`)));
    const { pid } = shop.services.payment;
    process.kill(pid, 'SIGSTOP');
    try {
      for (const code of ['SUBGRAPH_TIMEOUT', 'SUBGRAPH_UNAVAILABLE']) {
        for (const { name, data, errors } of await lookAtOnce(20)) {
          expect(data).toMatchObject({ order: { number, [name]: null }, products: { nodes: [{}] } });
          expect(errors).toMatchObject([{ path: ['order', name], extensions: { code, retryable: true } }]);
        }
      }
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await vi.waitFor(async () => expect((await look('paymentStatus')).errors).toEqual([]), {
      timeout: 10_000,
      interval: 100,
    });
  });
});

describe('the supergraph file', () => {
  const fieldNames = async () => {
    const { data } = (await send({ url: shop.gatewayUrl }, `{ __type(name: "Query") { fields { name } } }`)) as {
      data: { __type: { fields: { name: string }[] } };
    };
    return data.__type.fields.map(({ name }) => name);
  };

  it('is refused when it does not load, and swapped without a restart when it does', async () => {
    writeFileSync(supergraph, 'type Query { broken');
    await delay(2_500);
    expect(await fieldNames()).toContain('products');
    expect(readFileSync(shop.services.gateway.logFile, 'utf8')).toContain('supergraph refused');

    const text = readFileSync(composed, 'utf8');
    writeFileSync(supergraph, text.replace(/^ {2}productSuggestions\(/m, '  productHints('));
    await vi.waitFor(async () => expect(await fieldNames()).toContain('productHints'), {
      timeout: 5_000,
      interval: 100,
    });
    copyFileSync(composed, supergraph);
    await vi.waitFor(async () => expect(await fieldNames()).toContain('productSuggestions'), {
      timeout: 5_000,
      interval: 100,
    });
  });
});
