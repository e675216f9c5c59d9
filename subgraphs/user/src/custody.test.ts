import { custodyOf, type TokenCustody } from '@souk/platform/token-custody';
import { eq } from 'drizzle-orm';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestService, PASSWORD, type Person, type TestService } from '../test-service.ts';
import { sessions } from './tables.ts';

let service: TestService;
beforeAll(async () => {
  service = await openTestService();
});
afterAll(() => service?.close());

const TOKENS = 'tokens { accessToken refreshToken refreshTokenExpiresAt } userErrors { code }';

/** Asks for somebody whose refresh token is kept; tells what is to be kept afterwards. */
async function ask(kept: string | undefined, source: string, variables = {}, accessToken: string | null = null) {
  const custody: TokenCustody = custodyOf(kept);
  const { data, errors } = await service.ask(accessToken, source, variables, { custody });
  return { data, errors, next: custody.next };
}
const refresh = (kept: string | undefined, input: object = {}) =>
  ask(kept, `mutation ($input: TokenRefreshInput!) { tokenRefresh(input: $input) { ${TOKENS} } }`, { input });
const signOut = (kept: string | undefined, { all = false, as = null as Person | null } = {}) =>
  ask(
    kept,
    'mutation ($all: Boolean) { signOut(allSessions: $all) { signedOutSessionIds } }',
    { all },
    as?.accessToken ?? null,
  );
const sessionIdOf = ({ accessToken }: { accessToken: string }) => String(decodeJwt(accessToken)['sid']);
const isLive = async (sessionId: string) => {
  const [row] = await service.db.select().from(sessions).where(eq(sessions.id, sessionId));
  return row?.revokedAt === null;
};

test('every way to tokens has the refresh token kept, and gives out none', async () => {
  const email = 'kept@example.com';
  const signedUp = await ask(undefined, `mutation ($input: SignUpInput!) { signUp(input: $input) { ${TOKENS} } }`, {
    input: { email, password: PASSWORD, displayName: 'Kept' },
  });
  const signedIn = await ask(undefined, `mutation ($input: SignInInput!) { signIn(input: $input) { ${TOKENS} } }`, {
    input: { email, password: PASSWORD },
  });
  const changed = await ask(
    signedIn.next?.token,
    `mutation ($now: String!, $next: String!) { passwordChange(currentPassword: $now, newPassword: $next) { ${TOKENS} } }`,
    { now: PASSWORD, next: `${PASSWORD} more` },
    signedIn.data.signIn.tokens.accessToken,
  );
  const refreshed = await refresh(changed.next?.token);
  const answers = [
    [signedUp.data.signUp, signedUp.next],
    [signedIn.data.signIn, signedIn.next],
    [changed.data.passwordChange, changed.next],
    [refreshed.data.tokenRefresh, refreshed.next],
  ];
  for (const [payload, next] of answers) {
    expect(payload).toMatchObject({ tokens: { accessToken: expect.any(String), refreshToken: null }, userErrors: [] });
    expect(next).toEqual({
      token: expect.stringMatching(/^[\w-]{43}$/),
      expiresAt: payload.tokens.refreshTokenExpiresAt,
    });
  }
});

test('a token that is sent is exchanged before the one that is kept, and its successor is kept', async () => {
  const [person, other] = [await service.newPerson(), await service.newPerson()];
  const { data, next } = await refresh(other.refreshToken, { refreshToken: person.refreshToken });
  expect(decodeJwt(data.tokenRefresh.tokens.accessToken).sub).toBe(person.id);
  expect(next?.token).toMatch(/^[\w-]{43}$/);
  expect((await refresh(other.refreshToken, { refreshToken: 'nonsense' })).next).toBeUndefined();
});

test.each([
  ['none', undefined, 'REQUIRED'],
  ['one that nobody knows', 'x'.repeat(43), 'TOKEN_INVALID'],
])('where %s is kept, there is nothing to exchange and nothing left to keep', async (_, kept, code) => {
  const { data, next } = await refresh(kept);
  expect(data.tokenRefresh).toEqual({ tokens: null, userErrors: [{ code }] });
  expect(next).toBeNull();
});

test('a client that keeps its token itself has to send it', async () => {
  const { data } = await service.ask(null, `mutation { tokenRefresh(input: {}) { ${TOKENS} } }`);
  expect(data.tokenRefresh).toEqual({ tokens: null, userErrors: [{ code: 'REQUIRED' }] });
});

test('reuse of a kept token ends its family and gives the token up', async () => {
  const person = await service.newPerson();
  const second = (await refresh(person.refreshToken)).next?.token;
  await refresh(second);
  const { data, next } = await refresh(person.refreshToken);
  expect(data.tokenRefresh).toEqual({ tokens: null, userErrors: [{ code: 'TOKEN_REUSED' }] });
  expect(next).toBeNull();
  expect(await isLive(sessionIdOf(person))).toBe(false);
});

test('a kept token signs out of its session, and a second time of nothing', async () => {
  const person = await service.newPerson();
  const other = (await service.signIn(person.email)).tokens;
  const once = await signOut(person.refreshToken);
  expect(once).toMatchObject({ data: { signOut: { signedOutSessionIds: [sessionIdOf(person)] } }, next: null });
  const twice = await signOut(person.refreshToken);
  expect(twice).toMatchObject({ data: { signOut: { signedOutSessionIds: [] } }, next: null });
  expect(await isLive(sessionIdOf(other))).toBe(true);
});

test('a kept token signs out everywhere, unless it was used before', async () => {
  const person = await service.newPerson();
  const other = (await service.signIn(person.email)).tokens;
  const second = (await refresh(person.refreshToken)).next?.token;
  const found = await signOut(person.refreshToken, { all: true });
  expect(found.data.signOut.signedOutSessionIds).toEqual([sessionIdOf(person)]);
  expect(await isLive(sessionIdOf(other))).toBe(true);
  expect((await refresh(second)).data.tokenRefresh.tokens).toBeNull();

  const third = (await service.signIn(person.email)).tokens;
  const { data } = await signOut(third.refreshToken, { all: true });
  expect(data.signOut.signedOutSessionIds.sort()).toEqual([sessionIdOf(other), sessionIdOf(third)].sort());
});

test('signing out with both tokens ends both sessions, whosever they are, and nobody else', async () => {
  const [person, other, third] = [await service.newPerson(), await service.newPerson(), await service.newPerson()];
  const { data } = await signOut(other.refreshToken, { as: person });
  expect(data.signOut.signedOutSessionIds.sort()).toEqual([sessionIdOf(person), sessionIdOf(other)].sort());
  expect(await isLive(sessionIdOf(third))).toBe(true);
});

test('without any token there is nobody to sign out', async () => {
  const { errors } = await service.ask(null, 'mutation { signOut { signedOutSessionIds } }');
  expect(errors.map(({ extensions }) => extensions['code'])).toEqual(['UNAUTHENTICATED']);
});
