import { newId } from '@souk/platform/id';
import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  COMMIT,
  LIST,
  openTestService,
  READ,
  RELEASE,
  RESERVE,
  RETURN,
  STOCK,
  type TestService,
  UPDATE,
} from '../test-service.ts';
import { releaseForgotten } from './reservation-end.ts';
import { stockReservations } from './tables.ts';

let service: TestService;
beforeAll(async () => {
  service = await openTestService();
});
beforeEach(async () => {
  await service.news();
});
afterAll(() => service.close());

type Line = { variantId: string; quantity: number };
const reserve = async (orderId: string, lines: Line[], ttlSeconds = 600) =>
  (await service.order(RESERVE, { input: { orderId, ttlSeconds, lines } })).data.stockReserve;
const end = async (source: string, orderId: string) => (await service.order(source, { orderId })).data.done;
const variants = async (...stocks: number[]) => (await service.create(stocks)).variantIds;
const levels = async (id = '') => {
  const { onHand, reserved, available, movements } = (await service.manager(STOCK, { id })).data.productVariant.stock;
  const kinds = movements.nodes.map(({ kind, quantity }: { kind: string; quantity: number }) => `${kind} ${quantity}`);
  return { onHand, reserved, available, movements: kinds.reverse() };
};

describe('a look at what is missing', () => {
  const LOOK =
    'query ($variantIds: [ID!]!) { stockMissing(variantIds: $variantIds) { code variantId available message } }';

  it('tells of what is sold out, off sale or unknown, and of nothing else', async () => {
    const [some = '', none = ''] = await variants(1, 0);
    const draft = (await service.create([5], { status: 'DRAFT' })).variantIds[0] ?? '';
    const unknown = newId('ProductVariant');
    const { data } = await service.order(LOOK, { variantIds: [some, none, draft, unknown] });
    expect(data.stockMissing).toMatchObject([
      { code: 'INSUFFICIENT_STOCK', variantId: none, available: 0 },
      { code: 'VARIANT_UNAVAILABLE', variantId: draft },
      { code: 'NOT_FOUND', variantId: unknown },
    ]);
    expect(await levels(some)).toMatchObject({ reserved: 0 });
  });

  it('answers services only', async () => {
    const { data, errors } = await service.manager(LOOK, { variantIds: [] });
    expect(data?.stockMissing ?? null).toBeNull();
    expect(errors).not.toEqual([]);
  });
});

