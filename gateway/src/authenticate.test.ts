import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { defaultDoorLimits } from '@souk/platform/door-limits';
import type { AccessSnapshot } from '@souk/platform/identity';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Authenticate, createAuthenticate } from './authenticate.ts';

const issuer = 'https://souk.local';
const audience = 'souk';
const clientIp = '192.0.2.7';
let jwks: Server;
let jwksUrl: string;
let published: JWK[];
let key: CryptoKey;
let snapshot: AccessSnapshot | undefined;
let authenticate: (...asked: Parameters<Authenticate>) => Promise<Awaited<ReturnType<Authenticate>>>;

async function newKey(kid: string) {
  const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
  return { privateKey: pair.privateKey, jwk: { ...(await exportJWK(pair.publicKey)), kid, alg: 'EdDSA', use: 'sig' } };
}

beforeAll(async () => {
  const first = await newKey('first');
  key = first.privateKey;
  published = [first.jwk];
  jwks = createServer((_, response) =>
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: published })),
  );
  await new Promise<void>((resolve) => jwks.listen(0, '127.0.0.1', resolve));
  jwksUrl = `http://127.0.0.1:${(jwks.address() as AddressInfo).port}/jwks`;
});

afterAll(() => void jwks.close());

beforeEach(() => {
  snapshot = {
    version: 1,
    revokedSessionIds: [],
    revokedKeyIds: [],
    blockedUserIds: [],
    userRoles: {},
    roleScopes: { CUSTOMER: [], SUPPORT: ['order:read', 'user:read'] },
    accessEntries: [],
    doorLimits: defaultDoorLimits,
  };
  authenticate = asPromised([jwksUrl]);
});

/** An answer that is there at once is one that is waited for, too. */
function asPromised(jwksUrls: string[]): typeof authenticate {
  const ask = createAuthenticate({ jwksUrls, issuer, audience, accessState: { current: () => snapshot } });
  return async (asked) => ask(asked);
}

const seconds = () => Math.floor(Date.now() / 1000);
const claims = () => ({
  iss: issuer,
  aud: audience,
  sub: 'user_1',
  sid: 'sess_1',
  roles: ['SUPPORT'],
  iat: seconds(),
  exp: seconds() + 300,
});
const token = (changes: object = {}, header: object = {}, signedBy: CryptoKey = key) =>
  new SignJWT({ ...claims(), ...changes })
    .setProtectedHeader({ alg: 'EdDSA', kid: 'first', typ: 'at+jwt', ...header })
    .sign(signedBy);
const header = { alg: 'EdDSA', kid: 'first', typ: 'at+jwt' };
/** A token with a header that no library would sign. */
const raw = async (head: object) =>
  (await token()).replace(/^[^.]+/, Buffer.from(JSON.stringify(head)).toString('base64url'));
async function signedByStranger(headerFor: (jwk: JWK) => object): Promise<string> {
  const stranger = await newKey('first');
  return token({}, headerFor(stranger.jwk), stranger.privateKey);
}
const as = async (jwt: string | Promise<string>, ip = clientIp) =>
  authenticate({ authorization: `Bearer ${await jwt}`, clientIp: ip });
const refusal = (attempt: Promise<unknown>) =>
  attempt.then(
    () => 'accepted',
    (error: { code?: string }) => error.code ?? String(error),
  );

