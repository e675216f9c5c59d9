import { refuse } from '@souk/platform/errors';
import type { Card } from './providers/provider.ts';

/** All of a card that may be kept. */
export interface CardSummary {
  brand: string;
  last4: string;
}

/**
 * Checks a card before anybody is bothered with it.
 *
 * @returns the card with its number reduced to digits
 * @throws {Refused} INVALID with the path of the value; no message repeats what was typed
 */
export function parseCard(card: Card, today = new Date()): Card {
  const number = card.number.slice(0, 40).replaceAll(/[ -]/g, '');
  if (!/^\d{12,19}$/.test(number) || !passesLuhn(number)) {
    invalid('number', 'This is not the number of a card. Check for mistyped digits.');
  }
  const { expiryMonth, expiryYear } = card;
  if (expiryMonth < 1 || expiryMonth > 12) invalid('expiryMonth', 'Expected a month from 1 to 12.');
  if (expiryYear < 2000 || expiryYear > 2099) invalid('expiryYear', 'Expected a year with four digits.');
  // A card is good until the end of its month; on the other side of the date line that month ends half a day later.
  const endOfValidity = Date.UTC(expiryYear, expiryMonth) + 12 * 3_600_000;
  if (today.getTime() >= endOfValidity) invalid('expiryYear', 'The card has expired.');
  if (!/^\d{3,4}$/.test(card.securityCode)) invalid('securityCode', 'Expected the three or four digits of the back.');
  return { ...card, number };
}

export function summarize({ number }: Card): CardSummary {
  return { brand: brands.find(([, prefix]) => prefix.test(number))?.[0] ?? 'unknown', last4: number.slice(-4) };
}

const brands: [string, RegExp][] = [
  ['visa', /^4/],
  ['mastercard', /^(5[1-5]|2[2-7])/],
  ['amex', /^3[47]/],
  ['unionpay', /^62/],
  ['jcb', /^35/],
];

/** ISO/IEC 7812-1, annex B. */
function passesLuhn(number: string): boolean {
  let total = 0;
  for (const [index, digit] of [...number].reverse().entries()) {
    const value = Number(digit) * (index % 2 === 1 ? 2 : 1);
    total += value > 9 ? value - 9 : value;
  }
  return total % 10 === 0;
}

function invalid(field: keyof Card, message: string): never {
  refuse('INVALID', message, { field: ['input', 'testCard', field] });
}
