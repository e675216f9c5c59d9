import { add, type DineroCurrency, dinero, toDecimal, toSnapshot } from 'dinero.js/bigint';
import * as iso4217 from 'dinero.js/bigint/currencies';
import { badUserInput } from './errors.ts';

/** Money as clients see it: major units as text with exactly the currency's decimals, `{ amount: '19.90', currencyCode: 'EUR' }`. */
export interface Money {
  amount: string;
  currencyCode: string;
}

/** Money as the shop counts it: whole minor units, `{ amountMinor: 1990n, currencyCode: 'EUR' }`. */
export interface Amount {
  amountMinor: bigint;
  currencyCode: string;
}

/** A share of an amount, exact: 7.25 % is `{ numerator: 725n, denominator: 10_000n }`. */
export interface Rate {
  numerator: bigint;
  denominator: bigint;
}

/**
 * Minor units to the Money that clients see.
 *
 * @throws {RangeError} when the currency is not one of ISO 4217
 */
export function money(amountMinor: bigint, currencyCode: string): Money {
  return { amount: toDecimal(dinero({ amount: amountMinor, currency: currencyOf(currencyCode) })), currencyCode };
}

/**
 * Money that a client sent, to minor units.
 *
 * @throws BAD_USER_INPUT when the currency is unknown, or the amount is not a plain decimal (`19.9`, `19.90`), has more decimals
 * than the currency, is negative, or is more than a BIGINT column holds
 */
export function parseMoney({ amount, currencyCode }: Money): Amount {
  if (!isCurrency(currencyCode)) {
    throw badUserInput(`Expected an ISO 4217 currency code such as EUR, got ${quote(currencyCode)}.`);
  }
  const decimals = Number(currencyOf(currencyCode).exponent);
  const [, major, fraction = ''] = plainDecimal.exec(amount) ?? [];
  if (major === undefined || fraction.length > decimals) {
    throw badUserInput(
      `Expected an amount of ${currencyCode} that is not negative and has at most ${decimals} decimals, got ${quote(amount)}.`,
    );
  }
  const amountMinor = BigInt(major + fraction.padEnd(decimals, '0'));
  if (amountMinor > MAX_AMOUNT_MINOR) throw badUserInput(`The amount ${quote(amount)} is more than can be booked.`);
  return { amountMinor, currencyCode };
}

/** Whether this is the code of a currency in ISO 4217, in capitals. */
export function isCurrency(code: string): boolean {
  return typeof code === 'string' && currencyByCode.has(code);
}

/**
 * The sum, in minor units. Plain numbers of minor units are taken to be of one currency; given whole amounts, that is checked.
 *
 * @throws {RangeError} when an amount is not in `currencyCode`
 */
export function sum(amountsMinor: readonly bigint[]): bigint;
export function sum(amounts: readonly Amount[], currencyCode: string): Amount;
export function sum(amounts: readonly (bigint | Amount)[], currencyCode?: string): bigint | Amount {
  if (currencyCode === undefined) return (amounts as readonly bigint[]).reduce((total, amount) => total + amount, 0n);
  const currency = currencyOf(currencyCode);
  const total = (amounts as readonly Amount[]).reduce(
    (subtotal, amount) => {
      if (amount.currencyCode !== currencyCode) {
        throw new RangeError(`Expected an amount in ${currencyCode}, got one in ${amount.currencyCode}.`);
      }
      return add(subtotal, dinero({ amount: amount.amountMinor, currency }));
    },
    dinero({ amount: 0n, currency }),
  );
  return { amountMinor: toSnapshot(total).amount, currencyCode };
}

/**
 * The price of several, in minor units.
 *
 * @throws {RangeError} when the quantity is not a whole number
 */
export function times(amountMinor: bigint, quantity: number): bigint {
  if (!Number.isSafeInteger(quantity)) throw new RangeError(`Expected a whole quantity, got ${quantity}.`);
  return amountMinor * BigInt(quantity);
}

/**
 * The share of an amount, in minor units, rounded half to even: 0.5 → 0, 1.5 → 2, −2.5 → −2. Round each line by itself, then sum.
 *
 * @throws {RangeError} when the denominator is not positive
 */
export function applyRate(amountMinor: bigint, { numerator, denominator }: Rate): bigint {
  if (denominator <= 0n) throw new RangeError(`Expected a positive denominator, got ${denominator}.`);
  const product = amountMinor * numerator;
  const quotient = product / denominator;
  const remainder = product % denominator;
  const away = product < 0n ? -1n : 1n;
  const twice = 2n * remainder * away;
  return twice > denominator || (twice === denominator && quotient % 2n !== 0n) ? quotient + away : quotient;
}

const plainDecimal = /^(0|[1-9]\d{0,18})(?:\.(\d{1,4}))?$/;

/** The largest BIGINT, the type of every money column. */
const MAX_AMOUNT_MINOR = 2n ** 63n - 1n;

/**
 * ISO 4217 lists two decimals for the ariary and the ouguiya, whose fifths are out of use; dinero.js counts in fifths, which no decimal can show.
 */
const currencyByCode: ReadonlyMap<string, DineroCurrency<bigint>> = new Map(
  Object.values(iso4217).map(({ code, base, exponent }) => [
    code,
    base === 10n ? { code, base, exponent } : { code, base: 10n, exponent: 2n },
  ]),
);

function currencyOf(code: string): DineroCurrency<bigint> {
  const currency = currencyByCode.get(code);
  if (!currency) throw new RangeError(`Expected an ISO 4217 currency code such as EUR, got ${quote(code)}.`);
  return currency;
}

function quote(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : typeof value;
}
