import { expect, it } from 'vitest';
import { createRequestWriter } from './request-text.ts';

const write = createRequestWriter('shop.test:4001');

it('writes a request down, with the length of its body in bytes', () => {
  expect(write('/graphql', { 'x-request-id': 'one', a: '' }, '{"é":1}')).toEqual({
    head: [
      'POST /graphql HTTP/1.1',
      'host: shop.test:4001',
      'content-type: application/json',
      'accept: application/json',
      'x-request-id: one',
      'a: ',
      'content-length: 8',
      '',
      '',
    ].join('\r\n'),
    body: '{"é":1}',
    isAscii: false,
  });
});

it('may be written as one text where each letter is one byte', () => {
  expect(write('/', { a: 'b' }, '{}').isAscii).toBe(true);
  expect(write('/', { a: 'é' }, '{}').isAscii).toBe(false);
  expect(write('/', {}, '"中"').isAscii).toBe(false);
});

it.each(['a\r\nb: c', 'a\nb', 'a\rb', 'a\0b', 'a\x7fb', 'a\x1bb', '中'])(
  'refuses a header with the value %j',
  (value) => {
    expect(() => write('/', { a: value }, '')).toThrow(TypeError);
  },
);

it.each(['a b', 'a:', 'a\r\nb', '', 'ä'])('refuses a header with the name %j', (name) => {
  expect(() => write('/', { [name]: 'x' }, '')).toThrow(TypeError);
});

it.each(['/a b', '/a\r\nb', '/ä'])('refuses the path %j', (path) => {
  expect(() => write(path, {}, '')).toThrow(TypeError);
});
