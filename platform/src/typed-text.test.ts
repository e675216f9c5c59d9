import { expect, it } from 'vitest';
import type { Refusal } from './errors.ts';
import { requiredText, typedText } from './typed-text.ts';

const field = ['input', 'note'];
const rule = { field, maximumLength: 5 };

it.each<[string, string | null | undefined, string | null]>([
  ['space around it', '  a b ', 'a b'],
  ['nothing but space', ' \n ', null],
  ['nothing', undefined, null],
  ['null', null, null],
  ['letters and marks apart', 'Zoe\u0308', 'Zoë'],
  ['characters of two units', '😀😀😀😀😀', '😀😀😀😀😀'],
])('reads a text with %s', (_, typed, read) => {
  expect(typedText(typed, rule)).toBe(read);
});

it('keeps lines where a text may have them', () => {
  expect(typedText('a\r\nb\tc\r', { ...rule, hasLines: true })).toBe('a\nb\tc');
  expect(() => typedText('a\nb', rule)).toThrow('INVALID: Expected no control characters or line breaks.');
});

it.each([
  ['that is too long', 'abcdef', 'INVALID'],
  ['with a control character', 'a\u0000b', 'INVALID'],
  ['that is blank', ' ', 'REQUIRED'],
])('refuses a text %s', (_, typed, code) => {
  expect(() => requiredText(typed, rule)).toThrow(code);
});

it('tells a form of all its faults at once', () => {
  const refusals: Refusal[] = [];
  typedText('abcdef', rule, refusals);
  requiredText('', { ...rule, field: ['input', 'name'] }, refusals);
  expect(refusals).toMatchObject([
    { code: 'INVALID', field },
    { code: 'REQUIRED', field: ['input', 'name'] },
  ]);
});
