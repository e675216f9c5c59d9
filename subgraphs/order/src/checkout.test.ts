import { newId } from '@souk/platform/id';
import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestService, PLACE, type TestService } from '../test-service.ts';
import { checkouts, orders } from './tables.ts';

let service: TestService;

beforeAll(async () => {
  service = await openTestService();
});
afterAll(() => service.close());

const place = async (userId: string, input: Record<string, unknown>) => {
  const { data, errors } = await service.ask(userId, PLACE, {
    input: { idempotencyKey: crypto.randomUUID(), ...input },
  });
  expect(errors).toEqual([]);
  return data.orderPlace;
};
const ordersOf = (userId: string) => service.db.select().from(orders).where(eq(orders.userId, userId));

/** Places, expects a refusal, and that it left nothing behind: no order, no hold. */
async function expectRefusal(userId: string, input: Record<string, unknown>, ...userErrors: Record<string, unknown>[]) {
  const holdsBefore = service.shop.holds.size;
  const answer = await place(userId, input);
  expect(answer.order).toBeNull();
  expect(answer.userErrors).toMatchObject(userErrors);
  expect(answer.userErrors).toHaveLength(userErrors.length);
  expect(await ordersOf(userId)).toEqual([]);
  expect(service.shop.holds.size).toBe(holdsBefore);
  return answer.userErrors;
}

describe('orderPlace from a cart', () => {
  it('orders the selected lines at the quoted prices and holds their stock', async () => {
    const { shop } = service;
    const userId = service.newCustomer();
    const shirt = shop.addVariant();
    const cup = shop.addVariant({ title: 'Cup', sku: 'CUP', price: '7.05' });
    const cart = shop.addCart(userId, [
      { variantId: shirt, quantity: 2 },
      { variantId: cup, quantity: 3, price: '7.05' },
      { variantId: shop.addVariant(), isSelected: false },
    ]);
    cart.note = 'Ring twice';

    const { order, userErrors } = await place(userId, { cartId: cart.id, cartVersion: 3, email: 'ann@example.com' });
    expect(userErrors).toEqual([]);
    expect(order).toMatchObject({
      status: 'AWAITING_PAYMENT',
      version: 1,
      allowedActions: ['PAY', 'CANCEL', 'EDIT_ADDRESS'],
      customer: { id: userId },
      email: 'ann@example.com',
      note: 'Ring twice',
      cancelReason: null,
      subtotal: { amount: '60.95' },
      shippingTotal: { amount: '0.00' },
      taxTotal: { amount: '0.00' },
      total: { amount: '60.95', currencyCode: 'EUR' },
      shippingAddress: { recipient: 'Ann Example', line1: '1 Market Street', city: 'Berlin', countryCode: 'DE' },
      events: { nodes: [{ from: null, to: 'AWAITING_PAYMENT', actor: 'CUSTOMER', message: null }] },
    });
    expect(order.number).toMatch(/^SK-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$/);
    expect(order.lines.totalCount).toEqual({ count: 2 });
    expect(order.lines.nodes).toEqual([
      {
        title: 'Linen shirt',
        sku: 'SHIRT-M',
        quantity: 2,
        variant: { id: shirt },
        unitPrice: { amount: '19.90' },
        subtotal: { amount: '39.80', currencyCode: 'EUR' },
      },
      {
        title: 'Cup',
        sku: 'CUP',
        quantity: 3,
        variant: { id: cup },
        unitPrice: { amount: '7.05' },
        subtotal: { amount: '21.15', currencyCode: 'EUR' },
      },
    ]);
    expect(new Date(order.paymentDueAt).getTime() - Date.now()).toBeGreaterThan(590_000);
    expect(shop.holds.get(order.id)).toEqual([
      { variantId: shirt, quantity: 2 },
      { variantId: cup, quantity: 3 },
    ]);
    expect(service.reminders).toContainEqual({ orderId: order.id, delayMs: 600_000 });
    const [attempt] = await service.db.select().from(checkouts).where(eq(checkouts.orderId, order.id));
    expect(attempt?.state).toBe('PLACED');
  });

  it('orders the named lines instead of the selected ones', async () => {
    const userId = service.newCustomer();
    const [one, other] = [service.shop.addVariant(), service.shop.addVariant()];
    const cart = service.shop.addCart(userId, [{ variantId: one }, { variantId: other, isSelected: false }]);
    const { order } = await place(userId, { cartId: cart.id, lineIds: [cart.lines[1]?.id] });
    expect(order.lines.nodes).toMatchObject([{ variant: { id: other } }]);
  });

  it('refuses a cart that is empty, changed, unknown or of somebody else, and lines it does not have', async () => {
    const userId = service.newCustomer();
    const variantId = service.shop.addVariant();
    const cart = service.shop.addCart(userId, [{ variantId }]);
    const empty = service.shop.addCart(userId, [{ variantId, isSelected: false }]);
    const foreign = service.shop.addCart(newId('User'), [{ variantId }]);
    await expectRefusal(userId, { cartId: empty.id }, { code: 'CART_EMPTY' });
    await expectRefusal(userId, { cartId: cart.id, lineIds: [] }, { code: 'CART_EMPTY' });
    await expectRefusal(userId, { cartId: cart.id, cartVersion: 2 }, { code: 'CART_CHANGED' });
    await expectRefusal(userId, { cartId: newId('Cart') }, { code: 'NOT_FOUND', field: ['input', 'cartId'] });
    await expectRefusal(userId, { cartId: foreign.id }, { code: 'NOT_FOUND', field: ['input', 'cartId'] });
    const lineIds = [cart.lines[0]?.id, newId('CartLine')];
    await expectRefusal(userId, { cartId: cart.id, lineIds }, { code: 'NOT_FOUND', field: ['input', 'lineIds', '1'] });
  });

  it('orders one version of a cart once, until the order is called off', async () => {
    const userId = service.newCustomer();
    const cart = service.shop.addCart(userId, [{ variantId: service.shop.addVariant() }]);
    const first = await place(userId, { cartId: cart.id });
    const second = await place(userId, { cartId: cart.id });
    expect(second).toMatchObject({ order: null, userErrors: [{ code: 'CART_ALREADY_ORDERED' }] });
    await service.ask(
      userId,
      `mutation ($id: ID!) { orderCancel(input: { orderId: $id, reason: OTHER }) { order { id } } }`,
      {
        id: first.order.id,
      },
    );
    expect((await place(userId, { cartId: cart.id })).order).not.toBeNull();
  });

  it('orders one version of a cart once also when many try at the same time, and releases what the others held', async () => {
    const userId = service.newCustomer();
    const variantId = service.shop.addVariant({ stock: 100 });
    const cart = service.shop.addCart(userId, [{ variantId }]);
    const answers = await Promise.all(Array.from({ length: 8 }, () => place(userId, { cartId: cart.id })));
    expect(answers.filter(({ order }) => order)).toHaveLength(1);
    for (const { order, userErrors } of answers) {
      if (!order) expect(userErrors).toMatchObject([{ code: 'CART_ALREADY_ORDERED' }]);
    }
    expect(await ordersOf(userId)).toHaveLength(1);
    expect(service.shop.available(variantId)).toBe(99);
  });
});

