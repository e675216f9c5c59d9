import type { SoukError } from '@souk/platform/errors';
import { createLogger } from '@souk/platform/logger';
import { createHttpServer } from '@souk/platform/service';
import type { KeptToken, TokenCustody } from '@souk/platform/token-custody';
import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { createBrowserOrigins } from './browser-origins.ts';
import { createRefreshCookie } from './refresh-cookie.ts';

const token = 'a'.repeat(43);
const shop = 'https://shop.example';
let app: FastifyInstance;

afterEach(() => app.close());

/** An endpoint that tells what it took, and gives what it is told. */
function open(options: { listed?: string[] | undefined; isProduction?: boolean; next?: TokenCustody['next'] }) {
  const { listed, isProduction, next } = { listed: [shop], isProduction: true, next: undefined, ...options };
  app = createHttpServer(createLogger('test', { level: 'silent' }));
  const origins = createBrowserOrigins(listed, isProduction);
  const cookie = createRefreshCookie({ path: '/graphql', origins, isProduction });
  app.all('/graphql', (request, reply) => {
    try {
      const custody = cookie.take(request);
      if (custody) cookie.give(reply, { ...custody, ...(next === undefined ? {} : { next }) });
      return reply.send({ custody: custody ?? null });
    } catch (error) {
      return reply.code(400).send({ code: (error as SoukError).code });
    }
  });
}

const send = async (headers: Record<string, string> = {}, method: 'GET' | 'POST' = 'POST') => {
  const answer = await app.inject({
    method,
    url: '/graphql',
    headers: { host: 'api.shop.example', origin: shop, 'x-souk-refresh-token': 'cookie', ...headers },
  });
  return { status: answer.statusCode, body: answer.json(), cookie: answer.headers['set-cookie'] };
};
const kept = (secondsFromNow: number): KeptToken => ({
  token,
  expiresAt: new Date(Date.now() + secondsFromNow * 1_000 + 500).toISOString(),
});

describe('the refresh cookie', () => {
  it('is for this endpoint of this host alone, out of reach of scripts, other sites and unencrypted connections', async () => {
    open({ next: kept(600) });
    expect((await send()).cookie).toBe(
      `__Secure-souk-refresh-token=${token}; Max-Age=600; Path=/graphql; HttpOnly; Secure; SameSite=Strict`,
    );
  });

  it.each([
    ['localhost:4000', false, true],
    ['127.0.0.1:4000', false, true],
    ['[::1]:4000', false, true],
    ['192.168.1.5:4000', false, false],
    ['localhost.evil.example', false, false],
    ['localhost:4000', true, false],
  ])('may go unencrypted to %s, in production: %s, as %s', async (host, isProduction, plain) => {
    open({ isProduction, listed: [shop], next: kept(600) });
    const cookie = String((await send({ host })).cookie);
    expect(cookie.includes('Secure')).toBe(!plain);
    expect(cookie).toContain('HttpOnly');
  });

  it('is taken from a browser that asks for it, and given up when there is none any more', async () => {
    open({ next: null });
    const { body, cookie } = await send({ cookie: `theme=dark; __Secure-souk-refresh-token=${token}` });
    expect(body).toEqual({ custody: { kept: token } });
    expect(cookie).toBe('__Secure-souk-refresh-token=; Max-Age=0; Path=/graphql; HttpOnly; Secure; SameSite=Strict');
  });

  it('stays as it is while nothing is said about it', async () => {
    open({});
    expect((await send({ cookie: `__Secure-souk-refresh-token=${token}` })).cookie).toBeUndefined();
  });

  it.each([
    ['none', ''],
    ['one that is no token', '__Secure-souk-refresh-token=short'],
    ['one that would break a header', '__Secure-souk-refresh-token=%0d%0a'],
    ['one for unencrypted connections', `souk-refresh-token=${token}`],
    [
      'two, of which one is from somewhere else',
      `__Secure-souk-refresh-token=${token}; __Secure-souk-refresh-token=${'b'.repeat(43)}`,
    ],
  ])('holds nothing when there is %s', async (_, cookie) => {
    open({});
    expect(await send({ cookie })).toMatchObject({ status: 200, body: { custody: { kept: null } } });
  });

  it('counts for nothing unless the client asks for it', async () => {
    open({ next: kept(600) });
    const headers = { host: 'api.shop.example', origin: shop, cookie: `__Secure-souk-refresh-token=${token}` };
    const answer = await app.inject({ method: 'POST', url: '/graphql', headers });
    expect(answer.json()).toEqual({ custody: null });
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect((await send({ cookie: `__Secure-souk-refresh-token=${token}` }, 'GET')).body).toEqual({ custody: null });
  });

  it('is asked for by one word', async () => {
    open({});
    expect((await send({ 'x-souk-refresh-token': 'yes' })).body).toEqual({ code: 'BAD_USER_INPUT' });
  });
});

