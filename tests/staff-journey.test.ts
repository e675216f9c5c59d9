import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { ask, type Client, newCustomer, PASSWORD, type Person, send, signIn, staff } from './client.ts';
import { graphql } from './generated/gql.ts';
import { createProduct, orderState, pay, placedOrder, refund, stockOf } from './shopping.ts';

const { gatewayUrl, adminUrl } = inject('shop');
const guest: Client = { url: gatewayUrl };
let admin: Person;
let catalogManager: Person;
let orderManager: Person;

beforeAll(async () => {
  [admin, catalogManager, orderManager] = await Promise.all([
    staff(adminUrl, 'ADMIN'),
    staff(adminUrl, 'CATALOG_MANAGER'),
    staff(adminUrl, 'ORDER_MANAGER'),
  ]);
});

const Find = graphql(`
  query Find($query: String!) {
    productSearch(query: $query) { totalCount { count } nodes { id title } }
  }
`);

const StockAdjust = graphql(`
  mutation StockAdjust($input: StockAdjustInput!) {
    stockAdjust(input: $input) {
      variant { id stock { onHand available } }
      userErrors { code field message }
    }
  }
`);

const ProductUpdate = graphql(`
  mutation ProductUpdate($input: ProductUpdateInput!) {
    productUpdate(input: $input) {
      product { id title version }
      userErrors { code message }
    }
  }
`);

const ProductDelete = graphql(
  `mutation ProductDelete($id: ID!) { productDelete(id: $id) { deletedProductId userErrors { code } } }`,
);
const ProductRestore = graphql(
  `mutation ProductRestore($id: ID!) { productRestore(id: $id) { product { id status version } userErrors { code } } }`,
);
const ProductById = graphql(`query ProductById($id: ID!) { product(id: $id) { title } }`);

describe('a catalog manager', () => {
  it('creates a product with variants and finds it by search at once', async () => {
    const word = `zebra${randomUUID().slice(0, 6)}`;
    const product = await createProduct(catalogManager, [3, 4], { title: `Striped ${word} boots` });
    for (const query of [word, `${word} boot`, word.toUpperCase()]) {
      const { productSearch } = await ask(guest, Find, { query });
      expect(
        productSearch?.nodes.map(({ id }) => id),
        query,
      ).toEqual([product.id]);
      expect(productSearch?.totalCount.count).toBe(1);
    }
  });

  it('finds a product by any part of a Chinese title at once', async () => {
    const product = await createProduct(catalogManager, [1], { title: '霓虹麒麟珐琅花瓶' });
    for (const query of ['霓虹麒麟珐琅花瓶', '麒麟', '珐琅花瓶', '琅']) {
      const { productSearch } = await ask(guest, Find, { query });
      expect(
        productSearch?.nodes.map(({ id }) => id),
        query,
      ).toContain(product.id);
    }
  });

  it('adjusts stock once per idempotency key and never below what is there', async () => {
    const { variantIds } = await createProduct(catalogManager, [5]);
    const variantId = variantIds[0] ?? '';
    const input = { variantId, delta: 7, reason: 'delivery', idempotencyKey: randomUUID() };
    await ask(catalogManager, StockAdjust, { input });
    const { stockAdjust } = await ask(catalogManager, StockAdjust, { input });
    expect(stockAdjust).toMatchObject({ userErrors: [], variant: { stock: { onHand: 12 } } });
    const refused = await ask(catalogManager, StockAdjust, {
      input: { variantId, delta: -13, reason: 'lost', idempotencyKey: randomUUID() },
    });
    expect(refused.stockAdjust?.userErrors).toMatchObject([{ code: 'NEGATIVE_STOCK' }]);
    expect(await stockOf(catalogManager, variantId)).toMatchObject({ onHand: 12, available: 12 });
  });

  it('learns that somebody else was faster, and what the product is now', async () => {
    const { id, version } = await createProduct(catalogManager, [1]);
    const first = await ask(catalogManager, ProductUpdate, { input: { id, expectedVersion: version, title: 'First' } });
    expect(first.productUpdate).toMatchObject({ userErrors: [], product: { title: 'First' } });
    const second = await ask(catalogManager, ProductUpdate, {
      input: { id, expectedVersion: version, title: 'Second' },
    });
    expect(second.productUpdate).toMatchObject({
      userErrors: [{ code: 'STALE_VERSION' }],
      product: { title: 'First' },
    });
  });

  it('takes a product out of the shop and brings it back as a draft to publish again', async () => {
    const { id } = await createProduct(catalogManager, [1]);
    expect((await ask(catalogManager, ProductDelete, { id })).productDelete).toMatchObject({
      deletedProductId: id,
      userErrors: [],
    });
    const shown = async () => (await ask(guest, ProductById, { id })).product;
    await expect.poll(shown, { timeout: 2_500 }).toBeNull();
    const { productRestore } = await ask(catalogManager, ProductRestore, { id });
    expect(productRestore).toMatchObject({ userErrors: [], product: { status: 'DRAFT' } });
    expect(await shown()).toBeNull();
    const expectedVersion = productRestore?.product?.version ?? 0;
    await ask(catalogManager, ProductUpdate, { input: { id, expectedVersion, status: 'ACTIVE' } });
    await expect.poll(shown, { timeout: 2_500 }).not.toBeNull();
  });
});

