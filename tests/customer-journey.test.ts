import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { ask, type Client, newCustomer, PASSWORD, type Person, send, signIn, staff } from './client.ts';
import { graphql } from './generated/gql.ts';
import { cancelOrder, cards, createProduct, orderState, pay, placedOrder, placeOrder, stockOf } from './shopping.ts';

const { gatewayUrl, adminUrl } = inject('shop');
let manager: Person;

beforeAll(async () => {
  manager = await staff(adminUrl, 'ADMIN');
});

const CartCreate = graphql(`
  mutation CartCreate($input: CartCreateInput!) {
    cartCreate(input: $input) {
      cart { id version totalQuantity cost { subtotal { amount currencyCode } } }
      userErrors { code message variantId available }
    }
  }
`);

const CartLinesAdd = graphql(`
  mutation CartLinesAdd($input: CartLinesAddInput!) {
    cartLinesAdd(input: $input) {
      cart { id version totalQuantity lines { nodes { id quantity variant { id sku } } } }
      userErrors { code message variantId available }
    }
  }
`);

const CartClaim = graphql(`
  mutation CartClaim($cartId: ID!) {
    cartClaim(cartId: $cartId) {
      cart { id version owner { id } totalQuantity }
      userErrors { code message }
    }
  }
`);

const CartState = graphql(`
  query CartState($id: ID!) {
    cart(id: $id) { id version totalQuantity cost { total { amount } } lines { nodes { id quantity isSelected variant { id } } } }
  }
`);

const guest: Client = { url: gatewayUrl };

async function cartWith(variantIds: string[], quantity = 1, owner: Client = guest) {
  const created = await ask(owner, CartCreate, { input: { currencyCode: 'EUR' } });
  const cartId = created.cartCreate?.cart?.id ?? '';
  // A new product reaches the cart's own copy of the catalog by an event, so the first try may come too early.
  const cart = await vi.waitFor(async () => {
    const { cartLinesAdd } = await ask(owner, CartLinesAdd, {
      input: { cartId, lines: variantIds.map((variantId) => ({ variantId, quantity })) },
    });
    expect(cartLinesAdd?.userErrors).toEqual([]);
    return cartLinesAdd?.cart;
  }, 5_000);
  if (!cart) throw new Error('Expected a cart, got null.');
  return cart;
}

const Browse = graphql(`
  query Browse($slug: String!) {
    category(slug: $slug) {
      name
      children { slug }
      products(first: 5) { totalCount { count precision } pageInfo { hasNextPage endCursor } nodes { id title priceRange { min { amount currencyCode } } featuredMedia { url } } }
    }
  }
`);

const Search = graphql(`
  query Search($query: String!, $filters: [FacetFilterInput!]) {
    productSearch(query: $query, first: 50, filters: $filters) {
      totalCount { count precision }
      didYouMean
      nodes { id title brand { id name } isAvailable }
      facets { id kind values { id label count } }
    }
  }
`);

