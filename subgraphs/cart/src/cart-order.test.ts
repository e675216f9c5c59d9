import { newId } from '@souk/platform/id';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ADD,
  CLAIM,
  CREATE,
  countStatements,
  openTestService,
  READ,
  type TestService,
  UPDATE,
} from '../test-service.ts';

const FOR_ORDER = `query ($cartId: ID!, $userId: ID!) {
  cartForOrder(cartId: $cartId, userId: $userId) { id version note currencyCode lines(first: 100) { nodes { id isSelected quantity variant { id } } } }
}`;

let service: TestService;
let shirt: string;
let socks: string;
beforeAll(async () => {
  service = await openTestService();
  [shirt, socks] = [await service.knowVariant(), await service.knowVariant()];
});
afterAll(() => service.close());

async function create(userId: string | null) {
  const lines = [
    { variantId: shirt, quantity: 2 },
    { variantId: socks, quantity: 3 },
  ];
  return (await service.ask(userId, CREATE, { input: { currencyCode: 'EUR', lines } })).data.cartCreate.cart;
}

const read = async (userId: string | null, id: string) => (await service.ask(userId, READ, { id })).data.cart;
const forOrder = async (cartId: string, userId: string) =>
  (await service.askAsOrder(FOR_ORDER, { cartId, userId })).data.cartForOrder;
const confirm = (userId: string, cartId: string | null, lines: { variantId: string; quantity: number }[]) =>
  service.hear('order.confirmed', { orderId: newId('Order'), userId, cartId, lines });

describe('the cart for an order', () => {
  it('has all lines, selected or not, in one statement', async () => {
    const user = newId('User');
    const { id, lines } = await create(user);
    await service.ask(user, UPDATE, {
      input: { cartId: id, lines: [{ lineId: lines.nodes[1].id, isSelected: false }] },
    });
    const statements = await countStatements(async () => {
      expect(await forOrder(id, user)).toMatchObject({
        id,
        version: 2,
        lines: { nodes: [{ isSelected: true, quantity: 2, variant: { id: shirt } }, { isSelected: false }] },
      });
    });
    expect(statements).toBe(1);
  });

  it('is null for another user and for an unknown cart; a guest cart is for whoever knows it', async () => {
    const owned = await create(newId('User'));
    const guest = await create(null);
    expect(await forOrder(owned.id, newId('User'))).toBeNull();
    expect(await forOrder(newId('Cart'), newId('User'))).toBeNull();
    expect(await forOrder(guest.id, newId('User'))).toMatchObject({ id: guest.id });
  });

  it('is told to services only', async () => {
    const user = newId('User');
    const { id } = await create(user);
    const { data, errors } = await service.ask(user, FOR_ORDER, { cartId: id, userId: user });
    expect(data.cartForOrder).toBeNull();
    expect(errors[0]?.extensions['code']).toBe('FORBIDDEN');
  });

  it('always has exactly the lines of its version', async () => {
    const user = newId('User');
    const { id } = await create(user);
    const input = { cartId: id, lines: [{ variantId: shirt }] };
    const changes = Array.from({ length: 20 }, () => service.ask(user, ADD, { input }));
    const seen = await Promise.all(Array.from({ length: 40 }, () => forOrder(id, user)));
    await Promise.all(changes);
    for (const { version, lines } of seen) expect(lines.nodes[0].quantity).toBe(version + 1);
  });
});

describe('a confirmed order', () => {
  it('takes what was ordered out of the cart and leaves what was added since', async () => {
    const user = newId('User');
    const { id } = await create(user);
    const input = { cartId: id, lines: [{ variantId: socks, quantity: 2 }] };
    await service.ask(user, ADD, { input });
    await confirm(user, id, [
      { variantId: shirt, quantity: 2 },
      { variantId: socks, quantity: 3 },
    ]);
    expect(await read(user, id)).toMatchObject({
      version: 3,
      totalQuantity: 2,
      lines: { nodes: [{ variant: { id: socks } }] },
    });
  });

  it('acts once, however often it is told', async () => {
    const user = newId('User');
    const { id } = await create(user);
    const told = { orderId: newId('Order'), userId: user, cartId: id, lines: [{ variantId: socks, quantity: 1 }] };
    const event = { id: newId('Event') };
    expect(await service.hear('order.confirmed', told, event)).toBe('handled');
    expect(await service.hear('order.confirmed', told, event)).toBe('repeated');
    expect(await read(user, id)).toMatchObject({ version: 2, totalQuantity: 4 });
  });

  it('finds its lines where a claim has merged them meanwhile', async () => {
    const user = newId('User');
    const own = await create(user);
    const guest = await create(null);
    await service.ask(user, CLAIM, { cartId: guest.id });
    await confirm(user, guest.id, [{ variantId: shirt, quantity: 2 }]);
    expect(await read(user, own.id)).toMatchObject({
      totalQuantity: 8,
      lines: { nodes: [{ quantity: 2 }, { quantity: 6 }] },
    });
  });

  it('touches no cart when it was made without one, or when cart or lines are gone', async () => {
    const user = newId('User');
    const cart = await create(user);
    await confirm(user, null, [{ variantId: shirt, quantity: 1 }]);
    await confirm(user, newId('Cart'), [{ variantId: shirt, quantity: 1 }]);
    await confirm(user, cart.id, [{ variantId: newId('ProductVariant'), quantity: 1 }]);
    expect(await read(user, cart.id)).toEqual(cart);
  });
});