const OrderTransition = graphql(`
  mutation OrderTransition($input: OrderTransitionInput!) {
    orderTransition(input: $input) {
      order { id status version }
      userErrors { code message }
    }
  }
`);

describe('an order manager', () => {
  it('ships a paid order and refunds part of it, never more than was paid', async () => {
    const { variantIds } = await createProduct(admin, [5]);
    const customer = await newCustomer(gatewayUrl);
    const { id } = await placedOrder(customer, [{ variantId: variantIds[0] ?? '', quantity: 2 }]);
    const unpaid = await orderState(orderManager, id);
    const tooEarly = await ask(orderManager, OrderTransition, {
      input: { orderId: id, to: 'SHIPPED', expectedVersion: unpaid.version },
    });
    expect(tooEarly.orderTransition?.userErrors).toMatchObject([{ code: 'INVALID_TRANSITION' }]);

    const { payment } = await pay(customer, id);
    await vi.waitFor(async () => expect((await orderState(customer, id)).status).toBe('CONFIRMED'), 2_000);
    for (const to of ['PROCESSING', 'SHIPPED'] as const) {
      const { version } = await orderState(orderManager, id);
      const { orderTransition } = await ask(orderManager, OrderTransition, {
        input: { orderId: id, to, expectedVersion: version },
      });
      expect(orderTransition).toMatchObject({ userErrors: [], order: { status: to } });
    }

    const giveBack = (amount: string) => refund(orderManager, payment?.id ?? '', amount);
    expect((await giveBack('21.81')).userErrors).toMatchObject([{ code: 'REFUND_EXCEEDS_CAPTURED' }]);
    expect(await giveBack('5.00')).toMatchObject({
      userErrors: [],
      refund: { amount: { amount: '5.00' } },
    });
    await vi.waitFor(async () => {
      const { paymentStatus, payments } = await orderState(orderManager, id);
      expect({ paymentStatus, refunded: payments?.[0]?.refundedAmount.amount }).toEqual({
        paymentStatus: 'PARTIALLY_REFUNDED',
        refunded: '5.00',
      });
    }, 5_000);
    expect((await giveBack('16.81')).userErrors).toMatchObject([{ code: 'REFUND_EXCEEDS_CAPTURED' }]);
  });
});

const UserSuspend = graphql(
  `mutation UserSuspend($input: UserSuspendInput!) { userSuspend(input: $input) { user { id status } userErrors { code } } }`,
);
const UserReinstate = graphql(
  `mutation UserReinstate($userId: ID!) { userReinstate(userId: $userId) { user { status } userErrors { code } } }`,
);
const Viewer = graphql(`query Viewer { viewer { id email roles } }`);
const RoleGrants = graphql(`query RoleGrants { roleGrants { role scopes version } }`);
const RoleScopesSet = graphql(
  `mutation RoleScopesSet($input: RoleScopesSetInput!) { roleScopesSet(input: $input) { grant { version } userErrors { code message } } }`,
);
const UserRolesSet = graphql(
  `mutation UserRolesSet($input: UserRolesSetInput!) { userRolesSet(input: $input) { user { roles } userErrors { code } } }`,
);
const Orders = graphql(`query Orders { orders(first: 1) { nodes { id } } }`);

