import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { newId } from '@souk/platform/id';
import { scalarsFor } from '@souk/platform/scalars';
import { subgraphSchema } from '@souk/platform/subgraph-server';
import { readSubgraphSdl } from '@souk/schema/subgraphs';
import { graphql } from 'graphql';

export type TestPeers = Awaited<ReturnType<typeof openTestPeers>>;

export interface TestCart {
  id: string;
  ownerId: string;
  version: number;
  currencyCode: string;
  note: string | null;
  lines: {
    id: string;
    variantId: string;
    quantity: number;
    isSelected: boolean;
    price: string;
    currencyCode: string;
  }[];
}

export interface TestVariant {
  title: string;
  sku: string;
  price: string;
  currencyCode: string;
  stock: number;
}

interface HeldLine {
  variantId: string;
  quantity: number;
}

/** What happens to a call: nothing special, the deed is done but its answer never comes, it fails before the deed, or it waits for a while first. */
export type Fault = 'answer lost' | 'unavailable' | Promise<unknown> | undefined;

/**
 * The services an order is made with, as far as it needs them: real HTTP, checked by their real schemas, with a stock that keeps the catalog's
 * promises. A test can let any call go wrong.
 */
export async function openTestPeers() {
  const variants = new Map<string, TestVariant>();
  const carts = new Map<string, TestCart>();
  const addresses = new Map<string, { userId: string; isDefault: boolean; recipient: string }>();
  const holds = new Map<string, HeldLine[]>();
  const released = new Set<string>();
  const calls: string[] = [];
  const faults: { next: (operation: string) => Fault } = { next: () => undefined };

  const available = (variantId: string) =>
    (variants.get(variantId)?.stock ?? 0) -
    [...holds.values()].flat().reduce((sum, line) => sum + (line.variantId === variantId ? line.quantity : 0), 0);

  const resolvers = {
    cart: {
      Query: {
        cartForOrder: (_: unknown, { cartId, userId }: { cartId: string; userId: string }) => {
          const cart = carts.get(cartId);
          if (cart?.ownerId !== userId) return null;
          const nodes = cart.lines.map(({ variantId, price, currencyCode, ...line }) => {
            return { ...line, variant: { id: variantId }, unitPrice: { amount: price, currencyCode } };
          });
          return { ...cart, lines: { nodes } };
        },
      },
    },
    user: {
      Query: {
        addressForOrder: (_: unknown, { userId, addressId }: { userId: string; addressId?: string | null }) => {
          const [found] = [...addresses].filter(
            ([id, address]) => address.userId === userId && (addressId ? id === addressId : address.isDefault),
          );
          if (!found) return null;
          const [id, address] = found;
          return { id, line1: '1 Market Street', city: 'Berlin', countryCode: 'DE', ...address };
        },
      },
    },
    catalog: {
      Query: {
        stockMissing: (_: unknown, { variantIds }: { variantIds: string[] }) =>
          variantIds
            .filter((variantId) => available(variantId) < 1)
            .map((variantId) => ({ code: 'INSUFFICIENT_STOCK', variantId, available: 0, message: 'Sold out.' })),
      },
      Mutation: {
        stockReserve: (_: unknown, { input }: { input: { orderId: string; lines: HeldLine[] } }) => {
          const { orderId, lines } = input;
          if (released.has(orderId)) {
            return { userErrors: [{ code: 'INVALID', message: 'The hold of this order was ended.' }] };
          }
          const userErrors = lines.flatMap(({ variantId, quantity }) => {
            if (!variants.has(variantId)) return [{ code: 'VARIANT_UNAVAILABLE', variantId, message: 'Not on sale.' }];
            const left = available(variantId);
            if (left >= quantity) return [];
            return [{ code: 'INSUFFICIENT_STOCK', variantId, available: left, message: `Only ${left} are left.` }];
          });
          if (userErrors.length > 0) return { userErrors };
          holds.set(orderId, lines);
          const quote = lines.map(({ variantId, quantity }) => {
            const { price, currencyCode, ...facts } = variants.get(variantId) as TestVariant;
            return { ...facts, variantId, quantity, unitPrice: { amount: price, currencyCode } };
          });
          return { reservation: { id: newId('StockReservation'), expiresAt: new Date(), lines: quote }, userErrors };
        },
        stockRelease: (_: unknown, { orderId }: { orderId: string }) => {
          released.add(orderId);
          return holds.delete(orderId);
        },
      },
    },
  };
  const schemas = Object.fromEntries(
    (['cart', 'user', 'catalog'] as const).map((name) => {
      const sdl = readSubgraphSdl(name);
      return [`/${name}`, subgraphSchema(sdl, { ...scalarsFor(sdl), ...resolvers[name] })];
    }),
  );

  const server = createServer(async (request, response) => {
    const { query, variables } = JSON.parse(await text(request));
    const operation = /(?:query|mutation) (\w+)/.exec(query)?.[1] ?? '';
    const fault = faults.next(operation);
    if (fault instanceof Promise) await fault;
    if (fault === 'unavailable') return void response.writeHead(503).end('{"errors":[{"message":"down"}]}');
    calls.push(operation);
    const answer = await graphql({
      schema: schemas[request.url ?? ''] as NonNullable<(typeof schemas)[string]>,
      source: query,
      variableValues: variables,
      contextValue: { caller: { service: 'order', viewer: null } },
    });
    if (fault !== 'answer lost')
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const at = (name: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`;

  return {
    urls: { CART_URL: [at('cart')], USER_URL: [at('user')], CATALOG_URL: [at('catalog')] },
    /** Every call that was carried out, by the name of its operation. */
    calls,
    /** Who holds stock now, by order. */
    holds,
    carts,
    variants,
    available,

    /** Lets calls go wrong as `decide` says, until the next `heal`. */
    fail: (decide: (operation: string) => Fault) => {
      faults.next = decide;
    },
    heal: () => {
      faults.next = () => undefined;
    },
    addVariant(facts: Partial<TestVariant> = {}) {
      const id = newId('ProductVariant');
      variants.set(id, {
        title: 'Linen shirt',
        sku: 'SHIRT-M',
        price: '19.90',
        currencyCode: 'EUR',
        stock: 100,
        ...facts,
      });
      return id;
    },
    addAddress(userId: string, { isDefault = true, recipient = 'Ann Example' } = {}) {
      const id = newId('Address');
      addresses.set(id, { userId, isDefault, recipient });
      return id;
    },
    addCart(ownerId: string, lines: { variantId: string; quantity?: number; isSelected?: boolean; price?: string }[]) {
      const cart: TestCart = {
        id: newId('Cart'),
        ownerId,
        version: 3,
        currencyCode: 'EUR',
        note: null,
        lines: lines.map((line) => {
          return { id: newId('CartLine'), quantity: 1, isSelected: true, price: '19.90', currencyCode: 'EUR', ...line };
        }),
      };
      carts.set(cart.id, cart);
      return cart;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
