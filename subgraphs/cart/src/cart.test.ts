import { newId } from '@souk/platform/id';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ADD,
  CART_FIELDS,
  CLAIM,
  CLEAR,
  CREATE,
  countStatements,
  openTestService,
  READ,
  REMOVE,
  type TestService,
  UPDATE,
} from '../test-service.ts';

let service: TestService;
beforeAll(async () => {
  service = await openTestService();
});
afterAll(() => service.close());

async function create(userId: string | null, input: Record<string, unknown> = {}) {
  const { data } = await service.ask(userId, CREATE, { input: { currencyCode: 'EUR', ...input } });
  return data.cartCreate;
}

const ENTITIES = `query ($of: [_Any!]!) { _entities(representations: $of) { ... on Cart { id version } ... on CartLine { id quantity } ... on User { id cart { id } } ... on ProductVariant { id quantityInViewerCart } } }`;

describe('making a cart', () => {
  it('gives a guest an empty cart that lives a month after its last change', async () => {
    const { cart, userErrors } = await create(null, { note: '  Ring twice. ' });
    expect(userErrors).toEqual([]);
    expect(cart).toMatchObject({ version: 1, totalQuantity: 0, owner: null, note: 'Ring twice.', currencyCode: 'EUR' });
    expect(cart.cost).toEqual({
      subtotal: { amount: '0.00', currencyCode: 'EUR' },
      shippingEstimate: null,
      total: { amount: '0.00' },
      isEstimated: true,
    });
    const days = (Date.parse(cart.expiresAt) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(29.9);
    expect(days).toBeLessThan(30.1);
  });

  it('puts the first lines in right away', async () => {
    const [shirt, socks] = [
      await service.knowVariant(),
      await service.knowVariant({ priceMinor: '500', title: 'Socks' }),
    ];
    const { cart } = await create(null, { lines: [{ variantId: shirt, quantity: 2 }, { variantId: socks }] });
    expect(cart.lines.nodes).toMatchObject([
      {
        variant: { id: shirt },
        quantity: 2,
        isSelected: true,
        unitPrice: { amount: '19.90' },
        subtotal: { amount: '39.80' },
      },
      { variant: { id: socks }, quantity: 1, unitPrice: { amount: '5.00' } },
    ]);
    expect(cart).toMatchObject({ totalQuantity: 3, cost: { subtotal: { amount: '44.80' } } });
  });

  it('refuses as a whole when a line cannot be had, and leaves no cart behind', async () => {
    const user = newId('User');
    const { cart, userErrors } = await create(user, { lines: [{ variantId: newId('ProductVariant') }] });
    expect(cart).toBeNull();
    expect(userErrors).toMatchObject([{ code: 'VARIANT_NOT_FOUND', field: ['input', 'lines', '0', 'variantId'] }]);
    const { data } = await service.ask(user, ENTITIES, { of: [{ __typename: 'User', id: user }] });
    expect(data._entities).toEqual([{ id: user, cart: null }]);
  });

  it('refuses a note of more than 500 characters', async () => {
    const { cart, userErrors } = await create(null, { note: 'x'.repeat(501) });
    expect(cart).toBeNull();
    expect(userErrors).toMatchObject([{ code: 'INVALID', field: ['input', 'note'] }]);
  });

  it('fills the cart a user has instead of making a second one', async () => {
    const [user, shirt] = [newId('User'), await service.knowVariant()];
    const first = await create(user, { lines: [{ variantId: shirt }] });
    const again = await create(user, { lines: [{ variantId: shirt, quantity: 2 }], note: 'Gift' });
    expect(again.cart).toMatchObject({
      id: first.cart.id,
      version: 2,
      totalQuantity: 3,
      note: 'Gift',
      owner: { id: user },
      expiresAt: null,
    });
    expect((await create(user)).cart.version).toBe(2);
  });

  it('makes one cart of many first carts made at once, and loses no line', async () => {
    const [user, shirt] = [newId('User'), await service.knowVariant({ available: 999 })];
    const made = await Promise.all(Array.from({ length: 8 }, () => create(user, { lines: [{ variantId: shirt }] })));
    expect(new Set(made.map(({ cart }) => cart.id)).size).toBe(1);
    const { data } = await service.ask(user, READ, { id: made[0].cart.id });
    expect(data.cart.totalQuantity).toBe(8);
  });

  it('changes currency only while the cart is empty', async () => {
    const [user, shirt] = [newId('User'), await service.knowVariant()];
    const { cart } = await create(user, { lines: [{ variantId: shirt }] });
    const refused = await create(user, { currencyCode: 'USD' });
    expect(refused).toMatchObject({
      cart: null,
      userErrors: [{ code: 'CURRENCY_MISMATCH', field: ['input', 'currencyCode'] }],
    });
    expect((await service.ask(user, READ, { id: cart.id })).data.cart).toEqual(cart);

    await service.ask(user, CLEAR, { cartId: cart.id });
    const dollars = await create(user, { currencyCode: 'USD' });
    expect(dollars.cart.currencyCode).toBe('USD');
    expect(dollars.cart.id).not.toBe(cart.id);
  });

  it('names carts by ids of which nobody can tell one from another', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => create(null)));
    // Beyond the instant in the first ten characters, neighbours share nothing but by chance.
    const tails = made.map(({ cart }) => cart.id.slice('cart_'.length + 10));
    expect(new Set(tails.map((tail) => tail.slice(0, 6))).size).toBe(20);
  });
});

