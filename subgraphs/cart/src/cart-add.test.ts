import { newId } from '@souk/platform/id';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADD, CLAIM, CREATE, countStatements, openTestService, READ, type TestService } from '../test-service.ts';

let service: TestService;
beforeAll(async () => {
  service = await openTestService();
});
afterAll(() => service.close());

async function guestCart(lines: { variantId: string; quantity?: number }[] = []) {
  return (await service.ask(null, CREATE, { input: { currencyCode: 'EUR', lines } })).data.cartCreate.cart;
}

async function add(
  cartId: string,
  lines: { variantId: string; quantity?: number }[],
  { key, userId = null }: { key?: string; userId?: string | null } = {},
) {
  const { data } = await service.ask(userId, ADD, { input: { cartId, lines, idempotencyKey: key } });
  return data.cartLinesAdd;
}

const read = async (id: string) => (await service.ask(null, READ, { id })).data.cart;

describe('adding lines', () => {
  it('raises the quantity of what is there, sums repeated variants, and raises the version once', async () => {
    const shirt = await service.knowVariant();
    const before = await guestCart([{ variantId: shirt, quantity: 2 }]);
    const { cart, userErrors } = await add(before.id, [{ variantId: shirt, quantity: 3 }, { variantId: shirt }]);
    expect(userErrors).toEqual([]);
    expect(cart).toMatchObject({ version: 2, lines: { nodes: [{ id: before.lines.nodes[0].id, quantity: 6 }] } });
  });

  it('loses nothing when many requests add at once', async () => {
    const [shirt, socks] = [
      await service.knowVariant({ available: 999 }),
      await service.knowVariant({ available: 999 }),
    ];
    const { id } = await guestCart();
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, number) =>
        add(id, [{ variantId: number % 2 ? shirt : socks, quantity: 2 }, { variantId: shirt }]),
      ),
    );
    expect(answers.flatMap(({ userErrors }) => userErrors)).toEqual([]);
    expect(new Set(answers.map(({ cart }) => cart.version)).size).toBe(40);
    const cart = await read(id);
    expect(cart).toMatchObject({ version: 41, totalQuantity: 120 });
    expect(cart.lines.nodes).toHaveLength(2);
  });

  it('needs the same few statements for one line and for fifty', async () => {
    const variants = await Promise.all(Array.from({ length: 51 }, () => service.knowVariant()));
    const { id } = await guestCart();
    const one = await countStatements(() => add(id, [{ variantId: variants[0] ?? '' }]));
    const fifty = await countStatements(() =>
      add(
        id,
        variants.slice(1).map((variantId) => ({ variantId })),
      ),
    );
    expect(fifty).toBe(one);
    expect(one).toBeLessThan(10);
  });

  it('gives every objection at once, with the place in the input, and changes nothing', async () => {
    const [few, hidden, dollars, plenty] = await Promise.all([
      service.knowVariant({ available: 3 }),
      service.knowVariant({ isSellable: false }),
      service.knowVariant({ currencyCode: 'USD' }),
      service.knowVariant({ available: 5_000 }),
    ]);
    const unknown = newId('ProductVariant');
    const before = await guestCart([
      { variantId: few, quantity: 2 },
      { variantId: plenty, quantity: 999 },
    ]);
    const { cart, userErrors } = await add(before.id, [
      { variantId: few, quantity: 2 },
      { variantId: hidden },
      { variantId: dollars },
      { variantId: unknown },
      { variantId: plenty },
    ]);
    const path = (index: number, part: string) => ['input', 'lines', String(index), part];
    expect(userErrors).toMatchObject([
      { code: 'INSUFFICIENT_STOCK', field: path(0, 'quantity'), variantId: few, available: 3 },
      { code: 'VARIANT_UNAVAILABLE', field: path(1, 'variantId'), variantId: hidden },
      { code: 'CURRENCY_MISMATCH', field: path(2, 'variantId'), variantId: dollars },
      { code: 'VARIANT_NOT_FOUND', field: path(3, 'variantId'), variantId: unknown },
      { code: 'QUANTITY_TOO_LARGE', field: path(4, 'quantity'), variantId: plenty },
    ]);
    expect(cart).toEqual(before);
    expect(await read(before.id)).toEqual(before);
  });

  it('refuses quantities below one', async () => {
    const shirt = await service.knowVariant();
    const { id, version } = await guestCart();
    for (const quantity of [0, -1, -2_147_483_648]) {
      const { userErrors } = await add(id, [{ variantId: shirt, quantity }]);
      expect(userErrors).toMatchObject([{ code: 'INVALID', field: ['input', 'lines', '0', 'quantity'] }]);
    }
    expect((await add(id, [{ variantId: shirt, quantity: 2_147_483_647 }])).userErrors).toMatchObject([
      { code: 'QUANTITY_TOO_LARGE' },
    ]);
    expect((await read(id)).version).toBe(version);
  });

  it('refuses the hundred and first variant, and more than a hundred lines at once', async () => {
    const variants = await Promise.all(Array.from({ length: 101 }, () => service.knowVariant()));
    const lines = variants.map((variantId) => ({ variantId }));
    const { id } = await guestCart(lines.slice(0, 100));
    expect((await add(id, lines.slice(100))).userErrors).toMatchObject([
      { code: 'CART_TOO_LARGE', field: ['input', 'lines'] },
    ]);
    expect((await add(id, lines)).userErrors).toMatchObject([{ code: 'INVALID', field: ['input', 'lines'] }]);
    expect((await add(id, lines.slice(0, 100))).userErrors).toEqual([]);
    expect(await read(id)).toMatchObject({ totalQuantity: 200, version: 2 });
  });
});

describe('an idempotency key', () => {
  it('adds once, however often and however parallel the request is repeated', async () => {
    const shirt = await service.knowVariant();
    const { id } = await guestCart();
    const answers = await Promise.all(Array.from({ length: 5 }, () => add(id, [{ variantId: shirt }], { key: 'tap' })));
    expect(answers.map(({ cart }) => cart.totalQuantity)).toEqual([1, 1, 1, 1, 1]);
    expect((await add(id, [{ variantId: shirt }], { key: 'TAP' })).cart.totalQuantity).toBe(2);
  });

  it('is refused for another input, and is free again after a refusal', async () => {
    const few = await service.knowVariant({ available: 1 });
    const { id } = await guestCart();
    expect((await add(id, [{ variantId: few, quantity: 2 }], { key: 'k' })).userErrors).toMatchObject([
      { code: 'INSUFFICIENT_STOCK' },
    ]);
    expect((await add(id, [{ variantId: few }], { key: 'k' })).cart.totalQuantity).toBe(1);
    expect((await add(id, [{ variantId: few, quantity: 2 }], { key: 'k' })).userErrors).toMatchObject([
      { code: 'IDEMPOTENCY_KEY_REUSED', field: ['input', 'idempotencyKey'] },
    ]);
    expect((await add(id, [{ variantId: few }], { key: '' })).userErrors).toMatchObject([{ code: 'INVALID' }]);
    expect((await read(id)).totalQuantity).toBe(1);
  });

  it('shows nobody a cart that has become somebody else’s', async () => {
    const shirt = await service.knowVariant();
    const { id } = await guestCart();
    await add(id, [{ variantId: shirt }], { key: 'mine' });
    await service.ask(newId('User'), CLAIM, { cartId: id });
    expect(await add(id, [{ variantId: shirt }], { key: 'mine' })).toMatchObject({
      cart: null,
      userErrors: [{ code: 'NOT_FOUND' }],
    });
  });
});
