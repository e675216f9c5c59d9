import { createHmac } from 'node:crypto';
import { secretsOf } from '@souk/dev/secrets';
import { createSigner } from '@souk/platform/identity';
import { exportJWK, generateKeyPair, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose';
import { expect, inject } from 'vitest';
import { type Attack, attack } from './attack.ts';
import { post } from './request.ts';
import type { Scene, Victim } from './scene.ts';
import type { StrictGateway } from './strict-gateway.ts';

const { folder } = inject('shop');

/** Access tokens that somebody made, and what was done to good ones. */
export function tokens(gateway: () => StrictGateway): Attack[] {
  const present = (authorization: string) => post(gateway().url, '{"query":"{ viewer { id } }"}', { authorization });
  const refused = { status: 401, code: 'UNAUTHENTICATED', headers: { 'www-authenticate': 'Bearer' } };

  /** A token signed with a key that the gateway believes, and wrong in what is given here only. */
  const claiming = (
    tries: string,
    wrong: (now: number) => Record<string, unknown>,
    header: Partial<JWTHeaderParameters> = {},
  ): Attack => ({
    tries: `a token ${tries}`,
    request: async ({ victim }) =>
      present(`Bearer ${await gateway().sign({ ...claimsOf(victim), ...wrong(seconds()) } as JWTPayload, header)}`),
    answer: refused,
  });
  const handMade = (tries: string, make: (victim: Victim) => string | Promise<string>): Attack => ({
    tries,
    request: async ({ victim }) => present(`Bearer ${await make(victim)}`),
    answer: refused,
  });

  return [
    {
      ...claiming('in which all is right, so that each of the others is refused for its own fault', () => ({})),
      answer: { status: 200, data: { viewer: { id: expect.stringMatching(/^user_/) } } },
    },
    {
      ...claiming('that ran out three seconds ago, by a clock that may be so much ahead', (now) => ({ exp: now - 3 })),
      answer: { status: 200, data: { viewer: { id: expect.stringMatching(/^user_/) } } },
    },
    claiming('that ran out ten seconds ago', (now) => ({ exp: now - 10 })),
    claiming('that never runs out', () => ({ exp: undefined })),
    claiming('made six minutes ago, good for a year', (now) => ({ iat: now - 360, exp: now + 3e7 })),
    claiming('made in an hour', (now) => ({ iat: now + 3_600, exp: now + 3_900 })),
    claiming('that does not say when it was made', () => ({ iat: undefined })),
    claiming('that is not good before an hour from now', (now) => ({ nbf: now + 3_600 })),
    claiming('for another audience', () => ({ aud: 'another-shop' })),
    claiming('for a list of other audiences', () => ({ aud: ['another-shop', 'SOUK'] })),
    claiming('for nobody', () => ({ aud: undefined })),
    claiming('by another issuer', () => ({ iss: 'https://evil.example' })),
    claiming('by nobody', () => ({ iss: undefined })),
    claiming('about nobody', () => ({ sub: undefined })),
    claiming('about an object', () => ({ sub: { $ne: null } })),
    claiming('of no session', () => ({ sid: undefined })),
    claiming('with roles in one text', () => ({ roles: 'ADMIN' })),
    claiming('of another type', () => ({}), { typ: 'JWT' }),
    claiming('of the type that services use among themselves', () => ({}), { typ: 'souk-assertion+jwt' }),
    claiming('without a type', () => ({}), { typ: undefined as never }),
    claiming('whose key is not known', () => ({}), { kid: 'nobody-knows' }),
    claiming('whose key is a path', () => ({}), { kid: '../../../../dev/null' }),
    claiming('whose key is SQL', () => ({}), { kid: "x' UNION SELECT 'key" }),
    claiming('without the name of its key', () => ({}), { kid: undefined as never }),

    handMade('a token without a signature, by the algorithm none', ({ accessToken }) =>
      unsigned(accessToken, 'none', ''),
    ),
    handMade('the same, spelled otherwise', ({ accessToken }) => unsigned(accessToken, 'nOnE', '')),
    handMade('the same, with something as signature', ({ accessToken }) => unsigned(accessToken, 'none', 'AAAA')),
    ...['raw bytes', 'its JWK', 'its x'].map((form) =>
      handMade(`a token signed with the public key as a shared secret, taken as ${form}`, (victim) => {
        const { kid, x } = gateway().publicKey;
        const secrets = {
          'raw bytes': Buffer.from(x, 'base64url'),
          'its x': x,
          'its JWK': JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x }),
        };
        return hmacSigned(
          claimsOf(victim),
          { alg: 'HS256', typ: 'at+jwt', kid },
          secrets[form as keyof typeof secrets],
        );
      }),
    ),
    handMade('a token signed with an empty shared secret', (victim) =>
      hmacSigned(claimsOf(victim), { alg: 'HS256', typ: 'at+jwt', kid: gateway().publicKey.kid }, ''),
    ),
    handMade('a token that brings its own key', async (victim) => {
      const { privateKey, jwk } = await ownKey();
      return new SignJWT(claimsOf(victim)).setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', jwk }).sign(privateKey);
    }),
    handMade('a token that says where its key is', async (victim) => {
      const { privateKey } = await ownKey();
      const header = {
        alg: 'EdDSA',
        typ: 'at+jwt',
        kid: 'mine',
        jku: 'http://127.0.0.1:1/keys',
        x5u: 'http://127.0.0.1:1/keys',
      };
      return new SignJWT(claimsOf(victim)).setProtectedHeader(header).sign(privateKey);
    }),
    handMade('a token signed with another key under the name of a good one', async (victim) => {
      const { privateKey } = await ownKey();
      const header = { alg: 'EdDSA', typ: 'at+jwt', kid: gateway().publicKey.kid };
      return new SignJWT(claimsOf(victim)).setProtectedHeader(header).sign(privateKey);
    }),
    handMade('a token with a header that has to be understood', async (victim) => {
      const { privateKey } = await ownKey();
      const header = { alg: 'EdDSA', typ: 'at+jwt', kid: 'x', crit: ['exp2'], exp2: 1 };
      return new SignJWT(claimsOf(victim))
        .setProtectedHeader(header as never)
        .sign(privateKey, { crit: { exp2: true } });
    }),
    handMade('the signature of a good token under other claims', ({ accessToken, ...victim }) => {
      const [header = '', , signature = ''] = accessToken.split('.');
      return [header, base64url({ ...claimsOf(victim as Victim), roles: ['ADMIN'] }), signature].join('.');
    }),
    handMade('a good token without its last character', ({ accessToken }) => accessToken.slice(0, -1)),
    handMade('a good token with a fourth part', ({ accessToken }) => `${accessToken}.x`),
    handMade('a good token with an empty signature', ({ accessToken }) => `${accessToken.split('.', 2).join('.')}.`),
    handMade('an encrypted token of five parts', () => 'a.b.c.d.e'),
    handMade('three parts that are no JSON', () => 'AAAA.BBBB.CCCC'),
    handMade('a token of 5,000 characters', ({ accessToken }) => `${accessToken}${'A'.repeat(5_000)}`),
    handMade('what the gateway says to subgraphs, as a token', ({ userId, sessionId }) => {
      const signer = createSigner({ service: 'gateway', privateKey: secretsOf(folder).serviceKeys.gateway });
      return signer.assertion('user', { userId, sessionId, roles: ['ADMIN'], scopes: new Set(['access:write']) });
    }),
    handMade('a refresh token as an access token', ({ refreshToken }) => `${refreshToken}`),
    attack({
      tries: 'sixty tokens of unknown keys at once, each of which asks for the keys',
      given: async () => gateway().timesAskedForKeys(),
      async request({ victim }) {
        const replies = await Promise.all(
          Array.from({ length: 60 }, async (_, index) =>
            present(`Bearer ${await gateway().sign(claimsOf(victim), { kid: `unknown-${index}` })}`),
          ),
        );
        expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([401]));
        return replies[0] as (typeof replies)[number];
      },
      answer: refused,
      effect: async (_: Scene, before: number) =>
        expect(gateway().timesAskedForKeys() - before, 'questions for the keys').toBeLessThan(10),
    }),
    attack({
      tries: 'the word bearer in other letters',
      request: ({ victim }) => present(`bEARER ${victim.accessToken}`),
      answer: { status: 200, data: { viewer: { id: expect.stringMatching(/^user_/) } } },
    }),
  ];
}

const seconds = () => Math.floor(Date.now() / 1_000);

function claimsOf({ userId, sessionId }: Pick<Victim, 'userId' | 'sessionId'>): JWTPayload {
  const now = seconds();
  return {
    iss: 'https://souk.local',
    aud: 'souk',
    sub: userId,
    sid: sessionId,
    roles: ['CUSTOMER'],
    iat: now,
    exp: now + 300,
  };
}

const base64url = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

function unsigned(token: string, alg: string, signature: string): string {
  const [header = '', claims = ''] = token.split('.');
  const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string };
  return [base64url({ alg, typ: 'at+jwt', kid }), claims, signature].join('.');
}

function hmacSigned(claims: object, header: object, secret: string | Buffer): string {
  const signed = `${base64url(header)}.${base64url(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

async function ownKey() {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true });
  return { privateKey, jwk: await exportJWK(publicKey) };
}