describe('a customer', () => {
  it('shops from sign-up to a refund', { timeout: 60_000 }, async () => {
    const { variantIds } = await createProduct(manager, [5, 5, 5]);

    const { email, userId } = await newCustomer(gatewayUrl, 'Ada');
    const cart = await cartWith(variantIds, 2);
    expect(cart).toMatchObject({ totalQuantity: 6 });

    const customer = await signIn(gatewayUrl, email, PASSWORD);
    const { cartClaim } = await ask(customer, CartClaim, { cartId: cart.id });
    expect(cartClaim).toMatchObject({ userErrors: [], cart: { owner: { id: userId }, totalQuantity: 6 } });
    const cartId = cartClaim?.cart?.id ?? '';
    const cartVersion = cartClaim?.cart?.version ?? 0;

    const wrongPrice = await placeOrder(customer, {
      cartId,
      cartVersion,
      expectedTotal: { amount: '1.00', currencyCode: 'EUR' },
    });
    expect(wrongPrice).toMatchObject({
      order: null,
      userErrors: [{ code: 'PRICE_CHANGED', currentTotal: { amount: '71.40' } }],
    });
    expect((await stockOf(manager, variantIds[0] ?? '')).reserved).toBe(0);

    const { order, userErrors } = await placeOrder(customer, {
      cartId,
      cartVersion,
      expectedTotal: { amount: '71.40', currencyCode: 'EUR' },
    });
    expect(userErrors).toEqual([]);
    expect(order).toMatchObject({ status: 'AWAITING_PAYMENT', total: { amount: '71.40', currencyCode: 'EUR' } });
    const orderId = order?.id ?? '';
    expect(await stockOf(manager, variantIds[0] ?? '')).toMatchObject({ onHand: 5, reserved: 2, available: 3 });
    expect((await ask(customer, CartState, { id: cartId })).cart?.totalQuantity).toBe(6);

    const declined = await pay(customer, orderId, cards.declined);
    expect(declined.payment).toMatchObject({ status: 'FAILED', failure: { code: expect.any(String) } });
    expect((await orderState(customer, orderId)).status).toBe('AWAITING_PAYMENT');

    const paid = await pay(customer, orderId);
    expect(paid).toMatchObject({
      userErrors: [],
      payment: { status: 'CAPTURED', capturedAmount: { amount: '71.40' } },
    });
    await vi.waitFor(async () => expect((await orderState(customer, orderId)).status).toBe('CONFIRMED'), 2_000);

    await vi.waitFor(async () => {
      for (const variantId of variantIds) {
        const { onHand, reserved, movements } = await stockOf(manager, variantId);
        expect({ onHand, reserved }).toEqual({ onHand: 3, reserved: 0 });
        expect(movements.filter(({ kind }) => kind === 'COMMITTED')).toHaveLength(1);
      }
      expect((await ask(customer, CartState, { id: cartId })).cart?.totalQuantity).toBe(0);
    }, 5_000);

    expect(await cancelOrder(customer, orderId)).toMatchObject({ userErrors: [], order: { status: 'CANCELED' } });
    await vi.waitFor(async () => {
      const state = await orderState(customer, orderId);
      expect(state.paymentStatus).toBe('REFUNDED');
      expect(state.payments?.find(({ status }) => status === 'REFUNDED')).toMatchObject({
        refundedAmount: { amount: '71.40' },
        refunds: [{ status: 'SUCCEEDED' }],
      });
      expect(await stockOf(manager, variantIds[0] ?? '')).toMatchObject({ onHand: 5, reserved: 0, available: 5 });
    }, 10_000);
    const { events } = await orderState(customer, orderId);
    expect(events.nodes.map(({ from, to, actor }) => [from, to, actor])).toEqual([
      [null, 'AWAITING_PAYMENT', 'CUSTOMER'],
      ['AWAITING_PAYMENT', 'CONFIRMED', 'PAYMENT_PROVIDER'],
      ['CONFIRMED', 'CANCELED', 'CUSTOMER'],
    ]);
  });

  it('browses the category tree', async () => {
    const Roots = graphql(`query Roots { categories { slug name children { slug } } }`);
    const { categories } = await ask(guest, Roots);
    const parent = categories?.find(({ children }) => children.length > 0);
    if (!parent) throw new Error('Expected a category with children in the demo shop.');
    const { category } = await ask(guest, Browse, { slug: parent.slug });
    expect(category?.products?.nodes.length).toBeGreaterThan(0);
    expect(category?.products?.totalCount.count).toBeGreaterThanOrEqual(category?.products?.nodes.length ?? 1);
  });

  it.each(['鞋', '运动鞋', 'shoe', 'a'])(
    'searches for %s and filters by the facets it is shown, whose counts are true',
    async (query) => {
      const { productSearch } = await ask(guest, Search, { query });
      if (query.length > 1 || query === '鞋') expect(productSearch?.nodes.length).toBeGreaterThan(0);
      for (const facet of productSearch?.facets ?? []) {
        for (const value of facet.values.slice(0, 3)) {
          if (facet.kind === 'PRICE_RANGE') continue;
          const filtered = await ask(guest, Search, { query, filters: [{ facetId: facet.id, valueIds: [value.id] }] });
          expect(filtered.productSearch?.totalCount.count, `${facet.id} ${value.id}`).toBe(value.count);
        }
      }
    },
  );

  it('gets the same order for the same idempotency key, and a refusal for another body under it', async () => {
    const { variantIds } = await createProduct(manager, [10]);
    const customer = await newCustomer(gatewayUrl);
    const idempotencyKey = randomUUID();
    const lines = [{ variantId: variantIds[0] ?? '', quantity: 1 }];
    const answers = await Promise.all(Array.from({ length: 5 }, () => placeOrder(customer, { lines, idempotencyKey })));
    expect(new Set(answers.map(({ order }) => order?.id)).size).toBe(1);
    expect(await stockOf(manager, variantIds[0] ?? '')).toMatchObject({ reserved: 1 });
    const reused = await placeOrder(customer, {
      lines: [{ variantId: variantIds[0] ?? '', quantity: 2 }],
      idempotencyKey,
    });
    expect(reused).toMatchObject({ order: null, userErrors: [{ code: 'IDEMPOTENCY_KEY_REUSED' }] });
    expect(await stockOf(manager, variantIds[0] ?? '')).toMatchObject({ reserved: 1 });
  });

  it('is charged once, however often the payment is sent', async () => {
    const { variantIds } = await createProduct(manager, [10]);
    const customer = await newCustomer(gatewayUrl);
    const { id } = await placedOrder(customer, [{ variantId: variantIds[0] ?? '', quantity: 1 }]);
    const key = randomUUID();
    await Promise.all([
      pay(customer, id, cards.approved, key),
      pay(customer, id, cards.approved, key),
      pay(customer, id),
      pay(customer, id),
    ]);
    const { payments } = await orderState(customer, id);
    expect(payments?.filter(({ status }) => status === 'CAPTURED')).toHaveLength(1);
  });

  it('does not see what another customer ordered', async () => {
    const { variantIds } = await createProduct(manager, [1]);
    const [owner, stranger] = await Promise.all([newCustomer(gatewayUrl), newCustomer(gatewayUrl)]);
    const { id } = await placedOrder(owner, [{ variantId: variantIds[0] ?? '', quantity: 1 }]);
    const Peek = graphql(
      `query Peek($id: ID!) { order(id: $id) { number } node(id: $id) { ... on Order { number } } }`,
    );
    const { data } = await send(stranger, Peek, { id });
    expect(data).toEqual({ order: null, node: null });
    expect(await cancelOrder(stranger, id)).toMatchObject({ userErrors: [{ code: 'NOT_FOUND' }] });
    expect((await pay(stranger, id)).userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
    expect((await orderState(owner, id)).status).toBe('AWAITING_PAYMENT');
  });
});

describe('two hundred customers at once', () => {
  it('buy twenty units: exactly twenty of them', { timeout: 120_000 }, async () => {
    const { variantIds } = await createProduct(manager, [20]);
    const variantId = variantIds[0] ?? '';
    const customers = await Promise.all(Array.from({ length: 4 }, () => newCustomer(gatewayUrl)));
    const buyers = Array.from({ length: 200 }, (_, index) => customers[index % customers.length] as Person);
    const answers = await Promise.all(
      buyers.map((customer) => placeOrder(customer, { lines: [{ variantId, quantity: 1 }] })),
    );
    const placed = answers.filter(({ order }) => order);
    expect(placed).toHaveLength(20);
    for (const { order, userErrors } of answers)
      if (!order) expect(userErrors).toMatchObject([{ code: 'INSUFFICIENT_STOCK', available: 0 }]);
    expect(await stockOf(manager, variantId)).toMatchObject({ onHand: 20, reserved: 20, available: 0 });
  });
});
