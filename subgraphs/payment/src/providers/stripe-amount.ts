import type { Amount } from '@souk/platform/money';

/**
 * Stripe counts in minor units of its own. They are those of ISO 4217, but for the currencies below; one that is not listed here is not offered.
 * Left out are those in which not every amount of ours has one of Stripe's: MGA, which has no decimals there; BHD, JOD, KWD, OMR and TND, whose
 * third decimal must be zero; and UGX, of which its documentation has said two things.
 *
 * Rule: https://docs.stripe.com/currencies#presentment-currencies and #special-cases
 */
const presentmentCurrencies = new Set(
  `
  AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BIF BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CVE CZK DJF DKK DOP
  DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR ISK JMD JPY KES KGS KHR KMF KRW KYD KZT LAK LBP LKR LRD LSL
  MAD MDL MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SEK SGD
  SHP SLE SOS SRD SZL THB TJS TOP TRY TTD TWD TZS UAH USD UYU UZS VND VUV WST XAF XCD XOF XPF YER ZAR ZMW
  `
    .trim()
    .split(/\s+/),
);

/** How many of Stripe's units make one of ours. The króna has lost its decimals, and Stripe has kept them for old clients' sake. */
const unitsEach: Readonly<Record<string, bigint>> = { ISK: 100n };

export function isStripeCurrency(currencyCode: string): boolean {
  return presentmentCurrencies.has(currencyCode);
}

/** Our minor units to what Stripe calls `amount` and `currency`. */
export function toStripe({ amountMinor, currencyCode }: Amount): { amount: number; currency: string } {
  const amount = Number(amountMinor * (unitsEach[currencyCode] ?? 1n));
  if (!Number.isSafeInteger(amount)) throw new RangeError(`Expected an amount that a number can hold, got ${amount}.`);
  return { amount, currency: currencyCode.toLowerCase() };
}

/** Stripe's `amount` and `currency` to our minor units. @throws {RangeError} when it is no whole number of them */
export function fromStripe(amount: number, currency: string): Amount {
  const currencyCode = currency.toUpperCase();
  const each = unitsEach[currencyCode] ?? 1n;
  const units = BigInt(amount);
  if (units % each !== 0n)
    throw new RangeError(`Expected a whole number of ${currencyCode}, got ${amount} of ${each}.`);
  return { amountMinor: units / each, currencyCode };
}