describe('holding stock for an order', () => {
  it('holds all lines, sums those of one variant, and quotes price, title and article number', async () => {
    const [a = '', b = ''] = await variants(10, 10);
    const answer = await reserve(newId('Order'), [
      { variantId: b, quantity: 1 },
      { variantId: a, quantity: 2 },
      { variantId: b, quantity: 3 },
    ]);
    expect(answer.userErrors).toEqual([]);
    expect(answer.reservation.id).toMatch(/^rsrv_/);
    expect(answer.reservation.lines).toMatchObject([
      {
        variantId: a,
        quantity: 2,
        unitPrice: { amount: '10.90', currencyCode: 'EUR' },
        title: expect.stringMatching(/^Product .+ – 40$/),
        sku: expect.stringMatching(/^T-/),
      },
      { variantId: b, quantity: 4, unitPrice: { amount: '11.90' } },
    ]);
    const seconds = (Date.parse(answer.reservation.expiresAt) - Date.now()) / 1_000;
    expect(seconds).toBeGreaterThan(590);
    expect(seconds).toBeLessThan(610);
    expect(await levels(a)).toEqual({
      onHand: 10,
      reserved: 2,
      available: 8,
      movements: ['RECEIVED 10', 'RESERVED 2'],
    });
    expect(await levels(b)).toMatchObject({ reserved: 4, available: 6 });
  });

  it('answers a repeated call with the same reservation, even after the price has changed', async () => {
    const { id, version, variantIds } = await service.create([10]);
    const [variantId = ''] = variantIds;
    const orderId = newId('Order');
    const calls = await Promise.all([1, 2, 3, 4].map(() => reserve(orderId, [{ variantId, quantity: 2 }])));
    await service.manager(UPDATE, {
      input: {
        id,
        expectedVersion: version,
        variants: [{ id: variantId, sku: `X${id.slice(-8)}`, price: { amount: '99', currencyCode: 'EUR' } }],
      },
    });
    const later = await reserve(orderId, [
      { variantId, quantity: 1 },
      { variantId, quantity: 1 },
    ]);
    for (const call of calls) expect(call).toEqual(later);
    expect(later.reservation.lines).toMatchObject([{ quantity: 2, unitPrice: { amount: '10.90' } }]);
    expect((await levels(variantId)).reserved).toBe(2);
  });

  it('refuses other lines for an order that holds already', async () => {
    const [variantId = ''] = await variants(10);
    const orderId = newId('Order');
    await reserve(orderId, [{ variantId, quantity: 2 }]);
    expect(await reserve(orderId, [{ variantId, quantity: 3 }])).toMatchObject({
      reservation: null,
      userErrors: [{ code: 'INVALID' }],
    });
    expect((await levels(variantId)).reserved).toBe(2);
  });

  it('names every line that cannot be had, and holds nothing', async () => {
    const [enough = '', few = '', none = ''] = await variants(10, 2, 0);
    const { variantIds } = await service.create([5], { status: 'DRAFT' });
    const [draft = '', unknown] = [variantIds[0], newId('ProductVariant')];
    const lines = [enough, few, none, draft, unknown].map((variantId) => ({ variantId, quantity: 3 }));
    const { reservation, userErrors } = await reserve(newId('Order'), lines);
    expect(reservation).toBeNull();
    expect(userErrors).toHaveLength(4);
    expect(userErrors).toEqual(
      expect.arrayContaining([
        { code: 'INSUFFICIENT_STOCK', variantId: few, available: 2, message: expect.stringContaining('Only 2') },
        { code: 'INSUFFICIENT_STOCK', variantId: none, available: 0, message: expect.stringContaining('sold out') },
        { code: 'VARIANT_UNAVAILABLE', variantId: draft, available: null, message: expect.any(String) },
        { code: 'NOT_FOUND', variantId: unknown, available: null, message: expect.any(String) },
      ]),
    );
    expect(await levels(enough)).toMatchObject({ reserved: 0, movements: ['RECEIVED 10'] });
  });

  it.each([
    ['no line', []],
    ['nothing of a variant', [{ variantId: newId('ProductVariant'), quantity: 0 }]],
    ['a negative quantity', [{ variantId: newId('ProductVariant'), quantity: -1 }]],
    ['an id of another kind', [{ variantId: newId('Product'), quantity: 1 }]],
    ['too many lines', Array.from({ length: 101 }, () => ({ variantId: newId('ProductVariant'), quantity: 1 }))],
  ])('does not take %s', async (_, lines) => {
    const { data, errors } = await service.order(RESERVE, {
      input: { orderId: newId('Order'), ttlSeconds: 60, lines },
    });
    expect(data.stockReserve).toBeNull();
    expect(errors[0]?.extensions['code']).toBe('BAD_USER_INPUT');
  });

  it('sells exactly what there is to many who come at once with carts in any order', async () => {
    const [a = '', b = ''] = await variants(40, 25);
    const answers = await Promise.all(
      Array.from({ length: 80 }, (_, index) => {
        const lines = [
          { variantId: a, quantity: 1 },
          { variantId: b, quantity: 1 },
        ];
        return reserve(newId('Order'), index % 2 === 0 ? lines : lines.reverse());
      }),
    );
    const won = answers.filter(({ reservation }) => reservation !== null);
    expect(won).toHaveLength(25);
    for (const { userErrors } of answers.filter(({ reservation }) => reservation === null)) {
      expect(userErrors).toMatchObject([{ code: 'INSUFFICIENT_STOCK', variantId: b, available: 0 }]);
    }
    expect(await levels(a)).toMatchObject({ onHand: 40, reserved: 25 });
    expect(await levels(b)).toMatchObject({ onHand: 25, reserved: 25, available: 0 });
  });

  it('is for services only', async () => {
    const { data, errors } = await service.manager(COMMIT, { orderId: newId('Order') });
    expect(data.done).toBeNull();
    expect(errors[0]?.extensions['code']).toBe('FORBIDDEN');
  });
});

