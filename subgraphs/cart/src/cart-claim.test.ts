import { newId } from '@souk/platform/id';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLAIM, CREATE, openTestService, READ, type TestService } from '../test-service.ts';

let service: TestService;
beforeAll(async () => {
  service = await openTestService();
});
afterAll(() => service.close());

type Line = { variantId: string; quantity?: number };

async function create(userId: string | null, lines: Line[] = [], currencyCode = 'EUR', note?: string) {
  return (await service.ask(userId, CREATE, { input: { currencyCode, lines, note } })).data.cartCreate.cart;
}

const claim = async (userId: string, cartId: string) => (await service.ask(userId, CLAIM, { cartId })).data.cartClaim;
const read = async (userId: string | null, id: string) => (await service.ask(userId, READ, { id })).data.cart;

describe('claiming a guest cart', () => {
  it('makes it the user’s own when they have none', async () => {
    const [user, shirt] = [newId('User'), await service.knowVariant()];
    const guest = await create(null, [{ variantId: shirt, quantity: 2 }]);
    const { cart, warnings, userErrors } = await claim(user, guest.id);
    expect({ warnings, userErrors }).toEqual({ warnings: [], userErrors: [] });
    expect(cart).toEqual({ ...guest, version: 2, owner: { id: user }, expiresAt: null });
    expect(await read(null, guest.id)).toBeNull();
  });

  it('merges it into the cart they have, says so line by line, and leaves nothing of it', async () => {
    const [user, shirt, socks] = [newId('User'), await service.knowVariant(), await service.knowVariant()];
    const own = await create(user, [{ variantId: shirt, quantity: 2 }]);
    const guest = await create(null, [{ variantId: shirt }, { variantId: socks, quantity: 4 }], 'EUR', 'Ring twice');
    const { cart, warnings } = await claim(user, guest.id);
    const [shirts, pairs] = [own.lines.nodes[0].id, guest.lines.nodes[1].id];
    expect(cart).toMatchObject({ id: own.id, version: 2, totalQuantity: 7, note: 'Ring twice' });
    expect(cart.lines.nodes).toMatchObject([
      { id: shirts, quantity: 3 },
      { id: pairs, quantity: 4 },
    ]);
    expect(warnings).toMatchObject([
      { code: 'MERGED_FROM_GUEST', lineId: shirts, variantId: shirt },
      { code: 'MERGED_FROM_GUEST', lineId: pairs, variantId: socks },
    ]);
    expect(await read(user, guest.id)).toBeNull();
  });

  it('does nothing a second time but give the user’s cart', async () => {
    const [user, shirt] = [newId('User'), await service.knowVariant()];
    const first = await create(null, [{ variantId: shirt }]);
    const second = await create(null, [{ variantId: shirt }]);
    for (const { id } of [first, first, second, second, first]) {
      expect(await claim(user, id)).toMatchObject({ userErrors: [], cart: { id: first.id } });
    }
    expect(await read(user, first.id)).toMatchObject({ version: 3, totalQuantity: 2 });
  });

  it('gives nobody a cart that somebody else claimed', async () => {
    const [user, other, shirt] = [newId('User'), newId('User'), await service.knowVariant()];
    await create(user, [{ variantId: shirt }]);
    await create(other, [{ variantId: shirt }]);
    const guest = await create(null, [{ variantId: shirt }]);
    await claim(user, guest.id);
    for (const cartId of [guest.id, newId('Cart')]) {
      expect(await claim(other, cartId)).toMatchObject({
        cart: null,
        userErrors: [{ code: 'NOT_FOUND', field: ['cartId'] }],
      });
    }
  });

  it('caps at what a cart may hold, and says what was left out', async () => {
    const [user, bulk] = [newId('User'), await service.knowVariant({ available: 5_000, title: 'Screw' })];
    const variants = await Promise.all(Array.from({ length: 100 }, () => service.knowVariant({ title: 'Bolt' })));
    await create(user, [
      { variantId: bulk, quantity: 990 },
      ...variants.slice(0, 98).map((variantId) => ({ variantId })),
    ]);
    const guest = await create(null, [
      { variantId: bulk, quantity: 20 },
      ...variants.slice(98).map((variantId) => ({ variantId })),
    ]);
    const { cart, warnings } = await claim(user, guest.id);
    expect(cart.totalQuantity).toBe(999 + 99);
    expect(warnings).toMatchObject([
      {
        variantId: bulk,
        lineId: cart.lines.nodes[0].id,
        message: expect.stringContaining('Only 9 of the 20 of Screw'),
      },
      { variantId: variants[98], lineId: guest.lines.nodes[1].id, message: '1 of Bolt came from your guest cart.' },
      { variantId: variants[99], lineId: null, message: expect.stringContaining('left out') },
    ]);
  });

  it('refuses another currency and leaves both carts as they were', async () => {
    const [user, shirt] = [newId('User'), await service.knowVariant()];
    const dollars = await service.knowVariant({ currencyCode: 'USD' });
    const own = await create(user, [{ variantId: shirt }]);
    const guest = await create(null, [{ variantId: dollars }], 'USD');
    expect((await claim(user, guest.id)).userErrors).toMatchObject([{ code: 'CURRENCY_MISMATCH', field: ['cartId'] }]);
    expect(await read(user, own.id)).toEqual(own);
    expect(await read(null, guest.id)).toEqual(guest);
  });

  it('lets a guest cart in another currency replace an empty cart', async () => {
    const [user, dollars] = [newId('User'), await service.knowVariant({ currencyCode: 'USD' })];
    const own = await create(user);
    const guest = await create(null, [{ variantId: dollars }], 'USD');
    expect((await claim(user, guest.id)).cart).toMatchObject({ id: guest.id, owner: { id: user }, totalQuantity: 1 });
    expect(await read(user, own.id)).toBeNull();
  });

  it('loses no line when many are claimed at once, by the user and by their sign-in', async () => {
    const variants = await Promise.all(Array.from({ length: 6 }, () => service.knowVariant({ available: 900 })));
    for (const hasCart of [false, true]) {
      const user = newId('User');
      if (hasCart) await create(user);
      const guests = await Promise.all(variants.map((variantId) => create(null, [{ variantId, quantity: 3 }])));
      const signIn = async (cartId: string): Promise<unknown> =>
        // Events are delivered again until they succeed.
        service.hear('user.signed-in', { userId: user, cartId }).catch(() => signIn(cartId));
      await Promise.all(guests.flatMap(({ id }) => [claim(user, id), signIn(id), claim(user, id)]));
      const { cart } = await claim(user, guests[0].id);
      expect(cart).toMatchObject({ owner: { id: user }, totalQuantity: 18 });
    }
  });
});

describe('signing in with a guest cart', () => {
  it('claims it', async () => {
    const [user, shirt] = [newId('User'), await service.knowVariant()];
    const guest = await create(null, [{ variantId: shirt }]);
    await service.hear('user.signed-in', { userId: user, cartId: guest.id });
    expect(await read(user, guest.id)).toMatchObject({ owner: { id: user }, totalQuantity: 1 });
  });

  it('leaves alone what cannot be claimed', async () => {
    const [user, other, shirt] = [newId('User'), newId('User'), await service.knowVariant()];
    const theirs = await create(other, [{ variantId: shirt }]);
    const dollars = await create(null, [{ variantId: await service.knowVariant({ currencyCode: 'USD' }) }], 'USD');
    const own = await create(user, [{ variantId: shirt }]);
    for (const cartId of [theirs.id, dollars.id, newId('Cart')]) {
      expect(await service.hear('user.signed-in', { userId: user, cartId })).toBe('handled');
    }
    expect(await read(other, theirs.id)).toEqual(theirs);
    expect(await read(null, dollars.id)).toEqual(dollars);
    expect(await read(user, own.id)).toEqual(own);
  });
});
