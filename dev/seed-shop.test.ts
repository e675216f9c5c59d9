import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { variantFacts } from '@souk/cart/tables';
import {
  productSearch,
  products,
  productVariants,
  stockLevels,
  stockMovements,
  stockReservationLines,
  stockReservations,
} from '@souk/catalog/tables';
import { readVariantFacts } from '@souk/catalog/variant-facts';
import { mayMove, orderStatuses } from '@souk/order/order-status';
import { orderEvents, orderLines, orders } from '@souk/order/tables';
import { ledgerEntries, ledgerTransactions, payments, refunds } from '@souk/payment/tables';
import { openDatabase } from '@souk/platform/database';
import { sum } from '@souk/platform/money';
import { subgraphNames } from '@souk/schema/subgraphs';
import { verifyPassword } from '@souk/user/password-hash';
import { rightsOf } from '@souk/user/role';
import { users } from '@souk/user/tables';
import { eq } from 'drizzle-orm';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLog } from '../subgraphs/payment/test-provider/log.ts';
import { allByName, byName } from './by-name.ts';
import { DEMO_PASSWORD, demoAccounts } from './demo-accounts.ts';
import { productAt } from './seed/products.ts';
import { type SeedOptions, seedShop } from './seed-shop.ts';
import { createTestDatabase } from './test-database.ts';

const PRODUCTS = 60;
const mediaUrl = 'http://localhost:4001/media';
const undo: (() => unknown)[] = [];

async function emptyShop() {
  const databases = await allByName(subgraphNames, createTestDatabase);
  const folder = mkdtempSync(join(tmpdir(), 'souk-seed-'));
  undo.push(() => rmSync(folder, { recursive: true }));
  undo.push(...Object.values(databases).map((database) => database.drop));
  const databaseUrls = byName(subgraphNames, (name) => databases[name].url);
  const open = byName(subgraphNames, (name) => {
    const store = openDatabase({ url: databaseUrls[name], poolSize: 2 });
    undo.push(store.close);
    return store.db;
  });
  const providerLog = join(folder, 'test-provider.jsonl');
  const said: string[] = [];
  const seed = (options: SeedOptions) =>
    seedShop(
      { databaseUrls, providerLog, mediaUrl, say: (text) => said.push(text) },
      { products: PRODUCTS, ...options },
    );
  return { ...open, databases, providerLog, said, seed };
}

/** Every row of a subgraph's tables as text, for comparison. Passwords are hashed with a salt of their own. */
async function rowsOf(adminUrl: string): Promise<Record<string, string[]>> {
  const connection = await createConnection({ uri: adminUrl, timezone: 'Z', dateStrings: true });
  try {
    const [tables] = await connection.query<RowDataPacket[]>(
      "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name NOT LIKE '\\_\\_%'",
    );
    const contents: Record<string, string[]> = {};
    for (const { name } of tables as { name: string }[]) {
      const [rows] = await connection.query<RowDataPacket[]>(`SELECT * FROM ${name}`);
      contents[name] = rows.map((row) => JSON.stringify({ ...row, password_hash: undefined })).sort();
    }
    return contents;
  } finally {
    await connection.end();
  }
}

let shop: Awaited<ReturnType<typeof emptyShop>>;

beforeAll(async () => {
  shop = await emptyShop();
  await shop.seed({});
}, 60_000);

afterAll(async () => {
  for (const step of undo.reverse()) await step();
});

const writtenByMigrations = ['role_grants', 'access_changes', 'door_limits'];

