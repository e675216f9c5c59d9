import * as iso4217 from 'dinero.js/bigint/currencies';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyRate, isCurrency, money, parseMoney, sum, times } from './money.ts';

const currencyCode = fc.constantFrom(...Object.keys(iso4217));
const amountMinor = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });

describe('money', () => {
  test.each([
    [1990n, 'EUR', '19.90'],
    [0n, 'EUR', '0.00'],
    [-5n, 'EUR', '-0.05'],
    [500n, 'JPY', '500'],
    [1n, 'KWD', '0.001'],
    [12_345n, 'MGA', '123.45'],
    [99_999_999_999_999_999n, 'CNY', '999999999999999.99'],
  ])('shows %d minor units of %s as %s', (minor, code, amount) => {
    expect(money(minor, code)).toEqual({ amount, currencyCode: code });
  });

  test('survives the way to the client and back, in every currency', () => {
    fc.assert(
      fc.property(amountMinor, currencyCode, (minor, code) => {
        expect(parseMoney(money(minor, code))).toEqual({ amountMinor: minor, currencyCode: code });
      }),
    );
  });

  test('fills up missing decimals', () => {
    expect(parseMoney({ amount: '19.9', currencyCode: 'EUR' }).amountMinor).toBe(1990n);
    expect(parseMoney({ amount: '19', currencyCode: 'EUR' }).amountMinor).toBe(1900n);
  });

  test.each([
    ['19.999', 'EUR'],
    ['1.0', 'JPY'],
    ['-1', 'EUR'],
    ['+1', 'EUR'],
    ['1e3', 'EUR'],
    ['1,000', 'EUR'],
    ['007', 'EUR'],
    ['.5', 'EUR'],
    ['1.', 'EUR'],
    ['', 'EUR'],
    [' 1', 'EUR'],
    ['NaN', 'EUR'],
    ['0x10', 'EUR'],
    ['٣', 'EUR'],
    ['92233720368547758.08', 'EUR'],
    ['1'.repeat(10_000), 'EUR'],
    ['1', 'eur'],
    ['1', 'XXX'],
    ['1', '__proto__'],
    ['1', ''],
  ])('refuses %.20s %s', (amount, code) => {
    expect(() => parseMoney({ amount, currencyCode: code })).toThrow(
      expect.objectContaining({ code: 'BAD_USER_INPUT' }),
    );
  });

  test('knows the currencies of ISO 4217 and no other code', () => {
    const active = new Set(Intl.supportedValuesOf('currency'));
    for (const code of ['EUR', 'USD', 'CNY', 'JPY', 'GBP']) expect(active.has(code) && isCurrency(code)).toBe(true);
    expect(() => money(1n, 'XXX')).toThrow(RangeError);
  });
});

describe('arithmetic', () => {
  test('a sum does not depend on order or grouping', () => {
    fc.assert(
      fc.property(fc.array(amountMinor), fc.nat(20), (amounts, cut) => {
        expect(sum(amounts)).toBe(sum([sum(amounts.slice(cut)), sum(amounts.slice(0, cut))]));
        expect(
          sum(
            amounts.map((minor) => ({ amountMinor: minor, currencyCode: 'EUR' })),
            'EUR',
          ),
        ).toEqual({
          amountMinor: sum(amounts),
          currencyCode: 'EUR',
        });
      }),
    );
  });

  test('refuses to mix currencies', () => {
    const mixed = [
      { amountMinor: 1n, currencyCode: 'EUR' },
      { amountMinor: 1n, currencyCode: 'USD' },
    ];
    expect(() => sum(mixed, 'EUR')).toThrow('Expected an amount in EUR, got one in USD.');
    expect(sum([], 'EUR')).toEqual({ amountMinor: 0n, currencyCode: 'EUR' });
  });

  test('several cost as much as the sum of them', () => {
    fc.assert(
      fc.property(amountMinor, fc.nat(100), (minor, quantity) => {
        expect(times(minor, quantity)).toBe(sum(Array.from({ length: quantity }, () => minor)));
      }),
    );
    expect(() => times(1n, 1.5)).toThrow(RangeError);
    expect(() => times(1n, Number.NaN)).toThrow(RangeError);
  });

  test.each([
    [1n, 0n],
    [3n, 2n],
    [5n, 2n],
    [7n, 4n],
    [-1n, 0n],
    [-3n, -2n],
    [-5n, -2n],
  ])('half of %d rounds to even: %d', (minor, expected) => {
    expect(applyRate(minor, { numerator: 1n, denominator: 2n })).toBe(expected);
  });

  test('a rate is never off by more than half a minor unit, and a tie is even', () => {
    const rate = fc.record({ numerator: fc.bigInt(-10_000n, 10_000n), denominator: fc.bigInt(1n, 10_000n) });
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n), rate, (minor, { numerator, denominator }) => {
        const share = applyRate(minor, { numerator, denominator });
        const twiceOff = 2n * (share * denominator - minor * numerator);
        expect(twiceOff <= denominator && twiceOff >= -denominator).toBe(true);
        if (twiceOff === denominator || twiceOff === -denominator) expect(share % 2n).toBe(0n);
      }),
      { numRuns: 1_000 },
    );
    expect(() => applyRate(1n, { numerator: 1n, denominator: 0n })).toThrow(RangeError);
  });
});
