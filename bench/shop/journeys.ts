import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Random } from '@souk/dev/seed/random';
import { type Client, send } from '../../tests/client.ts';
import { address, cards } from '../../tests/shopping.ts';

/** What a client does for one measured step, by chance but with the same choices for the same seed. */
export interface Journey {
  name: string;
  says: string;
  /** @returns how many operations it sent */
  take(shopper: Shopper): Promise<number>;
}

export interface Shopper {
  /** Signed in. */
  customer: Client;
  guest: Client;
  random: Random;
  slugs: readonly string[];
  variantIds: readonly string[];
}

const registered = (name: string) =>
  readFileSync(new URL(`../../schema/operations/storefront/${name}.graphql`, import.meta.url), 'utf8');

const operations = {
  browse: `query Browse($first: Int!, $sortKey: ProductSortKey!) {
    products(first: $first, sortKey: $sortKey) {
      nodes {
        id slug title isAvailable
        brand { name }
        category { name }
        featuredMedia { url }
        priceRange { min { amount currencyCode } max { amount } }
      }
      pageInfo { hasNextPage endCursor }
    }
  }`,
  product: `query ProductPage($slug: String!) {
    product(slug: $slug) {
      id title description tags isAvailable
      brand { name slug }
      category { name slug }
      media(first: 5) { nodes { url } }
      options { name values }
      variants(first: 20) { nodes { id sku availability quantityInViewerCart price { amount currencyCode } selectedOptions { name value } } }
    }
  }`,
  cart: `query Cart($id: ID!) {
    cart(id: $id) {
      id version totalQuantity
      cost { subtotal { amount } total { amount currencyCode } }
      lines(first: 20) { nodes { id quantity variant { id sku product { title slug featuredMedia { url } } } } }
    }
  }`,
  search: registered('product-search'),
  cartCreate: registered('cart-create'),
  orderPlace: registered('order-place'),
  paymentStart: registered('payment-start'),
  orderStatus: registered('order-status'),
};

const words = ['running shoe', 'jacket', 'tea', 'cotton', 'lamp', 'bag', '跑步鞋', '茶', 'wool', 'blue', 'kids'];
const sortKeys = ['BEST_SELLING', 'TITLE', 'PRICE', 'CREATED_AT'];

export const journeys: readonly Journey[] = [
  {
    name: 'browse',
    says: 'a page of 24 products with brand, category, picture and prices',
    async take({ guest, random }) {
      await answered(guest, operations.browse, { first: 24, sortKey: random.pick(sortKeys) });
      return 1;
    },
  },
  {
    name: 'search',
    says: 'a search by words, with the first 20 products and facets',
    async take({ guest, random }) {
      await answered(guest, operations.search, { query: random.pick(words) });
      return 1;
    },
  },
  {
    name: 'product page',
    says: 'one product with its pictures and all of its variants',
    async take({ customer, random, slugs }) {
      await answered(customer, operations.product, { slug: random.pick(slugs) });
      return 1;
    },
  },
  {
    name: 'cart',
    says: 'a new cart with two lines, and a look at it: two operations',
    async take({ guest, random, variantIds }) {
      const id = await fillCart(guest, random.some(variantIds, 2));
      await answered(guest, operations.cart, { id });
      return 2;
    },
  },
  {
    name: 'checkout',
    says: 'order two variants, pay by test card, look what became of it: three operations of a signed-in customer',
    async take({ customer, random, variantIds }) {
      const lines = random.some(variantIds, 2).map((variantId) => ({ variantId, quantity: 1 }));
      const placed = await answered(customer, operations.orderPlace, {
        input: { idempotencyKey: randomUUID(), shippingAddress: address, lines },
      });
      const id = idIn(placed, 'orderPlace', 'order');
      const testCard = { number: cards.approved, expiryMonth: 12, expiryYear: 2032, securityCode: '123' };
      const paid = await answered(customer, operations.paymentStart, {
        input: { orderId: id, provider: 'TEST_CARD', testCard, idempotencyKey: randomUUID() },
      });
      idIn(paid, 'paymentStart', 'payment');
      await answered(customer, operations.orderStatus, { id });
      return 3;
    },
  },
];

async function fillCart(client: Client, variantIds: readonly string[]): Promise<string> {
  const lines = variantIds.map((variantId) => ({ variantId, quantity: 1 }));
  return idIn(
    await answered(client, operations.cartCreate, { input: { currencyCode: 'EUR', lines } }),
    'cartCreate',
    'cart',
  );
}

type Data = Record<string, unknown>;

/** A shop that has too much to do, or is broken. Such a journey is counted apart: it would measure something else. */
export class WentWrong extends Error {}

async function answered(client: Client, query: string, variables: Data): Promise<Data> {
  const { data, errors, status } = await send<Data, Data>(client, query, variables);
  if (errors.length > 0 || !data)
    throw new WentWrong(`Expected data, got status ${status} and ${JSON.stringify(errors)}`);
  return data;
}

function idIn(data: Data, payload: string, object: string): string {
  const inside = (data[payload] as Data | null)?.[object] as { id?: string } | null;
  if (!inside?.id) throw new WentWrong(`Expected ${payload} to give its ${object}, got ${JSON.stringify(data)}`);
  return inside.id;
}
