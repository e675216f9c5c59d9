import { randomUUID } from 'node:crypto';
import { newId } from '@souk/platform/id';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ADJUST, openTestService, READ, STOCK, type TestService, VARIANT } from '../test-service.ts';

let service: TestService;
beforeAll(async () => {
  service = await openTestService();
});
beforeEach(async () => {
  await service.news();
});
afterAll(() => service.close());

const one = async (onHand: number) => {
  const { id, variantIds } = await service.create([onHand]);
  await service.news();
  return { productId: id, variantId: variantIds[0] ?? '' };
};
const adjust = async (variantId: string, delta: number, overrides: Record<string, unknown> = {}) => {
  const input = { variantId, delta, reason: 'counted', idempotencyKey: randomUUID(), ...overrides };
  return (await service.manager(ADJUST, { input })).data.stockAdjust;
};
const stockOf = async (id: string) => (await service.manager(STOCK, { id })).data.productVariant.stock;

describe('correcting stock', () => {
  it('adds and takes away, and remembers every change, newest first', async () => {
    const { variantId } = await one(10);
    expect(await adjust(variantId, 5)).toMatchObject({
      userErrors: [],
      variant: { stock: { onHand: 15, available: 15 } },
    });
    expect((await adjust(variantId, -3, { reason: ' broken ' })).variant.stock.onHand).toBe(12);
    const { movements } = await stockOf(variantId);
    expect(movements).toEqual({
      totalCount: { count: 3 },
      nodes: [
        { kind: 'ADJUSTED', quantity: -3, reason: 'broken', orderId: null },
        { kind: 'ADJUSTED', quantity: 5, reason: 'counted', orderId: null },
        { kind: 'RECEIVED', quantity: 10, reason: 'Initial stock', orderId: null },
      ],
    });
  });

  it('does once what comes twice with one key, and refuses the key for anything else', async () => {
    const { variantId } = await one(10);
    const idempotencyKey = randomUUID();
    const answers = await Promise.all([1, 2, 3].map(() => adjust(variantId, 7, { idempotencyKey })));
    for (const answer of answers) expect(answer).toMatchObject({ userErrors: [], variant: { stock: { onHand: 17 } } });
    expect((await adjust(variantId, 8, { idempotencyKey })).userErrors).toMatchObject([
      { code: 'IDEMPOTENCY_KEY_REUSED' },
    ]);
    expect((await stockOf(variantId)).onHand).toBe(17);
  });

  it.each<[string, number, Record<string, unknown>, string, string]>([
    ['to leave less than nothing', -11, {}, 'NEGATIVE_STOCK', 'delta'],
    ['by nothing', 0, {}, 'INVALID', 'delta'],
    ['beyond all measure', 1_000_000_000, {}, 'INVALID', 'delta'],
    ['without a reason', 1, { reason: ' ' }, 'REQUIRED', 'reason'],
    ['with a long reason', 1, { reason: 'x'.repeat(501) }, 'INVALID', 'reason'],
    ['without a key', 1, { idempotencyKey: '' }, 'INVALID', 'idempotencyKey'],
    ['of an unknown variant', 1, { variantId: newId('ProductVariant') }, 'NOT_FOUND', 'variantId'],
  ])('refuses to correct %s, and changes nothing', async (_, delta, overrides, code, field) => {
    const { variantId } = await one(10);
    expect(await adjust(variantId, delta, overrides)).toMatchObject({
      variant: null,
      userErrors: [{ code, field: ['input', field] }],
    });
    expect(await stockOf(variantId)).toMatchObject({ onHand: 10, movements: { totalCount: { count: 1 } } });
  });

  it('needs stock:write, and exact stock needs stock:read', async () => {
    const { variantId } = await one(10);
    const input = { variantId, delta: 1, reason: 'x', idempotencyKey: randomUUID() };
    for (const scopes of [null, ['stock:read', 'catalog:write']]) {
      const { data, errors } = await service.ask(scopes, ADJUST, { input });
      expect(data.stockAdjust).toBeNull();
      expect(errors[0]?.extensions['code']).toBe(scopes ? 'FORBIDDEN' : 'UNAUTHENTICATED');
    }
    const { data, errors } = await service.ask(['catalog:write'], STOCK, { id: variantId });
    expect(data.productVariant.stock).toBeNull();
    expect(errors[0]?.extensions['code']).toBe('FORBIDDEN');
    expect((await stockOf(variantId)).onHand).toBe(10);
  });
});

describe('what stock means to others', () => {
  it('is shown to customers up to twenty, and in three steps', async () => {
    const { variantId } = await one(50);
    const shown = async (scopes: string[] | null) =>
      (await service.ask(scopes, VARIANT, { id: variantId })).data.productVariant;
    expect(await shown(null)).toMatchObject({ availability: 'IN_STOCK', quantityAvailable: 20 });
    expect(await shown(['stock:read'])).toMatchObject({ quantityAvailable: 50 });
    await adjust(variantId, -45);
    expect(await shown(null)).toMatchObject({ availability: 'LOW_STOCK', quantityAvailable: 5 });
    await adjust(variantId, -5);
    expect(await shown(null)).toMatchObject({ availability: 'OUT_OF_STOCK', quantityAvailable: 0 });
  });

  it('is news when a variant has few left, crosses a line or is back, and not while there is plenty', async () => {
    const { variantId } = await one(50);
    for (const delta of [-10, -20, -15, -1, +1, +1, +30]) await adjust(variantId, delta);
    const news = await service.news();
    expect(news.map(({ available }) => available)).toEqual([5, 4, 5, 6]);
    expect(news[0]).toMatchObject({ variantId, isSellable: true, priceMinor: '1090', currencyCode: 'EUR' });
  });

  it('makes the product sold out and available again', async () => {
    const { productId, variantId } = await one(1);
    const isAvailable = async () => (await service.guest(READ, { id: productId })).data.product.isAvailable;
    expect(await isAvailable()).toBe(true);
    await adjust(variantId, -1);
    expect(await isAvailable()).toBe(false);
    await adjust(variantId, 2);
    expect(await isAvailable()).toBe(true);
  });

  it('leaves the product sold out when its last variants sell out at the same moment', async () => {
    for (let round = 0; round < 5; round++) {
      const { id, variantIds } = await service.create([1, 1, 1, 1]);
      await Promise.all(variantIds.map((variantId) => adjust(variantId, -1)));
      expect((await service.guest(READ, { id })).data.product.isAvailable).toBe(false);
      await Promise.all(variantIds.map((variantId) => adjust(variantId, 1)));
      expect((await service.guest(READ, { id })).data.product.isAvailable).toBe(true);
    }
  });
});