/** What must be in force within a second. */
const withinASecond = (assertion: () => Promise<void>) => vi.waitFor(assertion, { timeout: 1_000, interval: 20 });

describe('an administrator', () => {
  it('suspends a user, whose next request is refused within a second, and reinstates them', async () => {
    const customer = await newCustomer(gatewayUrl);
    expect((await ask(customer, Viewer)).viewer?.id).toBe(customer.userId);
    const suspended = await ask(admin, UserSuspend, { input: { userId: customer.userId, reason: 'fraud' } });
    expect(suspended.userSuspend).toMatchObject({ userErrors: [], user: { status: 'SUSPENDED' } });
    await withinASecond(async () => {
      const { status, errors } = await send(customer, Viewer);
      expect({ status, code: errors[0]?.extensions.code }).toEqual({ status: 401, code: 'UNAUTHENTICATED' });
    });
    await expect(signIn(gatewayUrl, customer.email, PASSWORD)).rejects.toThrow('ACCOUNT_SUSPENDED');
    await ask(admin, UserReinstate, { userId: customer.userId });
    await withinASecond(async () => {
      const again = await signIn(gatewayUrl, customer.email, PASSWORD);
      expect((await send(again, Viewer)).status).toBe(200);
    });
  });

  it("changes a role's scopes, in force at once for tokens issued before", async () => {
    const support = await staff(adminUrl, 'SUPPORT');
    await ask(support, Orders);
    const grant = async () => {
      const { roleGrants } = await ask(admin, RoleGrants);
      const found = roleGrants?.find(({ role }) => role === 'SUPPORT');
      if (!found) throw new Error('Expected a grant for SUPPORT.');
      return found;
    };
    const before = await grant();
    const scopes = before.scopes.filter((scope) => scope !== 'order:read');
    await ask(admin, RoleScopesSet, { input: { role: 'SUPPORT', scopes, expectedVersion: before.version } });
    try {
      await withinASecond(async () =>
        expect((await send(support, Orders)).errors[0]?.extensions.code).toBe('FORBIDDEN'),
      );
    } finally {
      const { version } = await grant();
      await ask(admin, RoleScopesSet, { input: { role: 'SUPPORT', scopes: before.scopes, expectedVersion: version } });
    }
    await withinASecond(async () => expect((await send(support, Orders)).errors).toEqual([]));
  });

  it("changes a user's roles, in force at once for their token", async () => {
    const person = await newCustomer(gatewayUrl);
    const atStaffDoor = { ...person, url: adminUrl };
    expect((await send(atStaffDoor, Orders)).errors[0]?.extensions.code).toBe('FORBIDDEN');
    await ask(admin, UserRolesSet, { input: { userId: person.userId, roles: ['CUSTOMER', 'ORDER_MANAGER'] } });
    await withinASecond(async () => expect((await send(atStaffDoor, Orders)).errors).toEqual([]));
    await ask(admin, UserRolesSet, { input: { userId: person.userId, roles: ['CUSTOMER'] } });
    await withinASecond(async () =>
      expect((await send(atStaffDoor, Orders)).errors[0]?.extensions.code).toBe('FORBIDDEN'),
    );
  });

  it('cannot take their own rights away, and so not the last administrator', async () => {
    const { userRolesSet } = await ask(admin, UserRolesSet, { input: { userId: admin.userId, roles: ['CUSTOMER'] } });
    expect(userRolesSet?.userErrors).toMatchObject([{ code: 'SELF_NOT_ALLOWED' }]);
    expect((await ask(admin, Viewer)).viewer?.roles).toContain('ADMIN');
  });
});