describe('who may see a cart', () => {
  it('is whoever holds the id of a guest cart, and only the owner of another', async () => {
    const [owner, stranger] = [newId('User'), newId('User')];
    const [guest, owned] = [(await create(null)).cart.id, (await create(owner)).cart.id];
    const seenBy = async (userId: string | null, id: string) => (await service.ask(userId, READ, { id })).data.cart?.id;
    expect(await Promise.all([null, owner, stranger].map((who) => seenBy(who, guest)))).toEqual([guest, guest, guest]);
    expect(await Promise.all([null, owner, stranger].map((who) => seenBy(who, owned)))).toEqual([
      undefined,
      owned,
      undefined,
    ]);
  });

  it('is the same on the way of entities; a line alone is shown to its owner only', async () => {
    const [owner, stranger, shirt] = [newId('User'), newId('User'), await service.knowVariant()];
    const owned = (await create(owner, { lines: [{ variantId: shirt, quantity: 3 }] })).cart;
    const guest = (await create(null, { lines: [{ variantId: shirt }] })).cart;
    const of = [
      { __typename: 'Cart', id: owned.id },
      { __typename: 'CartLine', id: owned.lines.nodes[0].id },
      { __typename: 'CartLine', id: guest.lines.nodes[0].id },
      { __typename: 'User', id: owner },
      { __typename: 'ProductVariant', id: shirt },
    ];
    const seenBy = async (userId: string | null) => {
      const { data, errors } = await service.ask(userId, ENTITIES, { of });
      return userId === null ? [data, errors.map(({ extensions }) => extensions['code'])] : data._entities;
    };
    expect(await seenBy(owner)).toEqual([
      { id: owned.id, version: 1 },
      { id: owned.lines.nodes[0].id, quantity: 3 },
      null,
      { id: owner, cart: { id: owned.id } },
      { id: shirt, quantityInViewerCart: 3 },
    ]);
    expect(await seenBy(stranger)).toEqual([
      null,
      null,
      null,
      { id: owner, cart: null },
      { id: shirt, quantityInViewerCart: 0 },
    ]);
    expect(await seenBy(null)).toEqual([
      { _entities: [null, null, null, { id: owner, cart: null }, { id: shirt, quantityInViewerCart: null }] },
      ['UNAUTHENTICATED'],
    ]);
  });

  it('lets nobody but the owner change an owned cart, and tells them no more than that there is none', async () => {
    const [owner, shirt] = [newId('User'), await service.knowVariant()];
    const { cart } = await create(owner, { lines: [{ variantId: shirt }] });
    const [{ id: lineId }] = cart.lines.nodes;
    const attempts = [
      [ADD, { input: { cartId: cart.id, lines: [{ variantId: shirt }] } }],
      [ADD, { input: { cartId: cart.id, lines: [{ variantId: shirt }], idempotencyKey: 'theirs' } }],
      [UPDATE, { input: { cartId: cart.id, lines: [{ lineId, quantity: 0 }] } }],
      [REMOVE, { input: { cartId: cart.id, lineIds: [lineId] } }],
      [CLEAR, { cartId: cart.id }],
      [CLAIM, { cartId: cart.id }],
    ] as const;
    for (const [document, variables] of attempts) {
      const { data } = await service.ask(newId('User'), document, variables);
      const [answer] = Object.values(data) as { cart: unknown; userErrors: unknown }[];
      expect(answer).toMatchObject({ cart: null, userErrors: [{ code: 'NOT_FOUND' }] });
    }
    expect((await service.ask(owner, READ, { id: cart.id })).data.cart).toEqual(cart);
  });

  it('tells a malformed id from an unknown one', async () => {
    const { errors } = await service.ask(null, READ, { id: newId('Order') });
    expect(errors[0]?.message).toContain('"cart_"');
    expect(errors[0]?.extensions['code']).toBe('BAD_USER_INPUT');
    expect((await service.ask(null, READ, { id: newId('Cart') })).data.cart).toBeNull();
  });
});

