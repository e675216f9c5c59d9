import { newId } from '@souk/platform/id';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
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
let cart: { id: string; version: number; lines: { nodes: { id: string; variant: { id: string } }[] } };
let shirt: string;
let socks: string;

beforeAll(async () => {
  service = await openTestService();
  [shirt, socks] = [await service.knowVariant({ available: 10 }), await service.knowVariant({ available: 1_000 })];
});
afterAll(() => service.close());

/** A guest cart with two shirts and three pairs of socks. */
async function fill(): Promise<[string, string]> {
  const lines = [
    { variantId: shirt, quantity: 2 },
    { variantId: socks, quantity: 3 },
  ];
  cart = (await service.ask(null, CREATE, { input: { currencyCode: 'EUR', lines } })).data.cartCreate.cart;
  const [shirts, pairs] = cart.lines.nodes;
  return [shirts?.id ?? '', pairs?.id ?? ''];
}

async function update(lines: { lineId: string; quantity?: number; isSelected?: boolean }[], expectedVersion?: number) {
  return (await service.ask(null, UPDATE, { input: { cartId: cart.id, lines, expectedVersion } })).data.cartLinesUpdate;
}

const remove = async (lineIds: string[]) =>
  (await service.ask(null, REMOVE, { input: { cartId: cart.id, lineIds } })).data.cartLinesRemove;
const read = async () => (await service.ask(null, READ, { id: cart.id })).data.cart;

describe('updating lines', () => {
  it('sets quantities, deselects, and removes at zero, in one version and a few statements', async () => {
    const [shirts, pairs] = await fill();
    const statements = await countStatements(async () => {
      const answer = await update([
        { lineId: shirts, quantity: 7, isSelected: false },
        { lineId: pairs, quantity: 0 },
      ]);
      expect(answer).toMatchObject({ userErrors: [], cart: { version: 2, totalQuantity: 7 } });
      expect(answer.cart.lines.nodes).toMatchObject([{ id: shirts, quantity: 7, isSelected: false }]);
      expect(answer.cart.cost.total.amount).toBe('0.00');
    });
    expect(statements).toBeLessThan(10);
  });

  it('leaves the version alone when nothing is different', async () => {
    const [shirts] = await fill();
    expect((await update([{ lineId: shirts, quantity: 2, isSelected: true }])).cart.version).toBe(1);
    expect((await update([{ lineId: shirts }])).cart.version).toBe(1);
    expect((await update([])).cart.version).toBe(1);
  });

  it('shows the present cart instead of changing one that has changed meanwhile', async () => {
    const [shirts] = await fill();
    await update([{ lineId: shirts, quantity: 5 }], 1);
    const stale = await update([{ lineId: shirts, quantity: 6 }], 1);
    expect(stale.userErrors).toMatchObject([{ code: 'STALE_VERSION', field: ['input', 'expectedVersion'] }]);
    expect(stale.cart).toEqual(await read());
    expect(stale.cart).toMatchObject({ version: 2, totalQuantity: 8 });
  });

  it('lets one of two changes of the same version win', async () => {
    const [shirts] = await fill();
    const answers = await Promise.all([5, 6, 7, 8].map((quantity) => update([{ lineId: shirts, quantity }], 1)));
    expect(answers.flatMap(({ userErrors }) => userErrors.map(({ code }: { code: string }) => code))).toEqual(
      Array(3).fill('STALE_VERSION'),
    );
    expect((await read()).version).toBe(2);
  });

  it('gives every objection at once and changes nothing', async () => {
    const [shirts, pairs] = await fill();
    const unknown = newId('CartLine');
    const answer = await update([
      { lineId: shirts, quantity: 11 },
      { lineId: pairs, quantity: 1_000 },
      { lineId: unknown, quantity: 1 },
    ]);
    expect(answer.userErrors).toMatchObject([
      { code: 'INSUFFICIENT_STOCK', field: ['input', 'lines', '0', 'quantity'], variantId: shirt, available: 10 },
      { code: 'QUANTITY_TOO_LARGE', field: ['input', 'lines', '1', 'quantity'], variantId: socks },
      { code: 'LINE_NOT_FOUND', field: ['input', 'lines', '2', 'lineId'] },
    ]);
    expect((await update([{ lineId: pairs, quantity: -1 }])).userErrors).toMatchObject([{ code: 'INVALID' }]);
    expect((await update([{ lineId: pairs }, { lineId: pairs }])).userErrors).toMatchObject([{ code: 'INVALID' }]);
    expect(await read()).toEqual(cart);
  });

  it('does not reach into another cart', async () => {
    const [foreign] = await fill();
    const before = await read();
    const other = cart.id;
    await fill();
    expect((await update([{ lineId: foreign, quantity: 9 }])).userErrors).toMatchObject([{ code: 'LINE_NOT_FOUND' }]);
    expect((await remove([foreign])).cart).toMatchObject({ version: 1, totalQuantity: 5 });
    expect((await service.ask(null, READ, { id: other })).data.cart).toEqual(before);
  });

  it('lets go of what can no longer be had, but takes no other quantity of it', async () => {
    const [shirts, pairs] = await fill();
    await service.knowVariant({ variantId: shirt, isSellable: false });
    expect((await update([{ lineId: shirts, quantity: 1 }])).userErrors).toMatchObject([
      { code: 'VARIANT_UNAVAILABLE' },
    ]);
    expect(
      (
        await update([
          { lineId: shirts, isSelected: false },
          { lineId: pairs, quantity: 4 },
        ])
      ).userErrors,
    ).toEqual([]);
    expect((await update([{ lineId: shirts, quantity: 0 }])).cart.totalQuantity).toBe(4);
    await service.knowVariant({ variantId: shirt, available: 10 });
  });
});

describe('taking lines out', () => {
  it('removes what is there and minds nothing that is gone already', async () => {
    const [shirts] = await fill();
    expect((await remove([shirts])).cart).toMatchObject({ version: 2, totalQuantity: 3 });
    expect(await remove([shirts, newId('CartLine')])).toMatchObject({
      userErrors: [],
      cart: { version: 2, totalQuantity: 3 },
    });
  });

  it('clears everything at once', async () => {
    await fill();
    const clear = async () => (await service.ask(null, CLEAR, { cartId: cart.id })).data.cartClear.cart;
    expect(await clear()).toMatchObject({ version: 2, totalQuantity: 0, lines: { nodes: [] } });
    expect((await clear()).version).toBe(2);
  });

  it('takes at most a hundred lines at a time', async () => {
    await fill();
    const many = Array.from({ length: 101 }, () => newId('CartLine'));
    expect((await remove(many)).userErrors).toMatchObject([{ code: 'INVALID', field: ['input', 'lineIds'] }]);
    expect((await update(many.map((lineId) => ({ lineId })))).userErrors).toMatchObject([{ code: 'INVALID' }]);
    expect(await read()).toEqual(cart);
  });
});