const sameSite = { 'sec-fetch-site': 'same-site' };

describe('a page that wants the cookie', () => {
  it.each<[string, Record<string, string>, { listed?: string[] | undefined; isProduction?: boolean }]>([
    ['of a listed origin', {}, {}],
    ['of a listed origin, as a newer browser tells', sameSite, {}],
    [
      'of the origin of this server',
      { origin: 'http://api.shop.example', 'sec-fetch-site': 'same-origin' },
      { listed: [] },
    ],
    [
      'of this machine, while developing',
      { origin: 'http://localhost:3000' },
      { listed: undefined, isProduction: false },
    ],
  ])('%s gets it', async (_, headers, options) => {
    open({ ...options, next: kept(600) });
    expect(await send(headers)).toMatchObject({ status: 200, cookie: expect.stringContaining(token) });
  });

  it.each<[string, Record<string, string>, { listed?: string[] | undefined; isProduction?: boolean }]>([
    ['of another origin', { origin: 'https://evil.example' }, {}],
    ['of a subdomain of a listed origin', { origin: 'https://evil.shop.example' }, {}],
    ['of another port of a listed origin', { origin: `${shop}:8443` }, {}],
    ['of a listed origin without encryption', { origin: 'http://shop.example' }, {}],
    ['of an origin that ends like a listed one', { origin: 'https://evilshop.example' }, {}],
    ['of an origin that begins like a listed one', { origin: 'https://shop.example.evil.example' }, {}],
    ['in a sandbox', { origin: 'null' }, {}],
    ['of no origin', { origin: '' }, {}],
    ['that names two origins', { origin: `${shop}, https://evil.example` }, {}],
    ['of a listed origin on another site', { 'sec-fetch-site': 'cross-site' }, {}],
    ['that no page sent', { 'sec-fetch-site': 'none' }, {}],
    ['of another origin where everybody may read', { origin: 'https://evil.example' }, { listed: ['*'] }],
    ['called *', { origin: '*' }, { listed: ['*'] }],
    [
      'of another machine, while developing',
      { origin: 'https://evil.example' },
      { listed: undefined, isProduction: false },
    ],
    ['of this machine, in production', { origin: 'http://localhost:3000' }, { listed: undefined }],
  ])('%s is refused before anything happens', async (_, headers, options) => {
    open({ listed: [shop], ...options, next: kept(600) });
    const { cookie, body } = await send({ cookie: `__Secure-souk-refresh-token=${token}`, ...headers });
    expect(body).toEqual({ code: 'FORBIDDEN' });
    expect(cookie).toBeUndefined();
  });

  it('without an origin is none', async () => {
    open({ next: kept(600) });
    const headers = { host: 'api.shop.example', 'x-souk-refresh-token': 'cookie' };
    const answer = await app.inject({ method: 'POST', url: '/graphql', headers });
    expect(answer.json()).toEqual({ code: 'FORBIDDEN' });
    expect(answer.headers['set-cookie']).toBeUndefined();
  });
});