describe('reading', () => {
  it('costs one statement, however many lines, variants and carts', async () => {
    const user = newId('User');
    const variants = await Promise.all(Array.from({ length: 30 }, () => service.knowVariant()));
    const { cart } = await create(user, { lines: variants.map((variantId) => ({ variantId })) });
    expect(await countStatements(() => service.ask(user, READ, { id: cart.id }))).toBe(1);

    const others = await Promise.all(Array.from({ length: 5 }, () => create(null)));
    const document = `query ($of: [_Any!]!) { _entities(representations: $of) { ... on Cart { ${CART_FIELDS} } } }`;
    const of = [cart, ...others.map((made) => made.cart)].map(({ id }) => ({ __typename: 'Cart', id }));
    expect(await countStatements(() => service.ask(user, document, { of }))).toBe(1);

    const ofVariants = variants.map((id) => ({ __typename: 'ProductVariant', id }));
    expect(await countStatements(() => service.ask(user, ENTITIES, { of: ofVariants }))).toBe(1);
  });

  it('pages through the lines in the order they were added', async () => {
    const variants = await Promise.all(Array.from({ length: 5 }, () => service.knowVariant()));
    const { cart } = await create(null, { lines: variants.map((variantId) => ({ variantId })) });
    const document = `query ($id: ID!, $after: String) {
      cart(id: $id) { lines(first: 3, after: $after) { edges { node { variant { id } } } pageInfo { hasNextPage endCursor } totalCount { count precision } } }
    }`;
    const page = async (after?: string) => (await service.ask(null, document, { id: cart.id, after })).data.cart.lines;
    const first = await page();
    const second = await page(first.pageInfo.endCursor);
    const seen = [...first.edges, ...second.edges].map(({ node }) => node.variant.id);
    expect(seen).toEqual(variants);
    expect(first).toMatchObject({ pageInfo: { hasNextPage: true }, totalCount: { count: 5, precision: 'EXACT' } });
    expect(second.pageInfo.hasNextPage).toBe(false);
  });

  it('shows after a change what is true then, also where the same request read it before', async () => {
    const [user, shirt] = [newId('User'), await service.knowVariant()];
    const { cart } = await create(user);
    const add = `cartLinesAdd(input: { cartId: "${cart.id}", lines: [{ variantId: "${shirt}" }] }) { cart { owner { cart { totalQuantity } } } }`;
    const { data } = await service.ask(user, `mutation { first: ${add} second: ${add} }`);
    expect([data.first, data.second].map((answer) => answer.cart.owner.cart.totalQuantity)).toEqual([1, 2]);
  });
});
