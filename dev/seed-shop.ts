import { variantFacts } from '@souk/cart/tables';
import { products as productTable } from '@souk/catalog/tables';
import { orders as orderTable } from '@souk/order/tables';
import { payments as paymentTable } from '@souk/payment/tables';
import { type Database, type OpenDatabase, openDatabase, type Transaction, transaction } from '@souk/platform/database';
import { type SubgraphName, subgraphNames } from '@souk/schema/subgraphs';
import { users as userTable } from '@souk/user/tables';
import { count, eq } from 'drizzle-orm';
import type { MySqlColumn, MySqlTable } from 'drizzle-orm/mysql-core';
import { byName } from './by-name.ts';
import { type DemoOrder, ordersOf } from './seed/orders.ts';
import { customers, staff } from './seed/people.ts';
import { type DemoProduct, productAt } from './seed/products.ts';
import { appendToProviderLog } from './seed/provider-log.ts';
import { salesByVariant } from './seed/stock-history.ts';
import { writeVariantFacts } from './seed/write-cart.ts';
import { writePlaces, writeProducts, writeReservations } from './seed/write-catalog.ts';
import { writeOrders } from './seed/write-orders.ts';
import { writePayments } from './seed/write-payments.ts';
import { writePeople } from './seed/write-users.ts';

/**
 * Fills a shop with the demo: products, staff, customers, and what they have ordered so far. The same number of products gives the same rows,
 * down to their ids; only the salt of the password differs. A shop that has products already is left as it is, unless more are asked for.
 *
 * It writes straight into the databases, each part in one transaction and the catalog last: a shop is filled when it has products, and filling that
 * was interrupted goes on where it stopped.
 */
export async function seedShop(target: SeedTarget, options: SeedOptions = {}): Promise<void> {
  const { products: wanted = 500, add = false, hasPast = true, onProgress } = options;
  const stores = byName(subgraphNames, (name) => openDatabase({ url: target.databaseUrls[name], poolSize: 2 }));
  try {
    const from = await countProducts(stores.catalog.db);
    if (from > 0 && !add) return void target.say?.(`${from} products are there already`);

    let variants = 0;
    let orders: DemoOrder[] = [];
    for (let done = 0; done < wanted; ) {
      const size = Math.min(SLICE, wanted - done);
      const slice = Array.from({ length: size }, (_, index) => productAt(from + done + index));
      if (from + done === 0) {
        orders = hasPast ? ordersOf(slice, Math.min(Math.round(wanted * ORDERS_PER_PRODUCT), MAX_ORDERS)) : [];
        await writePast(stores, orders, target.providerLog);
      }
      await writeSlice(stores, slice, { orders: done === 0 ? orders : [], mediaUrl: target.mediaUrl });
      variants += slice.reduce((sum, product) => sum + product.variants.length, 0);
      done += size;
      onProgress?.(done);
    }
    target.say?.(`${wanted} products, ${variants} variants, ${orders.length} orders`);
  } finally {
    await Promise.all(Object.values(stores).map((store) => store.close()));
  }
}

export interface SeedTarget {
  databaseUrls: Record<SubgraphName, string>;
  /** The log of the provider of test cards, who has to know of the payments of the past. */
  providerLog: string;
  /** What the addresses of all pictures begin with. */
  mediaUrl: string;
  /** Tells what was done. */
  say?: (text: string) => void;
}

export interface SeedOptions {
  /** How many. Default 500. */
  products?: number;
  /** Adds products to those that are there; nobody has ordered them yet. */
  add?: boolean;
  /** Whether customers of an empty shop have ordered before. Default true. */
  hasPast?: boolean;
  /** Hears how many products have been written so far. */
  onProgress?: (products: number) => void;
}

type Stores = Record<SubgraphName, OpenDatabase>;

/** Products that are written together. Past orders are of the first of these only. */
const SLICE = 1_000;
const ORDERS_PER_PRODUCT = 0.4;
const MAX_ORDERS = 400;

export async function countProducts(db: Database): Promise<number> {
  const [row] = await db.select({ count: count() }).from(productTable);
  return row?.count ?? 0;
}

/** The people, and what they have done in the shop so far. */
async function writePast(stores: Stores, orders: readonly DemoOrder[], providerLog: string): Promise<void> {
  const people = [...staff, ...customers];
  const payments = orders.flatMap((order) => order.payments);
  await appendToProviderLog(providerLog, orders);
  await Promise.all([
    writeOnce(stores.user, userTable, userTable.id, people[0]?.id, (tx) => writePeople(tx, people)),
    writeOnce(stores.order, orderTable, orderTable.id, orders[0]?.id, (tx) => writeOrders(tx, orders)),
    writeOnce(stores.payment, paymentTable, paymentTable.id, payments[0]?.id, (tx) => writePayments(tx, orders)),
  ]);
}

async function writeSlice(
  stores: Stores,
  products: readonly DemoProduct[],
  { orders, mediaUrl }: { orders: readonly DemoOrder[]; mediaUrl: string },
): Promise<void> {
  const sales = salesByVariant(orders);
  const firstVariant = products[0]?.variants[0]?.id;
  await writeOnce(stores.cart, variantFacts, variantFacts.variantId, firstVariant, (tx) =>
    writeVariantFacts(tx, products, sales),
  );
  await transaction(stores.catalog.db, async (tx) => {
    await writePlaces(tx, mediaUrl);
    await writeReservations(tx, orders);
    await writeProducts(tx, products, { sales, mediaUrl });
  });
}

/** Writes rows in one transaction, unless the first of them is there: then an earlier attempt has written them all. */
async function writeOnce(
  { db }: OpenDatabase,
  table: MySqlTable,
  key: MySqlColumn,
  first: string | undefined,
  write: (tx: Transaction) => Promise<void>,
): Promise<void> {
  if (first === undefined) return;
  const present = await db.select({ key }).from(table).where(eq(key, first));
  if (present.length === 0) await transaction(db, write);
}
