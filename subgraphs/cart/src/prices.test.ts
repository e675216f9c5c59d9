import { newId } from '@souk/platform/id';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CREATE, openTestService, READ, type TestService, UPDATE } from '../test-service.ts';

let service: TestService;
beforeAll(async () => {
  service = await openTestService();
});
afterAll(() => service.close());

async function cartOf(variantId: string, quantity = 1, currencyCode = 'EUR') {
  const input = { currencyCode, lines: [{ variantId, quantity }] };
  return (await service.ask(null, CREATE, { input })).data.cartCreate.cart;
}

const read = async (id: string) => (await service.ask(null, READ, { id })).data.cart;
const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 12, 0, seconds));

describe('what the catalog states', () => {
  it('counts at once in every cart, with a warning of the changed price', async () => {
    const shirt = await service.knowVariant({ priceMinor: '1990' });
    const { id } = await cartOf(shirt, 2);
    await service.knowVariant({ variantId: shirt, priceMinor: '2050' });
    const cart = await read(id);
    expect(cart.version).toBe(1);
    expect(cart.cost.subtotal.amount).toBe('41.00');
    expect(cart.lines.nodes).toMatchObject([{ unitPrice: { amount: '20.50' }, addedUnitPrice: { amount: '19.90' } }]);
    expect(cart.warnings).toMatchObject([{ code: 'PRICE_CHANGED', lineId: cart.lines.nodes[0].id, variantId: shirt }]);
    expect(cart.warnings[0].message).toBe('Linen shirt costs 20.50 EUR now; it was 19.90 when you added it.');
  });

  it('is not overwritten by an older word that arrives late', async () => {
    const shirt = newId('ProductVariant');
    await service.knowVariant({ variantId: shirt, priceMinor: '100' }, at(1));
    const { id } = await cartOf(shirt);
    await service.knowVariant({ variantId: shirt, priceMinor: '300', isSellable: true }, at(3));
    await service.knowVariant({ variantId: shirt, priceMinor: '200', isSellable: false }, at(2));
    expect(await read(id)).toMatchObject({
      cost: { subtotal: { amount: '3.00' } },
      warnings: [{ code: 'PRICE_CHANGED' }],
    });
    await service.knowVariant({ variantId: shirt, priceMinor: '400' }, at(3));
    expect((await read(id)).cost.subtotal.amount).toBe('4.00');
  });

  it.each([
    [{ available: 6 }, []],
    [{ available: 5 }, ['LOW_STOCK']],
    [{ available: 1 }, ['LOW_STOCK']],
    [{ available: 0 }, ['OUT_OF_STOCK']],
    [{ available: -2 }, ['OUT_OF_STOCK']],
    [{ isSellable: false }, ['REMOVED_FROM_CATALOG']],
    [{ currencyCode: 'USD' }, ['REMOVED_FROM_CATALOG']],
    [{ available: 0, priceMinor: '1' }, ['PRICE_CHANGED', 'OUT_OF_STOCK']],
  ])('warns when it is %o', async (facts, codes) => {
    const shirt = await service.knowVariant();
    const { id, warnings } = await cartOf(shirt, 6);
    expect(warnings).toEqual([]);
    await service.knowVariant({ variantId: shirt, ...facts });
    expect((await read(id)).warnings.map(({ code }: { code: string }) => code)).toEqual(codes);
  });

  it('warns when fewer are left than the line asks for', async () => {
    const shirt = await service.knowVariant({ available: 40 });
    const { id } = await cartOf(shirt, 40);
    await service.knowVariant({ variantId: shirt, available: 39 });
    expect((await read(id)).warnings).toMatchObject([
      { code: 'LOW_STOCK', message: 'Only 39 of Linen shirt are left.' },
    ]);
  });

  it('keeps the price of adding where there is none in the cart’s currency any more', async () => {
    const shirt = await service.knowVariant({ priceMinor: '1990' });
    const { id } = await cartOf(shirt);
    await service.knowVariant({ variantId: shirt, priceMinor: '5', currencyCode: 'USD' });
    expect((await read(id)).cost.subtotal).toEqual({ amount: '19.90', currencyCode: 'EUR' });
  });
});

describe('the cost', () => {
  it('counts selected lines only, exactly, in the decimals of the currency', async () => {
    const [dear, cheap] = [
      await service.knowVariant({ priceMinor: '9007199254740993', currencyCode: 'JPY', available: 999 }),
      await service.knowVariant({ priceMinor: '1', currencyCode: 'JPY' }),
    ];
    const lines = [{ variantId: dear, quantity: 900 }, { variantId: cheap }];
    const { cart } = (await service.ask(null, CREATE, { input: { currencyCode: 'JPY', lines } })).data.cartCreate;
    expect(cart.cost.total.amount).toBe('8106479329266893701');
    const input = { cartId: cart.id, lines: [{ lineId: cart.lines.nodes[0].id, isSelected: false }] };
    const updated = (await service.ask(null, UPDATE, { input })).data.cartLinesUpdate.cart;
    expect(updated).toMatchObject({ totalQuantity: 901, cost: { subtotal: { amount: '1', currencyCode: 'JPY' } } });
  });
});
