import { createLogger } from '@souk/platform/logger';
import { createHttpServer } from '@souk/platform/service';
import { expect, test } from 'vitest';
import { clientIpOf } from './client-ip.ts';

const socket = '192.0.2.1';

async function seenWith(trustedProxyHops: number, forwarded: string | string[] | undefined, remoteAddress = socket) {
  const app = createHttpServer(createLogger('test', { level: 'silent' }), { trustedProxyHops });
  app.get('/', async (request) => clientIpOf(request));
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  const { body } = await app.inject({ url: '/', headers: headers as Record<string, string>, remoteAddress });
  await app.close();
  return body;
}

test.each<[hops: number, forwarded: string | undefined, seen: string]>([
  // Nobody in front: whatever the header says was said by the client.
  [0, undefined, socket],
  [0, '203.0.113.9', socket],
  [0, '203.0.113.9, 10.0.0.1', socket],
  // One proxy, which adds whom it saw at the end.
  [1, undefined, socket],
  [1, '203.0.113.9', '203.0.113.9'],
  [1, '10.0.0.1, 203.0.113.9', '203.0.113.9'],
  [1, '127.0.0.1,::1,203.0.113.9', '203.0.113.9'],
  // Two.
  [2, '203.0.113.9, 10.0.0.1', '203.0.113.9'],
  [2, '198.51.100.1, 203.0.113.9, 10.0.0.1', '203.0.113.9'],
  // Fewer than there should be: the request came in behind the first one.
  [2, '203.0.113.9', '203.0.113.9'],
  [3, undefined, socket],
  // As some proxies write addresses.
  [1, '203.0.113.9:51234', '203.0.113.9'],
  [1, '[2001:db8::7]:51234', '2001:db8::7'],
  [1, '[2001:db8::7]', '2001:db8::7'],
  [1, '2001:db8::7', '2001:db8::7'],
  [1, '::ffff:203.0.113.9', '203.0.113.9'],
  // What is no address: the proxy itself is what is known.
  [1, 'unknown', socket],
  [1, '10.0.0.1, <script>', socket],
  [1, '999.1.1.1', socket],
  [1, 'fe80::1%eth0', socket],
  [1, ', ,', socket],
  [1, '', socket],
  [1, `${'1,'.repeat(3_000)}203.0.113.9`, '203.0.113.9'],
])('with %i proxies and the header %j the client is %s', async (hops, forwarded, seen) => {
  expect(await seenWith(hops, forwarded)).toBe(seen);
});

test('an IPv4 address that a socket for both kinds shows is written as one', async () => {
  expect(await seenWith(0, undefined, '::ffff:192.0.2.7')).toBe('192.0.2.7');
  expect(await seenWith(0, undefined, '2001:db8::1')).toBe('2001:db8::1');
});

test('no other header names a client', async () => {
  const app = createHttpServer(createLogger('test', { level: 'silent' }), { trustedProxyHops: 1 });
  app.get('/', async (request) => clientIpOf(request));
  const headers = {
    'x-real-ip': '203.0.113.9',
    forwarded: 'for=203.0.113.9',
    'cf-connecting-ip': '203.0.113.9',
    'souk-client-ip': '203.0.113.9',
  };
  expect((await app.inject({ url: '/', headers, remoteAddress: socket })).body).toBe(socket);
  await app.close();
});