describe('orderPlace without a cart', () => {
  it('buys lines at once, those of one variant together', async () => {
    const userId = service.newCustomer();
    const variantId = service.shop.addVariant();
    const lines = [1, 2].map((quantity) => ({ variantId, quantity }));
    const { order } = await place(userId, { lines });
    expect(order.lines.nodes).toMatchObject([{ quantity: 3, variant: { id: variantId } }]);
  });

  it('keeps two orders of the same lines apart', async () => {
    const userId = service.newCustomer();
    const lines = [{ variantId: service.shop.addVariant(), quantity: 1 }];
    await place(userId, { lines });
    await place(userId, { lines });
    expect(await ordersOf(userId)).toHaveLength(2);
  });

  it('refuses what is not there to be sold, one error for each line at fault', async () => {
    const userId = service.newCustomer();
    const scarce = service.shop.addVariant({ stock: 1 });
    const unknown = newId('ProductVariant');
    const lines = [
      { variantId: scarce, quantity: 2 },
      { variantId: unknown, quantity: 1 },
    ];
    await expectRefusal(
      userId,
      { lines },
      { code: 'INSUFFICIENT_STOCK', variantId: scarce, available: 1, field: ['input', 'lines', '0', 'quantity'] },
      { code: 'VARIANT_UNAVAILABLE', variantId: unknown },
    );
  });

  it('begins nothing for what was sold out a moment ago, until there is some again', async () => {
    const userId = service.newCustomer();
    const variantId = service.shop.addVariant({ stock: 0 });
    const lines = [{ variantId, quantity: 1 }];
    const soldOut = { code: 'INSUFFICIENT_STOCK', variantId, available: 0, field: ['input', 'lines', '0', 'quantity'] };
    await expectRefusal(userId, { lines }, soldOut);
    const attempts = () => service.db.select().from(checkouts).where(eq(checkouts.userId, userId));
    const attemptsBefore = await attempts();
    const callsBefore = service.shop.calls.length;
    await Promise.all(Array.from({ length: 20 }, () => expectRefusal(userId, { lines }, soldOut)));
    expect(await attempts()).toEqual(attemptsBefore);
    expect(service.shop.calls.slice(callsBefore).filter((call) => call !== 'AddressForOrder').length).toBeLessThan(20);

    Object.assign(service.shop.variants.get(variantId) ?? {}, { stock: 1 });
    expect((await place(userId, { lines })).order).not.toBeNull();
  });

  it('reserves all the same when it cannot look', async () => {
    const userId = service.newCustomer();
    const variantId = service.shop.addVariant({ stock: 0 });
    const lines = [{ variantId, quantity: 1 }];
    await expectRefusal(userId, { lines }, { code: 'INSUFFICIENT_STOCK' });
    Object.assign(service.shop.variants.get(variantId) ?? {}, { stock: 1 });
    service.shop.fail((operation) => (operation === 'StockMissing' ? 'unavailable' : undefined));
    expect((await place(userId, { lines })).order).not.toBeNull();
    service.shop.heal();
  });

  it('refuses malformed wishes without asking anybody', async () => {
    const userId = service.newCustomer();
    const variantId = service.shop.addVariant();
    const cartId = newId('Cart');
    const line = { variantId, quantity: 1 };
    const callsBefore = service.shop.calls.length;
    await expectRefusal(userId, {}, { code: 'REQUIRED', field: ['input', 'cartId'] });
    await expectRefusal(userId, { lines: [] }, { code: 'REQUIRED' });
    await expectRefusal(userId, { cartId, lines: [line] }, { code: 'INVALID', field: ['input', 'lines'] });
    await expectRefusal(userId, { lines: [line], lineIds: [newId('CartLine')] }, { code: 'INVALID' });
    await expectRefusal(userId, { lines: [line], cartVersion: 1 }, { code: 'INVALID' });
    await expectRefusal(userId, { lines: [{ variantId, quantity: 0 }] }, { code: 'INVALID' });
    await expectRefusal(userId, { lines: [{ variantId, quantity: -5 }] }, { code: 'INVALID' });
    await expectRefusal(userId, { lines: [{ variantId, quantity: 1000 }] }, { code: 'QUANTITY_TOO_LARGE' });
    await expectRefusal(userId, { lines: [line, { variantId, quantity: 999 }] }, { code: 'QUANTITY_TOO_LARGE' });
    const many = Array.from({ length: 101 }, () => ({ variantId: newId('ProductVariant'), quantity: 1 }));
    await expectRefusal(userId, { lines: many }, { code: 'ORDER_TOO_LARGE' });
    await expectRefusal(
      userId,
      { lines: [line], note: 'x'.repeat(501) },
      { code: 'INVALID', field: ['input', 'note'] },
    );
    await expectRefusal(userId, { lines: [line], idempotencyKey: '' }, { code: 'INVALID' });
    expect(service.shop.calls.length).toBe(callsBefore);
  });

  it('answers ids of another kind with BAD_USER_INPUT naming the right prefix', async () => {
    const lines = [{ variantId: newId('Product'), quantity: 1 }];
    const { errors } = await service.ask(service.newCustomer(), PLACE, { input: { lines, idempotencyKey: 'k' } });
    expect(errors[0]?.message).toContain('"vari_"');
  });
});

