import { expect, inject, vi } from 'vitest';
import { newCustomer, PASSWORD, type Person, signIn } from '../client.ts';
import { type Attack, attack } from './attack.ts';
import type { Reply } from './reply.ts';
import { ask } from './request.ts';

/** Tokens after they were used, given up or stolen. What is taken back has to be gone at once, and for good. */

const { gatewayUrl } = inject('shop');
const store = { url: gatewayUrl };

const TOKENS = 'tokens { accessToken refreshToken } userErrors { code }';
interface Pair {
  accessToken: string;
  refreshToken: string;
}

function refresh(refreshToken: string | null, headers: Record<string, string> = {}): Promise<Reply> {
  const query = `mutation ($input: TokenRefreshInput!) { tokenRefresh(input: $input) { ${TOKENS} } }`;
  return ask(store, query, { input: refreshToken === null ? {} : { refreshToken } }, headers);
}

async function refreshed(refreshToken: string): Promise<Pair> {
  const { data } = await refresh(refreshToken);
  const { tokens } = (data as { tokenRefresh: { tokens: Pair | null } }).tokenRefresh;
  if (!tokens) throw new Error(`Expected tokens, got ${JSON.stringify(data)}.`);
  return tokens;
}

const whoAmI = (accessToken: string) => ask({ url: gatewayUrl, accessToken }, '{ viewer { id } }');
const expectShutOut = (accessToken: string) =>
  vi.waitFor(async () => expect((await whoAmI(accessToken)).status).toBe(401), { timeout: 2_000, interval: 50 });

const refusedAs = (code: string) => ({ status: 200, userErrors: [code], data: { tokenRefresh: { tokens: null } } });

const used: Attack[] = [
  attack({
    tries: 'a refresh token that was used, and so was the one it gave: it was copied',
    async given() {
      const { refreshToken: first } = await newCustomer(gatewayUrl);
      const { refreshToken: second } = await refreshed(`${first}`);
      return { first: `${first}`, last: await refreshed(second) };
    },
    request: (_scene, { first }) => refresh(first),
    answer: refusedAs('TOKEN_REUSED'),
    writes: ['sessions', 'access_changes', 'access_version'],
    async effect(_scene, { last }) {
      expect((await refresh(last.refreshToken)).data).toMatchObject({ tokenRefresh: { tokens: null } });
      await expectShutOut(last.accessToken);
    },
  }),
  attack({
    tries: 'the same refresh token twice at the same moment, as two tabs do',
    given: async () => `${(await newCustomer(gatewayUrl)).refreshToken}`,
    async request(_scene, token) {
      const [one, other] = await Promise.all([refresh(token), refresh(token)]);
      expect(refreshTokenIn(one)).toBe(refreshTokenIn(other));
      return one;
    },
    answer: { status: 200 },
    writes: 'anything',
  }),
  attack({
    tries: 'a refresh token of a session that was signed out',
    async given() {
      const person = await newCustomer(gatewayUrl);
      await ask(person, 'mutation { signOut { signedOutSessionIds } }');
      return person;
    },
    request: (_scene, { refreshToken }) => refresh(refreshToken),
    answer: refusedAs('TOKEN_INVALID'),
    effect: (_scene, { accessToken }) => expectShutOut(accessToken),
  }),
  attack({
    tries: 'a refresh token of before the password was changed on another device',
    async given() {
      const person = await newCustomer(gatewayUrl);
      const other = await signIn(gatewayUrl, person.email, PASSWORD);
      const change =
        'mutation ($old: String!) { passwordChange(currentPassword: $old, newPassword: "another long secret") { userErrors { code } } }';
      await ask(other, change, { old: PASSWORD });
      return person;
    },
    request: (_scene, { refreshToken }) => refresh(refreshToken),
    answer: refusedAs('TOKEN_INVALID'),
    effect: (_scene, { accessToken }) => expectShutOut(accessToken),
  }),
  attack({
    tries: 'tokens of an account that was suspended',
    async given({ admin }) {
      const person = await newCustomer(gatewayUrl);
      const suspend =
        'mutation ($id: ID!) { userSuspend(input: { userId: $id, reason: "test" }) { userErrors { code } } }';
      await ask(admin, suspend, { id: person.userId });
      return person;
    },
    request: (_scene, { refreshToken }) => refresh(refreshToken),
    answer: { status: 200, userErrors: [expect.stringMatching(/^(TOKEN_INVALID|ACCOUNT_SUSPENDED)$/)] as never },
    effect: (_scene, { accessToken }) => expectShutOut(accessToken),
  }),
  attack({
    tries: 'tokens of an account that was deleted',
    async given() {
      const person = await newCustomer(gatewayUrl);
      await ask(person, 'mutation ($password: String!) { userDelete(password: $password) { userErrors { code } } }', {
        password: PASSWORD,
      });
      return person;
    },
    request: (_scene, { refreshToken }) => refresh(refreshToken),
    answer: refusedAs('TOKEN_INVALID'),
    effect: (_scene, { accessToken }) => expectShutOut(accessToken),
  }),
];