describe('authenticate', () => {
  it('knows a viewer by a valid token, with the scopes their roles grant now', async () => {
    expect(await as(token())).toEqual({
      userId: 'user_1',
      sessionId: 'sess_1',
      roles: ['SUPPORT'],
      scopes: new Set(['order:read', 'user:read']),
    });
  });

  it('lets a request without a token be anonymous', async () => {
    expect(await authenticate({ authorization: undefined, clientIp })).toBeNull();
  });

  it.each<[string, () => Promise<string>]>([
    ['another issuer', () => token({ iss: 'https://elsewhere' })],
    ['another audience', () => token({ aud: 'elsewhere' })],
    ['an end in the past', () => token({ iat: seconds() - 600, exp: seconds() - 300 })],
    ['another type', () => token({}, { typ: 'JWT' })],
    ['no type', () => token({}, { typ: undefined })],
    ['the type of an assertion between services', () => token({}, { typ: 'souk-assertion+jwt' })],
    ['no issuer', () => token({ iss: undefined })],
    ['no audience', () => token({ aud: undefined })],
    ['no subject', () => token({ sub: undefined })],
    ['an empty subject', () => token({ sub: '' })],
    ['a subject that is no text', () => token({ sub: { $ne: '' } })],
    ['no session', () => token({ sid: undefined })],
    ['a session that is no text', () => token({ sid: 7 })],
    ['no roles', () => token({ roles: undefined })],
    ['roles that are no list', () => token({ roles: 'ADMIN' })],
    ['no end', () => token({ exp: undefined })],
    ['an end that is no number', () => token({ exp: 'never' })],
    ['no beginning', () => token({ iat: undefined })],
    ['a beginning in the future', () => token({ iat: seconds() + 60, exp: seconds() + 300 })],
    ['a time before which it is not to be used', () => token({ nbf: seconds() + 60 })],
    ['a life beyond what is remembered of revocations', () => token({ iat: seconds() - 400, exp: seconds() + 86_400 })],
    ['an unknown key', () => token({}, { kid: 'unknown' })],
    ['no key', () => token({}, { kid: undefined })],
    ['a key id that is no text', () => token({}, { kid: 7 })],
    ['a critical header that nobody understands', () => raw({ ...header, crit: ['x'], x: 1 })],
    ['a payload that is not encoded', () => raw({ ...header, crit: ['b64'], b64: false })],
    ['a key of its own in the header', async () => signedByStranger((jwk) => ({ jwk }))],
    ['a place of its own for keys', async () => signedByStranger(() => ({ jku: 'https://evil.example/jwks' }))],
    ['no signature', async () => (await token()).replace(/[^.]+$/, '')],
    ['a header that is no JSON', async () => (await token()).replace(/^[^.]+/, 'bm9wZQ')],
    ['a header that is null', async () => (await token()).replace(/^[^.]+/, Buffer.from('null').toString('base64url'))],
    ['a fourth part', async () => `${await token()}.x`],
    ['a comma and another one', async () => `${await token()}, Bearer ${await token()}`],
    ['another token behind it', async () => `${await token()} ${await token()}`],
    ["a stranger's signature", async () => token({}, {}, (await newKey('first')).privateKey)],
    [
      'a symmetric algorithm',
      async () =>
        new SignJWT(claims())
          .setProtectedHeader({ alg: 'HS256', kid: 'first', typ: 'at+jwt' })
          .sign(Buffer.from(JSON.stringify(published[0]))),
    ],
    [
      'no algorithm',
      async () =>
        `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims())).toString('base64url')}.x`,
    ],
    [
      'a changed payload',
      async () =>
        (await token()).replace(
          /\.[^.]+\./,
          `.${Buffer.from(JSON.stringify({ ...claims(), sub: 'user_2' })).toString('base64url')}.`,
        ),
    ],
    [
      'another letter case of an algorithm that is none',
      async () =>
        `${Buffer.from('{"alg":"nOnE","kid":"first","typ":"at+jwt"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims())).toString('base64url')}.x`,
    ],
    [
      'a symmetric algorithm whose secret is the public key itself',
      async () =>
        new SignJWT(claims())
          .setProtectedHeader({ alg: 'HS256', kid: 'first', typ: 'at+jwt' })
          .sign(Buffer.from(String(published[0]?.x), 'base64url')),
    ],
    ['five thousand characters', async () => `a.${'x'.repeat(5_000)}.c`],
    ['everything right and five thousand characters', () => token({ note: 'x'.repeat(5_000) })],
  ])('refuses a token with %s', async (_, make) => {
    expect(await refusal(as(make()))).toBe('UNAUTHENTICATED');
  });

  it.each(['', 'Bearer', 'Bearer ', 'Basic dXNlcjpwYXNz', 'bearer', 'Token a.b.c', 'Bearer a.b', 'Bearer  a.b.c'])(
    'refuses the header %j',
    async (authorization) => {
      expect(await refusal(authenticate({ authorization, clientIp }))).toBe('UNAUTHENTICATED');
    },
  );

  it('forgives clocks that differ by five seconds, and no more', async () => {
    const expired = (ago: number) => token({ iat: seconds() - 290, exp: seconds() - ago });
    expect(await refusal(as(expired(2)))).toBe('accepted');
    expect(await refusal(as(expired(7)))).toBe('UNAUTHENTICATED');
    expect(await refusal(as(token({ iat: seconds() + 3 })))).toBe('accepted');
  });

  it('remembers that a token is good no longer than it is', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const jwt = await token({ exp: seconds() + 60 });
      expect(await refusal(as(jwt))).toBe('accepted');
      vi.setSystemTime(Date.now() + 66_000);
      expect(await refusal(as(jwt))).toBe('UNAUTHENTICATED');
    } finally {
      vi.useRealTimers();
    }
  });

  it('refuses every token of a key that was given up, known good or not, and those of other keys not', async () => {
    const jwt = await token();
    await as(jwt);
    snapshot = { ...(snapshot as AccessSnapshot), revokedKeyIds: ['first'] };
    expect(await refusal(as(jwt))).toBe('UNAUTHENTICATED');
    expect(await refusal(as(token({ sub: 'user_2' })))).toBe('UNAUTHENTICATED');
    snapshot = { ...snapshot, revokedKeyIds: ['another'] };
    expect(await refusal(as(jwt))).toBe('accepted');
  });

  it('refuses at once what was revoked, blocked or denied since the token was issued', async () => {
    const jwt = await token();
    await as(jwt);
    const base = snapshot as AccessSnapshot;
    snapshot = { ...base, revokedSessionIds: ['sess_1'] };
    expect(await refusal(as(jwt))).toBe('UNAUTHENTICATED');
    snapshot = { ...base, blockedUserIds: ['user_1'] };
    expect(await refusal(as(jwt))).toBe('UNAUTHENTICATED');
    snapshot = { ...base, accessEntries: [{ effect: 'DENY', kind: 'USER', subject: 'user_1', expiresAt: null }] };
    expect(await refusal(as(jwt))).toBe('FORBIDDEN');
    snapshot = base;
    expect(await refusal(as(jwt))).toBe('accepted');
  });

  it('gives new scopes to a token issued before they changed', async () => {
    const jwt = await token();
    snapshot = { ...(snapshot as AccessSnapshot), roleScopes: { SUPPORT: ['user:read'] } };
    expect((await as(jwt))?.scopes).toEqual(new Set(['user:read']));
    snapshot = { ...snapshot, userRoles: { user_1: ['CUSTOMER'] } };
    expect(await as(jwt)).toMatchObject({ roles: ['CUSTOMER'], scopes: new Set() });
  });

  it.each([
    ['192.0.2.0/24', '192.0.2.7', 'FORBIDDEN'],
    ['192.0.2.0/24', '192.0.3.7', 'accepted'],
    ['192.0.2.7/32', '192.0.2.7', 'FORBIDDEN'],
    ['192.0.2.0/24', '::ffff:192.0.2.7', 'FORBIDDEN'],
    ['2001:db8::/32', '2001:db8::1', 'FORBIDDEN'],
    ['2001:db8::/32', '2001:db9::1', 'accepted'],
  ])('holds a denied range %s against the address %s: %s', async (subject, ip, outcome) => {
    snapshot = {
      ...(snapshot as AccessSnapshot),
      accessEntries: [{ effect: 'DENY', kind: 'IP_RANGE', subject, expiresAt: null }],
    };
    expect(await refusal(authenticate({ authorization: undefined, clientIp: ip }))).toBe(outcome);
  });

  it('lets the narrowest range decide, and forgets entries that ended', async () => {
    const deny = { effect: 'DENY', kind: 'IP_RANGE', subject: '192.0.2.0/24' } as const;
    const base = snapshot as AccessSnapshot;
    snapshot = {
      ...base,
      accessEntries: [
        { ...deny, expiresAt: null },
        { effect: 'ALLOW', kind: 'IP_RANGE', subject: `${clientIp}/32`, expiresAt: null },
      ],
    };
    expect(await refusal(authenticate({ authorization: undefined, clientIp }))).toBe('accepted');
    snapshot = {
      ...base,
      accessEntries: [
        { ...deny, expiresAt: null },
        { effect: 'ALLOW', kind: 'IP_RANGE', subject: '192.0.0.0/16', expiresAt: null },
      ],
    };
    expect(await refusal(authenticate({ authorization: undefined, clientIp }))).toBe('FORBIDDEN');
    snapshot = { ...base, accessEntries: [{ ...deny, expiresAt: '2020-01-01T00:00:00.000Z' }] };
    expect(await refusal(authenticate({ authorization: undefined, clientIp }))).toBe('accepted');
  });

  it('trusts nobody while it cannot know who was revoked, and says that this passes', async () => {
    snapshot = undefined;
    await expect(as(token())).rejects.toMatchObject({ code: 'SUBGRAPH_UNAVAILABLE', retryable: true });
    expect(await authenticate({ authorization: undefined, clientIp })).toBeNull();
  });

  it.each<[string, number, string]>([
    ['is stopping', 503, '{"error":"Service Unavailable"}'],
    ['answers no JSON', 200, '<html>'],
    ['answers no key set', 200, '{"keys":"none"}'],
  ])('does not call a token invalid because the service of the keys %s', async (_, status, body) => {
    const failing = createServer((_request, response) => response.writeHead(status).end(body));
    await new Promise<void>((resolve) => failing.listen(0, '127.0.0.1', resolve));
    const lost = asPromised([`http://127.0.0.1:${(failing.address() as AddressInfo).port}/jwks`]);
    expect(await refusal(lost({ authorization: `Bearer ${await token()}`, clientIp }))).toBe('SUBGRAPH_UNAVAILABLE');
    failing.close();
  });

  it('does not call a token invalid because the keys cannot be fetched', async () => {
    const lost = asPromised(['http://127.0.0.1:1/jwks']);
    expect(await refusal(lost({ authorization: `Bearer ${await token()}`, clientIp }))).toBe('SUBGRAPH_UNAVAILABLE');
  });
});