describe('the demo', () => {
  it('says what it has made, and leaves a shop alone that has products', async () => {
    expect(shop.said[0]).toMatch(/^60 products, \d+ variants, 24 orders$/);
    const before = await allByName(subgraphNames, (name) => rowsOf(shop.databases[name].adminUrl));
    await shop.seed({});
    expect(shop.said.at(-1)).toBe('60 products are there already');
    expect(await allByName(subgraphNames, (name) => rowsOf(shop.databases[name].adminUrl))).toEqual(before);
  });

  it('is the same every time, down to the ids', { timeout: 60_000 }, async () => {
    const other = await emptyShop();
    await other.seed({});
    for (const name of subgraphNames) {
      const [one, two] = await Promise.all([shop, other].map(({ databases }) => rowsOf(databases[name].adminUrl)));
      for (const table of Object.keys(one ?? {})) {
        if (writtenByMigrations.includes(table)) continue; // Their times are those of the migration.
        expect(one?.[table], `${name}.${table}`).toEqual(two?.[table]);
      }
    }
    expect(readFileSync(other.providerLog, 'utf8')).toBe(readFileSync(shop.providerLog, 'utf8'));
  });

  it('goes on where it was interrupted', { timeout: 60_000 }, async () => {
    const other = await emptyShop();
    const connection = await createConnection({ uri: other.databases.catalog.adminUrl });
    await connection.query('RENAME TABLE product_media TO missing');
    await expect(other.seed({})).rejects.toThrow();
    expect(await other.catalog.select().from(products)).toEqual([]);
    await connection.query('RENAME TABLE missing TO product_media');
    await connection.end();
    await other.seed({});
    const [one, two] = await Promise.all([shop, other].map(({ databases }) => rowsOf(databases.order.adminUrl)));
    expect(two).toEqual(one);
    expect(readFileSync(other.providerLog, 'utf8')).toBe(readFileSync(shop.providerLog, 'utf8'));
  });

  it('grows by as many products as asked for', { timeout: 60_000 }, async () => {
    const other = await emptyShop();
    await other.seed({ products: 30, hasPast: false });
    await other.seed({ products: 25, add: true });
    expect(await other.catalog.select().from(products)).toHaveLength(55);
    expect(await other.order.select().from(orders)).toEqual([]);
  });
});

describe('a demo account', () => {
  it.each(demoAccounts)('$email has its role and the password of the demo', async ({ email, role }) => {
    const [user] = await shop.user.select().from(users).where(eq(users.email, email));
    expect(user?.emailVerifiedAt).toBeInstanceOf(Date);
    expect(await verifyPassword(user?.passwordHash ?? null, DEMO_PASSWORD)).toBe(true);
    expect((await rightsOf(shop.user, user?.id ?? '')).roles).toContain(role);
  });

  it('of the customer has orders in every state', async () => {
    const [customer] = await shop.user.select().from(users).where(eq(users.email, 'customer@souk.example'));
    const own = await shop.order
      .select()
      .from(orders)
      .where(eq(orders.userId, customer?.id ?? ''));
    expect(new Set(own.map(({ status }) => status))).toEqual(new Set(orderStatuses));
  });
});

describe('the catalog of the demo', () => {
  it('has every product to the letter', async () => {
    const all = await shop.catalog.select().from(products).orderBy(products.id);
    const expected = Array.from({ length: PRODUCTS }, (_, index) => productAt(index));
    expect(expected.some(({ title }) => title.includes("'"))).toBe(true);
    expect(all.map(({ id, title, tags, createdAt }) => ({ id, title, tags, createdAt }))).toEqual(
      expected
        .map(({ id, title, tags, createdAt }) => ({ id, title, tags, createdAt }))
        .sort((one, other) => (one.id < other.id ? -1 : 1)),
    );
  });

  it('lists every product that is on sale, and some that are not', async () => {
    const all = await shop.catalog.select().from(products);
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set(['ACTIVE', 'DRAFT', 'ARCHIVED']));
    expect(new Set(all.map(({ currencyCode }) => currencyCode))).toEqual(new Set(['EUR', 'CNY']));
    const listed = all.filter(({ isListed }) => isListed).map(({ id }) => id);
    const found = await shop.catalog.select().from(productSearch);
    expect(found.map(({ productId }) => productId).sort()).toEqual(listed.sort());
  });

  it('has told the cart service everything about its variants', async () => {
    const all = await shop.catalog.select().from(productVariants);
    const facts = await readVariantFacts(shop.catalog, { variantIds: all.map(({ id }) => id) });
    const known = await shop.cart.select().from(variantFacts);
    expect(known).toHaveLength(all.length);
    for (const { statedAt: _statedAt, priceMinor, ...rest } of known) {
      expect(facts.get(rest.variantId)).toMatchObject({ ...rest, priceMinor: String(priceMinor) });
    }
  });
});