describe('the address of an order', () => {
  it('is one of the book, or one given for this order only', async () => {
    const userId = service.newCustomer();
    const addressId = service.shop.addAddress(userId, { isDefault: false, recipient: 'The office' });
    const lines = [{ variantId: service.shop.addVariant(), quantity: 1 }];
    const booked = await place(userId, { lines, shippingAddressId: addressId });
    expect(booked.order.shippingAddress.recipient).toBe('The office');
    const shippingAddress = {
      recipient: ' Bob ',
      line1: '2 Quay',
      city: 'Basel',
      countryCode: 'CH',
      postalCode: '4001',
    };
    const typed = await place(userId, { lines, shippingAddress });
    expect(typed.order.shippingAddress).toMatchObject({ ...shippingAddress, recipient: 'Bob', phone: null });
  });

  it('is required, must be the customer’s own, and is checked line by line', async () => {
    const homeless = newId('User');
    const lines = [{ variantId: service.shop.addVariant(), quantity: 1 }];
    await expectRefusal(homeless, { lines }, { code: 'ADDRESS_REQUIRED' });
    const foreign = service.shop.addAddress(newId('User'), { isDefault: false });
    await expectRefusal(homeless, { lines, shippingAddressId: foreign }, { code: 'NOT_FOUND' });
    const bad = { recipient: ' ', line1: 'x'.repeat(201), city: 'Basel', countryCode: 'CH' };
    await expectRefusal(
      homeless,
      { lines, shippingAddress: bad },
      { code: 'REQUIRED', field: ['input', 'shippingAddress', 'recipient'] },
      { code: 'INVALID', field: ['input', 'shippingAddress', 'line1'] },
    );
    const good = { recipient: 'Bob', line1: '2 Quay', city: 'Basel', countryCode: 'CH' };
    await expectRefusal(homeless, { lines, shippingAddress: good, shippingAddressId: foreign }, { code: 'INVALID' });
  });
});

