import { beforeAll, describe, expect, inject, it } from 'vitest';
import { ask, type Client, type Person, staff } from './client.ts';
import { counted, counter } from './counters.ts';
import { graphql } from './generated/gql.ts';

const { gatewayUrl, adminUrl, metricsUrls } = inject('shop');
const guest: Client = { url: gatewayUrl };
let manager: Person;

beforeAll(async () => {
  manager = await staff(adminUrl, 'ADMIN');
});

const metrics = (name: string) => metricsUrls[name as keyof typeof metricsUrls];
const counters = {
  subgraphRequests: () => counter(metrics('gateway'), 'souk_subgraph_requests_total'),
  ...Object.fromEntries(
    ['user', 'catalog', 'cart', 'order', 'payment'].map((name) => [
      name,
      () => counter(metrics(name), 'souk_sql_statements_total', 'cause="request"'),
    ]),
  ),
};

const OrderPage = graphql(`
  query OrderPage($first: Int!) {
    orders(first: $first, reverse: false) {
      nodes {
        id
        number
        status
        total { amount currencyCode }
        paymentStatus
        customer { id displayName email defaultShippingAddress { city } }
        lines(first: 20) {
          nodes {
            title
            quantity
            variant { id sku price { amount } stock { available } product { id title brand { name } category { name parent { name } } featuredMedia { url } } }
          }
        }
      }
    }
  }
`);

const ProductPage = graphql(`
  query ProductPage($first: Int!) {
    products(first: $first) {
      nodes {
        id
        title
        brand { id name }
        category { id name parent { name } }
        media(first: 2) { nodes { url } }
        options { name values }
        variants(first: 10) { nodes { id price { amount } availability quantityInViewerCart } }
      }
    }
  }
`);

const CustomerPage = graphql(`
  query CustomerPage($first: Int!) {
    users(first: $first) {
      nodes { id email orders(first: 3) { nodes { id number lines(first: 5) { nodes { title } } } } cart { id } }
    }
  }
`);

describe('a page costs as much for fifty rows as for ten', () => {
  it.each<[string, number, (first: number) => Promise<unknown>]>([
    ['orders with lines, variants, products and customers', 50, (first) => ask(manager, OrderPage, { first })],
    ['products with brands, categories, media and variants', 50, (first) => ask(guest, ProductPage, { first })],
    ['customers with their last orders', 30, (first) => ask(manager, CustomerPage, { first })],
  ])('%s', async (name, many, page) => {
    const cost = (first: number) => counted(counters, () => page(first));
    await cost(10);
    const few = await cost(10);
    const full = await cost(many);
    process.stdout.write(`${name}: ${JSON.stringify(full)}\n`);
    expect(full).toEqual(few);
    const sql = Object.entries(full).reduce(
      (sum, [part, count]) => (part === 'subgraphRequests' ? sum : sum + count),
      0,
    );
    expect(sql).toBeLessThanOrEqual(20);
    expect(full['subgraphRequests']).toBeLessThanOrEqual(6);
  });
});
