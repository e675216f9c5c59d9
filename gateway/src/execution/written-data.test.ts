import { expect, it } from 'vitest';
import { stringifyResult, WrittenData } from './written-data.ts';

const data = { title: '茶 "壶"\u2028', list: [1.5, null, true] };

it.each([
  [{}],
  [{ extensions: { cost: { estimated: 5 } } }],
  [{ errors: undefined }],
  [{ extensions: undefined, other: 'x' }],
])('an answer with %j beside its data is written as when the data were an object', (beside) => {
  const written = WrittenData.of(JSON.stringify(data));
  expect(stringifyResult({ data: written, ...beside } as never)).toBe(stringifyResult({ data, ...beside } as never));
  expect(stringifyResult({ ...beside, data: written } as never)).toBe(`${JSON.stringify({ ...beside, data })}\n`);
});

it.each([
  ['anything', data, false],
  ['ASCII', { title: 'a teapot' }, true],
])('an answer of nothing but data, which are %s, is there in bytes', (_, given, isAscii) => {
  const written = WrittenData.of(JSON.stringify(given), isAscii);
  expect(written.answer.toString()).toBe(stringifyResult({ data: given } as never));
  expect(written.text).toBe(JSON.stringify(given));
});

it('data are found by whoever makes JSON of them', () => {
  expect(JSON.stringify({ data: WrittenData.of(JSON.stringify(data)) })).toBe(JSON.stringify({ data }));
});