describe('the price of an order', () => {
  const total = (amount: string, currencyCode = 'EUR') => ({ amount, currencyCode });

  it('must be the expected total, where the customer says one', async () => {
    const userId = service.newCustomer();
    const lines = [{ variantId: service.shop.addVariant(), quantity: 2 }];
    const refusal = { code: 'PRICE_CHANGED', field: ['input', 'expectedTotal'], currentTotal: total('39.80') };
    await expectRefusal(userId, { lines, expectedTotal: total('39.79') }, refusal);
    await expectRefusal(userId, { lines, expectedTotal: total('39.80', 'USD') }, { code: 'CURRENCY_MISMATCH' });
    expect((await place(userId, { lines, expectedTotal: total('39.80') })).order).not.toBeNull();
  });

  it('must be what the cart shows, where the customer says none', async () => {
    const userId = service.newCustomer();
    const variantId = service.shop.addVariant({ price: '21.00' });
    const cart = service.shop.addCart(userId, [{ variantId, price: '19.90' }]);
    await expectRefusal(
      userId,
      { cartId: cart.id },
      { code: 'PRICE_CHANGED', variantId, currentTotal: total('21.00') },
    );
    expect((await place(userId, { cartId: cart.id, expectedTotal: total('21.00') })).order).not.toBeNull();
  });

  it('is in one currency', async () => {
    const userId = service.newCustomer();
    const yuan = service.shop.addVariant({ currencyCode: 'CNY' });
    const lines = [yuan, service.shop.addVariant()].map((variantId) => ({ variantId, quantity: 1 }));
    await expectRefusal(userId, { lines }, { code: 'CURRENCY_MISMATCH' });
    const cart = service.shop.addCart(userId, [{ variantId: yuan }]);
    await expectRefusal(userId, { cartId: cart.id }, { code: 'CURRENCY_MISMATCH' });
  });
});

describe('a repeated orderPlace', () => {
  it('gives the same order for the same key, also in parallel', async () => {
    const userId = service.newCustomer();
    const variantId = service.shop.addVariant();
    const input = { lines: [{ variantId, quantity: 1 }], idempotencyKey: 'same' };
    const answers = await Promise.all(Array.from({ length: 6 }, () => place(userId, input)));
    answers.push(await place(userId, input));
    expect(new Set(answers.map(({ order }) => order.id)).size).toBe(1);
    expect(await ordersOf(userId)).toHaveLength(1);
    expect(service.shop.available(variantId)).toBe(99);
  });

  it('is refused when its body is another one', async () => {
    const userId = service.newCustomer();
    const lines = (quantity: number) => [{ variantId: service.shop.addVariant(), quantity }];
    await place(userId, { lines: lines(1), idempotencyKey: 'reused' });
    const again = await place(userId, { lines: lines(2), idempotencyKey: 'reused' });
    expect(again).toMatchObject({ order: null, userErrors: [{ code: 'IDEMPOTENCY_KEY_REUSED' }] });
    expect(await ordersOf(userId)).toHaveLength(1);
  });

  it('does not meet the key of another customer', async () => {
    const lines = [{ variantId: service.shop.addVariant(), quantity: 1 }];
    const placed = await Promise.all(
      [service.newCustomer(), service.newCustomer()].map((userId) =>
        place(userId, { lines, idempotencyKey: 'shared' }),
      ),
    );
    expect(new Set(placed.map(({ order }) => order.id)).size).toBe(2);
  });

  it('is tried anew after a refusal', async () => {
    const userId = service.newCustomer();
    const variantId = service.shop.addVariant({ stock: 0 });
    const input = { lines: [{ variantId, quantity: 1 }], idempotencyKey: 'later' };
    await expectRefusal(userId, input, { code: 'INSUFFICIENT_STOCK' });
    (service.shop.variants.get(variantId) as { stock: number }).stock = 1;
    expect((await place(userId, input)).order).not.toBeNull();
  });
});

it('sells exactly what there is to 60 buyers of 20 pieces', async () => {
  const variantId = service.shop.addVariant({ stock: 20 });
  const buyers = Array.from({ length: 60 }, () => service.newCustomer());
  const answers = await Promise.all(buyers.map((userId) => place(userId, { lines: [{ variantId, quantity: 1 }] })));
  expect(answers.filter(({ order }) => order)).toHaveLength(20);
  expect(service.shop.available(variantId)).toBe(0);
  const [unfinished] = await service.db
    .select({ count: sql<number>`COUNT(*)` })
    .from(checkouts)
    .where(sql`${checkouts.state} NOT IN ('PLACED', 'UNDONE')`);
  expect(Number(unfinished?.count)).toBe(0);
});
