import { readFileSync } from 'node:fs';
import { buildSchema, isInterfaceType } from 'graphql';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { type Answer, ask, newCustomer, type Person, send, staff } from './client.ts';
import { graphql } from './generated/gql.ts';
import { address, createProduct, pay, placedOrder } from './shopping.ts';

const { gatewayUrl, adminUrl } = inject('shop');
const schema = buildSchema(readFileSync(new URL('../schema/api/admin.graphql', import.meta.url), 'utf8'));
const nodeType = schema.getType('Node');
const nodeTypes = isInterfaceType(nodeType) ? schema.getPossibleTypes(nodeType).map(({ name }) => name) : [];

let customer: Person;
const ids: Record<string, string> = {};

const Mine = graphql(`
  mutation Mine($address: AddressInput!, $cart: CartCreateInput!) {
    addressCreate(input: $address) { address { id } }
    cartCreate(input: $cart) { cart { id } }
  }
`);
const Some = graphql(`query Some { viewer { id sessions { id } } categories { id } brands { id } }`);

beforeAll(async () => {
  const admin = await staff(adminUrl, 'ADMIN');
  customer = { ...(await newCustomer(gatewayUrl)), url: adminUrl };
  const product = await createProduct(admin, [3]);
  const variantId = product.variantIds[0] ?? '';
  const order = await placedOrder(customer, [{ variantId, quantity: 1 }]);
  const { payment } = await pay(customer, order.id);
  const mine = await ask(customer, Mine, { address, cart: { currencyCode: 'EUR' } });
  const some = await ask(customer, Some);
  Object.assign(ids, {
    User: customer.userId,
    Address: mine.addressCreate?.address?.id,
    Session: some.viewer?.sessions?.[0]?.id,
    Product: product.id,
    ProductVariant: variantId,
    Category: some.categories?.[0]?.id,
    Brand: some.brands?.[0]?.id,
    Cart: mine.cartCreate?.cart?.id,
    Order: order.id,
    Payment: payment?.id,
  });
});

describe('node(id:)', () => {
  it.each(nodeTypes)('refetches a %s', async (type) => {
    const field = Object.values(
      (schema.getType(type) as ReturnType<typeof schema.getQueryType>)?.getFields() ?? {},
    ).find(
      ({ name, type: fieldType }) =>
        name !== 'id' && /^(String|DateTime|Int|Boolean|PaymentStatus)!$/.test(String(fieldType)),
    );
    const query = `query ($id: ID!) { node(id: $id) { __typename id ... on ${type} { ${field?.name} } } }`;
    const { data, errors } = (await send(customer, query, { id: ids[type] })) as Answer<{ node: unknown }>;
    expect(errors).toEqual([]);
    expect(data?.node).toMatchObject({ __typename: type, id: ids[type], [field?.name ?? '']: expect.anything() });
  });

  it('gives null for an id that no type has', async () => {
    const { data, errors } = await send(customer, `{ node(id: "nonsense") { id } }`);
    expect({ data, errors }).toEqual({ data: { node: null }, errors: [] });
  });
});

const Page = graphql(`
  query Page($first: Int, $after: String, $last: Int, $before: String, $sortKey: ProductSortKey, $reverse: Boolean) {
    products(first: $first, after: $after, last: $last, before: $before, sortKey: $sortKey, reverse: $reverse) {
      edges { cursor node { id } }
      nodes { id }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      totalCount { count precision }
    }
  }
`);

describe('a connection', () => {
  const page = async (variables: object) => {
    const { products } = await ask({ url: gatewayUrl }, Page, variables);
    if (!products) throw new Error('Expected a page, got null.');
    return products;
  };

  it.each(['TITLE', 'PRICE', 'CREATED_AT', 'BEST_SELLING'] as const)(
    'sorted by %s shows every item once, forward and backward',
    async (sortKey) => {
      for (const reverse of [false, true]) {
        const seen: string[] = [];
        let after: string | null | undefined;
        for (let more = true; more; ) {
          const { nodes, pageInfo } = await page({ first: 37, sortKey, reverse, after });
          seen.push(...nodes.map(({ id }) => id));
          after = pageInfo.endCursor;
          more = pageInfo.hasNextPage;
        }
        const { totalCount } = await page({ first: 1, sortKey });
        expect(new Set(seen).size).toBe(seen.length);
        expect(seen.length).toBe(totalCount.count);

        const backward: string[] = [];
        let before: string | null | undefined;
        for (let more = true; more; ) {
          const { nodes, pageInfo } = await page({ last: 37, sortKey, reverse, before });
          backward.unshift(...nodes.map(({ id }) => id));
          before = pageInfo.startCursor;
          more = pageInfo.hasPreviousPage;
        }
        expect(backward).toEqual(seen);
      }
    },
  );

  it('has edges and nodes that agree, and cursors of its first and last edge', async () => {
    const { edges, nodes, pageInfo } = await page({ first: 3 });
    expect(edges.map(({ node }) => node)).toEqual(nodes);
    expect([pageInfo.startCursor, pageInfo.endCursor]).toEqual([edges[0]?.cursor, edges[2]?.cursor]);
  });

  it.each([
    ['first: 101', { first: 101 }],
    ['first: 0', { first: 0 }],
    ['first: -1', { first: -1 }],
    ['first and last', { first: 1, last: 1 }],
    ['a cursor that is none', { first: 1, after: 'nonsense' }],
  ])('refuses %s', async (_, variables) => {
    const { errors } = await send({ url: gatewayUrl }, Page, variables);
    expect(errors[0]?.extensions.code).toBe('BAD_USER_INPUT');
  });

  it('refuses a cursor of another sort order', async () => {
    const { pageInfo } = await page({ first: 1, sortKey: 'TITLE' });
    const { errors } = await send({ url: gatewayUrl }, Page, { first: 1, sortKey: 'PRICE', after: pageInfo.endCursor });
    expect(errors[0]?.extensions.code).toBe('BAD_USER_INPUT');
  });
});