describe('the end of a hold', () => {
  it('commits once, counts the sale once, and returns once', async () => {
    const { id, variantIds } = await service.create([10]);
    const [variantId = ''] = variantIds;
    const orderId = newId('Order');
    await reserve(orderId, [{ variantId, quantity: 4 }]);
    expect(await Promise.all([1, 2, 3].map(() => end(COMMIT, orderId)))).toEqual(
      expect.arrayContaining([true, false, false]),
    );
    expect(await levels(variantId)).toMatchObject({ onHand: 6, reserved: 0, available: 6 });
    const first = async () => (await service.guest(LIST, { first: 1 })).data.products.nodes[0].id;
    expect(await first()).toBe(id);
    expect(await end(RELEASE, orderId)).toBe(false);
    expect(await levels(variantId)).toMatchObject({ onHand: 6 });

    const returned = await Promise.all([1, 2, 3].map(() => end(RETURN, orderId)));
    expect(returned.filter(Boolean)).toHaveLength(1);
    expect(await levels(variantId)).toEqual({
      onHand: 10,
      reserved: 0,
      available: 10,
      movements: ['RECEIVED 10', 'RESERVED 4', 'COMMITTED 4', 'RETURNED 4'],
    });
    expect((await reserve(orderId, [{ variantId, quantity: 4 }])).userErrors).toMatchObject([{ code: 'INVALID' }]);
  });

  it('releases once, and a hold that comes after its release never lives', async () => {
    const [variantId = ''] = await variants(3);
    const orderId = newId('Order');
    await reserve(orderId, [{ variantId, quantity: 3 }]);
    expect([await end(RELEASE, orderId), await end(RELEASE, orderId), await end(COMMIT, newId('Order'))]).toEqual([
      true,
      false,
      false,
    ]);
    expect(await levels(variantId)).toMatchObject({
      onHand: 3,
      reserved: 0,
      movements: ['RECEIVED 3', 'RESERVED 3', 'RELEASED 3'],
    });

    const overtaken = newId('Order');
    expect(await end(RELEASE, overtaken)).toBe(false);
    const late = await reserve(overtaken, [{ variantId, quantity: 1 }]);
    expect(late).toMatchObject({ reservation: null, userErrors: [{ code: 'INVALID' }] });
    expect((await levels(variantId)).reserved).toBe(0);
  });

  it('leaves nothing held when hold and release race', async () => {
    const [variantId = ''] = await variants(100);
    for (let round = 0; round < 25; round++) {
      const orderId = newId('Order');
      await Promise.all([reserve(orderId, [{ variantId, quantity: 1 }]), end(RELEASE, orderId)]);
    }
    expect(await levels(variantId)).toMatchObject({ onHand: 100, reserved: 0 });
  });

  it('decides between commit and release for one of them', async () => {
    const [variantId = ''] = await variants(100);
    for (let round = 0; round < 10; round++) {
      const orderId = newId('Order');
      await reserve(orderId, [{ variantId, quantity: 1 }]);
      await Promise.all([end(RELEASE, orderId), end(COMMIT, orderId)]);
    }
    const { onHand, reserved, movements } = await levels(variantId);
    expect(reserved).toBe(0);
    expect(onHand).toBe(100 - movements.filter((movement: string) => movement.startsWith('COMMITTED')).length);
  });

  it('sells the last piece out in the shop, and a release brings it back', async () => {
    const { id, variantIds } = await service.create([1]);
    const orderId = newId('Order');
    await reserve(orderId, [{ variantId: variantIds[0] ?? '', quantity: 1 }]);
    expect((await service.guest(READ, { id })).data.product).toMatchObject({
      isAvailable: false,
      variants: { nodes: [{ availability: 'OUT_OF_STOCK' }] },
    });
    await end(RELEASE, orderId);
    expect((await service.guest(READ, { id })).data.product.isAvailable).toBe(true);
  });
});