function refreshTokenIn({ data }: Reply): string | undefined {
  return (data as { tokenRefresh: { tokens: Pair | null } }).tokenRefresh.tokens?.refreshToken;
}

const madeUp: Attack[] = [
  { tries: 'no refresh token', request: () => refresh(null), answer: refusedAs('REQUIRED') },
  {
    tries: 'an empty refresh token',
    request: () => refresh(''),
    answer: { status: 200, userErrors: [expect.stringMatching(/^(REQUIRED|TOKEN_INVALID)$/)] as never },
  },
  {
    tries: 'a refresh token that was guessed',
    request: () => refresh('A'.repeat(43)),
    answer: refusedAs('TOKEN_INVALID'),
  },
  {
    tries: 'a refresh token of 100,000 characters',
    request: () => refresh('A'.repeat(100_000)),
    answer: refusedAs('TOKEN_INVALID'),
  },
  { tries: 'a refresh token that is SQL', request: () => refresh("' OR '1'='1"), answer: refusedAs('TOKEN_INVALID') },
  attack({
    tries: 'an access token instead of a refresh token',
    request: ({ victim }) => refresh(victim.accessToken),
    answer: refusedAs('TOKEN_INVALID'),
  }),
  attack({
    tries: 'the session of somebody else, to end it',
    request: ({ stranger, victim }) =>
      ask(stranger, `mutation { sessionRevoke(id: "${victim.sessionId}") { userErrors { code } } }`),
    answer: { status: 200, userErrors: ['NOT_FOUND'] },
  }),
];

/** Pages that want the gateway to keep, or to use, a token in a cookie. */
const cookies: Attack[] = [
  ...[
    ['a page of another site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    [
      'a page that names a trusted origin as its own',
      { origin: 'http://localhost:3000', 'sec-fetch-site': 'cross-site' },
    ],
    ['a page whose origin looks like a trusted one', { origin: 'http://localhost.evil.example' }],
    ['a page without an origin', { origin: 'null' }],
    ['no page at all', {}],
  ].map(([who, headers]) => ({
    tries: `a refresh with a cookie, from ${who}`,
    request: ({ victim }: { victim: Person }) =>
      refresh(null, {
        ...(headers as object),
        'x-souk-refresh-token': 'cookie',
        cookie: `souk-refresh-token=${victim.refreshToken}`,
      }),
    answer: { status: 403, code: 'FORBIDDEN', headers: { 'set-cookie': null } },
  })),
  attack({
    tries: 'a cookie without the header that no other page can send',
    request: ({ victim }) =>
      refresh(null, { origin: 'https://evil.example', cookie: `souk-refresh-token=${victim.refreshToken}` }),
    answer: refusedAs('REQUIRED'),
  }),
  attack({
    tries: 'two cookies of that name, of which another host of the site has set one',
    request: ({ victim }) =>
      refresh(null, {
        origin: 'http://localhost:3000',
        'x-souk-refresh-token': 'cookie',
        cookie: `souk-refresh-token=${victim.refreshToken}; souk-refresh-token=x`,
      }),
    answer: refusedAs('REQUIRED'),
  }),
  attack({
    tries: 'another word in that header',
    request: () => refresh(null, { origin: 'http://localhost:3000', 'x-souk-refresh-token': 'yes' }),
    answer: { status: 400, code: 'BAD_USER_INPUT' },
  }),
];

export const sessions = [...used, ...madeUp, ...cookies];
