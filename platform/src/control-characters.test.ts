import { expect, it } from 'vitest';
import { controlCharacterFault, withPlainLineBreaks } from './control-characters.ts';

it.each([
  ['nothing', ''],
  ['letters of any script', 'Zoë 李 שלום'],
  ['a family that is joined by invisible characters', '👨\u200D👩\u200D👧'],
])('finds nothing wrong with %s', (_, text) => {
  expect(controlCharacterFault(text)).toBeUndefined();
});

it.each([
  ['a zero', 'a\u0000b'],
  ['an escape sequence', '\u001B[31mred'],
  ['what turns the direction', 'Ann \u202Egnp.exe'],
  ['an isolate', 'Ann \u2066x'],
  ['half a character', 'a\uD800'],
])('finds %s wrong, in one line and in several', (_, text) => {
  expect(controlCharacterFault(text)).toBe('Expected no control characters or line breaks.');
  expect(controlCharacterFault(text, { hasLines: true })).toBe('Expected no control characters.');
});

it('takes line breaks and tabs where a text may have lines, whichever way they were typed', () => {
  expect(controlCharacterFault('one\ntwo')).toBe('Expected no control characters or line breaks.');
  expect(controlCharacterFault(withPlainLineBreaks('one\r\ntwo\rthree\tfour'), { hasLines: true })).toBeUndefined();
});