describe('what orders tell', () => {
  it('a confirmed order takes its share, a cancelled one gives it back, each once however often told', async () => {
    const [variantId = ''] = await variants(10);
    const orderId = newId('Order');
    const lines = [{ variantId, quantity: 2 }];
    await reserve(orderId, lines);
    const confirmed = { orderId, userId: newId('User'), cartId: null, lines };
    const eventId = newId('Event');
    expect(await service.hear('order.confirmed', confirmed, eventId)).toBe('handled');
    expect(await service.hear('order.confirmed', confirmed, eventId)).toBe('repeated');
    await service.hear('order.confirmed', confirmed);
    expect(await levels(variantId)).toMatchObject({ onHand: 8, reserved: 0 });
    const canceled = { orderId, userId: confirmed.userId, status: 'CANCELED' as const };
    await service.hear('order.canceled', canceled);
    await service.hear('order.canceled', canceled);
    expect(await levels(variantId)).toMatchObject({ onHand: 10, reserved: 0 });
  });

  it('an expired order lets go, one that never held is remembered as ended', async () => {
    const [variantId = ''] = await variants(10);
    const [held, unknown] = [newId('Order'), newId('Order')];
    await reserve(held, [{ variantId, quantity: 2 }]);
    for (const orderId of [held, unknown]) {
      await service.hear('order.canceled', { orderId, userId: newId('User'), status: 'EXPIRED' });
    }
    expect((await reserve(unknown, [{ variantId, quantity: 1 }])).userErrors).toMatchObject([{ code: 'INVALID' }]);
    expect(await levels(variantId)).toMatchObject({ onHand: 10, reserved: 0 });
  });

  it('a forgotten hold ends well after its time, and an order paid even later gets its stock while there is some', async () => {
    const [variantId = ''] = await variants(5);
    const [forgotten, fresh] = [newId('Order'), newId('Order')];
    await reserve(forgotten, [{ variantId, quantity: 3 }]);
    await reserve(fresh, [{ variantId, quantity: 1 }], 60);
    await service.db
      .update(stockReservations)
      .set({ expiresAt: sql`CURRENT_TIMESTAMP(3) - INTERVAL 11 MINUTE` })
      .where(eq(stockReservations.orderId, forgotten));
    expect(await releaseForgotten(service.db)).toBe(1);
    expect(await levels(variantId)).toMatchObject({ onHand: 5, reserved: 1 });

    const paid = { orderId: forgotten, userId: newId('User'), cartId: null, lines: [] };
    await service.hear('order.confirmed', paid);
    expect(await levels(variantId)).toMatchObject({ onHand: 2, reserved: 1, available: 1 });
  });

  it('an order paid after its stock went to others fails loudly and changes nothing', async () => {
    const [variantId = ''] = await variants(3);
    const orderId = newId('Order');
    await reserve(orderId, [{ variantId, quantity: 3 }]);
    await end(RELEASE, orderId);
    await reserve(newId('Order'), [{ variantId, quantity: 2 }]);
    await expect(
      service.hear('order.confirmed', { orderId, userId: newId('User'), cartId: null, lines: [] }),
    ).rejects.toThrow('does not allow');
    expect(await levels(variantId)).toMatchObject({ onHand: 3, reserved: 2 });
  });
});
