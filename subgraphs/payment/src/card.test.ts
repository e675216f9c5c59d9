import { expect, it } from 'vitest';
import { parseCard, summarize } from './card.ts';

const today = new Date('2026-03-15T12:00:00Z');
const card = { number: '4242 4242-4242 4242', expiryMonth: 3, expiryYear: 2026, securityCode: '123' };

it('accepts a number with blanks and dashes, until the end of its last month everywhere', () => {
  expect(parseCard(card, today).number).toBe('4242424242424242');
  expect(() => parseCard(card, new Date('2026-04-01T11:00:00Z'))).not.toThrow();
  expect(() => parseCard(card, new Date('2026-04-01T12:00:00Z'))).toThrow('expired');
});

it.each([
  ['number', { number: '4242424242424241' }],
  ['number', { number: '42' }],
  ['number', { number: 'x'.repeat(10_000) }],
  ['expiryMonth', { expiryMonth: 13 }],
  ['expiryMonth', { expiryMonth: 0 }],
  ['expiryYear', { expiryYear: 26 }],
  ['expiryYear', { expiryYear: 2025 }],
  ['securityCode', { securityCode: '12' }],
  ['securityCode', { securityCode: '12a' }],
])('refuses a wrong %s without repeating it', (field, wrong) => {
  const refusal = { code: 'INVALID', field: ['input', 'testCard', field] };
  const refused = expect(() => parseCard({ ...card, ...wrong }, today));
  refused.toThrow(expect.objectContaining({ refusals: [expect.objectContaining(refusal)] }));
  refused.not.toThrow(/42424|x{10}/);
});

it('keeps the brand and the last four digits', () => {
  expect(summarize(parseCard(card, today))).toEqual({ brand: 'visa', last4: '4242' });
  expect(summarize({ ...card, number: '5555555555554444' })).toEqual({ brand: 'mastercard', last4: '4444' });
});
