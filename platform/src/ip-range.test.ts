import { expect, test } from 'vitest';
import { canonicalRange, rangeCovers } from './ip-range.ts';

test.each([
  ['203.0.113.7', '203.0.113.7/32'],
  ['203.0.113.77/24', '203.0.113.0/24'],
  ['10.255.0.0/9', '10.128.0.0/9'],
  ['2001:DB8:0:0::1', '2001:db8::1/128'],
  ['2001:db8:ffff::/33', '2001:db8:8000::/33'],
  ['::ffff:192.0.2.1', '::ffff:c000:201/128'],
  ['::1/64', '::/64'],
])('%s is written %s', (text, canonical) => {
  expect(canonicalRange(text)).toBe(canonical);
});

test.each([
  '',
  'example.com',
  '203.0.113',
  '203.0.113.256',
  '1.2.3.4/33',
  '::1/129',
  '0.0.0.0/0',
  '::/0',
  '1.2.3.4/8/9',
  '1.2.3.4/ 8',
  'fe80::1%eth0',
])('%j is no range', (text) => {
  expect(canonicalRange(text)).toBeUndefined();
});

test('a range covers what lies in it, of its own family', () => {
  expect(rangeCovers('203.0.113.0/24', '203.0.113.255')).toBe(true);
  expect(rangeCovers('203.0.113.0/24', '203.0.114.0')).toBe(false);
  expect(rangeCovers('2001:db8::/32', '2001:db8:1::5')).toBe(true);
  expect(rangeCovers('2001:db8::/32', '203.0.113.5')).toBe(false);
  expect(rangeCovers('203.0.113.0/24', 'no address')).toBe(false);
});