/** The names are those of the design note on reliability. */
describe('the invariants hold in the demo', () => {
  it('S1 S2 S3: stock is what its movements and reservations make it', async () => {
    const [levels, movements, lines, reservations] = await Promise.all([
      shop.catalog.select().from(stockLevels),
      shop.catalog.select().from(stockMovements),
      shop.catalog.select().from(stockReservationLines),
      shop.catalog.select().from(stockReservations),
    ]);
    const statusOf = new Map(reservations.map(({ orderId, status }) => [orderId, status]));
    expect(new Set(statusOf.values())).toEqual(new Set(['HELD', 'COMMITTED', 'RELEASED', 'RETURNED']));
    for (const { variantId, onHand, reserved } of levels) {
      const total = (...kinds: string[]) =>
        movements
          .filter((move) => move.variantId === variantId && kinds.includes(move.kind))
          .reduce((subtotal, move) => subtotal + move.quantity, 0);
      expect(onHand).toBe(total('RECEIVED', 'ADJUSTED', 'RETURNED') - total('COMMITTED'));
      const held = lines.filter((line) => line.variantId === variantId && statusOf.get(line.orderId) === 'HELD');
      expect(reserved).toBe(held.reduce((subtotal, line) => subtotal + line.quantity, 0));
      expect(reserved).toBe(total('RESERVED') - total('RELEASED') - total('COMMITTED'));
      expect(reserved).toBeLessThanOrEqual(onHand);
    }
  });

  it('S4 S6 S7 S8: each order holds, took or gave back exactly its lines', async () => {
    const reservations = await shop.catalog.select().from(stockReservations);
    const held = await shop.catalog.select().from(stockReservationLines);
    const ordered = await shop.order.select().from(orderLines);
    const quoted = (lines: { orderId: string; variantId: string; quantity: number; unitPriceMinor: bigint }[]) =>
      lines.map((line) => `${line.orderId} ${line.variantId} ${line.quantity} ${line.unitPriceMinor}`).sort();
    expect(quoted(held)).toEqual(quoted(ordered));
    const captured = new Set(
      (await shop.payment.select().from(payments))
        .filter((each) => each.capturedMinor > 0n)
        .map((each) => each.orderId),
    );
    for (const { id, status } of await shop.order.select().from(orders)) {
      const isOver = status === 'CANCELED' || status === 'EXPIRED';
      const expected = captured.has(id) ? (isOver ? 'RETURNED' : 'COMMITTED') : isOver ? 'RELEASED' : 'HELD';
      expect(reservations.filter(({ orderId }) => orderId === id).map((each) => each.status)).toEqual([expected]);
    }
  });

  it('O1 O2: timelines are contiguous and legal, and end where the order stands', async () => {
    const events = await shop.order.select().from(orderEvents);
    for (const order of await shop.order.select().from(orders)) {
      const own = events.filter(({ orderId }) => orderId === order.id).sort((a, b) => a.version - b.version);
      expect(own.map(({ version }) => version)).toEqual(own.map((_, index) => index + 1));
      expect({ from: own[0]?.from, to: own[0]?.to }).toEqual({ from: null, to: 'AWAITING_PAYMENT' });
      for (const [index, { from, to, actor, createdAt }] of own.slice(1).entries()) {
        expect(from).toBe(own[index]?.to);
        expect(from && mayMove(from, to, actor), `${from} → ${to} by ${actor}`).toBe(true);
        expect(createdAt.getTime()).toBeGreaterThan(own[index]?.createdAt.getTime() ?? 0);
      }
      expect({ status: order.status, version: order.version }).toEqual({ status: own.at(-1)?.to, version: own.length });
    }
  });

  it('M1: every transaction of the ledger sums to zero', async () => {
    const entries = await shop.payment.select().from(ledgerEntries);
    const byTransaction = Map.groupBy(entries, ({ transactionId, currencyCode }) => `${transactionId} ${currencyCode}`);
    expect(byTransaction.size).toBeGreaterThan(0);
    for (const sides of byTransaction.values()) expect(sum(sides.map(({ amountMinor }) => amountMinor))).toBe(0n);
  });

  it('M4 M5: payments say what the ledger and the refunds say', async () => {
    const transactions = await shop.payment.select().from(ledgerTransactions);
    const entries = await shop.payment.select().from(ledgerEntries);
    const sent = await shop.payment.select().from(refunds);
    for (const payment of await shop.payment.select().from(payments)) {
      const booked = (kind: string) => {
        const ids = transactions.filter((each) => each.paymentId === payment.id && each.kind === kind);
        const debits = entries.filter(
          (entry) => entry.amountMinor > 0n && ids.some(({ id }) => id === entry.transactionId),
        );
        return sum(debits.map(({ amountMinor }) => amountMinor));
      };
      const refunded = sum(sent.filter(({ paymentId }) => paymentId === payment.id).map((each) => each.amountMinor));
      expect(payment.capturedMinor).toBe(booked('CAPTURE'));
      expect(payment.refundedMinor).toBe(booked('REFUND_SENT'));
      expect([refunded, booked('REFUND_GRANTED')]).toEqual([payment.refundedMinor, payment.refundedMinor]);
      expect(payment.refundedMinor <= payment.capturedMinor && payment.capturedMinor <= payment.amountMinor).toBe(true);
    }
  });

  it('M6 M7 M8: what is paid for an order is its total, and nothing when it was called off', async () => {
    const all = await shop.payment.select().from(payments);
    for (const { id, status, totalMinor, currencyCode } of await shop.order.select().from(orders)) {
      const own = all.filter(({ orderId }) => orderId === id);
      const kept = sum(own.map((payment) => payment.capturedMinor - payment.refundedMinor));
      const isPaid = !['AWAITING_PAYMENT', 'CANCELED', 'EXPIRED'].includes(status);
      expect(kept).toBe(isPaid ? totalMinor : 0n);
      expect(own.every((payment) => payment.currencyCode === currencyCode)).toBe(true);
      expect(own.filter((payment) => payment.liveOrderId !== null).length).toBeLessThanOrEqual(1);
    }
  });

  it('M9: the provider of test cards remembers every payment, and no other', async () => {
    const log = await openLog(shop.providerLog);
    const facts = log.facts;
    await log.close();
    const all = await shop.payment.select().from(payments);
    const told = (type: string) => facts.flatMap((fact) => (fact.type === type ? [fact.paymentId] : [])).sort();
    const paymentsThat = (has: (payment: (typeof all)[number]) => boolean) =>
      all
        .filter(has)
        .map(({ id }) => id)
        .sort();
    expect(told('charge.created')).toEqual(paymentsThat(() => true));
    expect(told('charge.approved')).toEqual(paymentsThat(({ capturedMinor }) => capturedMinor > 0n));
    expect(told('charge.declined')).toEqual(paymentsThat(({ status }) => status === 'FAILED'));
    expect(told('refund.succeeded')).toEqual(paymentsThat(({ refundedMinor }) => refundedMinor > 0n));
    for (const fact of facts) {
      if (fact.type !== 'charge.created') continue;
      const payment = all.find(({ id }) => id === fact.paymentId);
      expect(fact).toMatchObject({
        amountMinor: String(payment?.amountMinor),
        currencyCode: payment?.currencyCode,
        chargeId: payment?.providerReference,
      });
    }
  });

  it('M10 O8: an order costs what its lines cost, and those what the catalog quoted', async () => {
    const lines = await shop.order.select().from(orderLines);
    for (const { id, totalMinor, subtotalMinor } of await shop.order.select().from(orders)) {
      const own = lines.filter(({ orderId }) => orderId === id);
      const cost = sum(own.map(({ unitPriceMinor, quantity }) => unitPriceMinor * BigInt(quantity)));
      expect([totalMinor, subtotalMinor]).toEqual([cost, cost]);
    }
  });
});
