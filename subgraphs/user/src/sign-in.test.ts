import { nowPlus } from '@souk/platform/database';
import { newId } from '@souk/platform/id';
import { outbox } from '@souk/platform/outbox';
import { count, eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestService, PASSWORD, type TestService } from '../test-service.ts';
import { accessEntries, attempts, sessions, users } from './tables.ts';

let service: TestService;
beforeAll(async () => {
  service = await openTestService();
});
afterAll(() => service?.close());

const SIGN_UP = `mutation ($input: SignUpInput!) {
  signUp(input: $input) {
    user { id email displayName isEmailVerified roles sessions { isCurrent } }
    tokens { accessToken refreshToken accessTokenExpiresAt refreshTokenExpiresAt }
    userErrors { code field message }
  }
}`;
const signUp = async (input: object) => (await service.ask(null, SIGN_UP, { input })).data.signUp;

async function countUsers(): Promise<number> {
  const [row] = await service.db.select({ count: count() }).from(users);
  return row?.count ?? 0;
}

describe('signUp', () => {
  test('makes a customer, signs them in, and lets the answer hold what is theirs', async () => {
    const answer = await signUp({
      email: 'Ann@Example.com',
      password: PASSWORD,
      displayName: ' Ann ',
      locale: 'en-GB',
    });
    expect(answer.userErrors).toEqual([]);
    expect(answer.user).toMatchObject({
      email: 'Ann@Example.com',
      displayName: 'Ann',
      isEmailVerified: false,
      roles: ['CUSTOMER'],
      sessions: [{ isCurrent: true }],
    });
    expect(answer.tokens.refreshToken).toMatch(/^[\w-]{43}$/);
    const life = Date.parse(answer.tokens.accessTokenExpiresAt) - Date.now();
    expect(life).toBeGreaterThan(290_000);
    expect(life).toBeLessThanOrEqual(300_000);
  });

  test('stores argon2id at the agreed cost, and no token in clear', async () => {
    const { user, tokens } = await signUp({ email: 'cost@example.com', password: PASSWORD, displayName: 'Cost' });
    expect((await service.row(user.id)).passwordHash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    const [dump] = await service.db.execute('SELECT hash, sealed_successor FROM refresh_tokens');
    expect(JSON.stringify(dump)).not.toContain(tokens.refreshToken);
  });

  test.each([
    ['TAKEN', { email: 'ANN@example.COM', password: PASSWORD, displayName: 'Ann' }, ['input', 'email']],
    ['PASSWORD_TOO_WEAK', { email: 'a@example.com', password: 'too short', displayName: 'A' }, ['input', 'password']],
    ['PASSWORD_TOO_WEAK', { email: 'a@example.com', password: 'Password123', displayName: 'A' }, ['input', 'password']],
    ['PASSWORD_TOO_WEAK', { email: 'a@example.com', password: 'ababababab', displayName: 'A' }, ['input', 'password']],
    [
      'PASSWORD_TOO_WEAK',
      { email: 'a@example.com', password: 'my a@example.com', displayName: 'A' },
      ['input', 'password'],
    ],
    ['INVALID', { email: 'a@example.com', password: 'long '.repeat(60), displayName: 'A' }, ['input', 'password']],
    ['INVALID', { email: 'a@example.com', password: PASSWORD, displayName: 'x'.repeat(81) }, ['input', 'displayName']],
    ['INVALID', { email: 'a@example.com', password: PASSWORD, displayName: 'a\nb' }, ['input', 'displayName']],
    ['REQUIRED', { email: 'a@example.com', password: PASSWORD, displayName: '  ' }, ['input', 'displayName']],
  ])('refuses %s and changes nothing: %o', async (code, input, field) => {
    const before = await countUsers();
    const answer = await signUp(input);
    expect(answer).toMatchObject({ user: null, tokens: null, userErrors: [{ code, field }] });
    expect(await countUsers()).toBe(before);
  });

  test('of many who take one address at the same instant, one gets it', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => signUp({ email: 'race@example.com', password: PASSWORD, displayName: 'Race' })),
    );
    const codes = answers.map(({ userErrors }) => userErrors[0]?.code ?? 'made').sort();
    expect(codes).toEqual([...Array.from({ length: 7 }, () => 'TAKEN'), 'made']);
  });
});

describe('signIn', () => {
  test('starts a session, whatever the case of the address', async () => {
    const person = await service.newPerson();
    const answer = await service.signIn(person.email.toUpperCase());
    expect(answer).toMatchObject({ user: { id: person.id }, userErrors: [] });
  });

  test('answers a wrong password and an unknown address alike', async () => {
    const person = await service.newPerson();
    const wrong = await service.signIn(person.email, 'not the password');
    const unknown = await service.signIn('nobody@example.com', 'not the password');
    expect(wrong).toEqual(unknown);
    expect(wrong).toMatchObject({ user: null, tokens: null, userErrors: [{ code: 'INVALID_CREDENTIALS' }] });
  });

  test('takes as long for an unknown address as for a wrong password', async () => {
    const person = await service.newPerson();
    const timeOf = async (email: string) => {
      const start = performance.now();
      await service.signIn(email, 'not the password');
      return performance.now() - start;
    };
    const wrong = Math.min(await timeOf(person.email), await timeOf(person.email));
    const unknown = Math.min(await timeOf('ghost1@example.com'), await timeOf('ghost2@example.com'));
    expect(unknown).toBeGreaterThan(wrong * 0.4);
  });

  test('slows down guessing, for known and unknown addresses alike, and also all at once', async () => {
    const person = await service.newPerson();
    for (const email of [person.email, 'guessed@example.com']) {
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, index) => service.signIn(email, `guess no ${index}`)),
      );
      const codes = answers.map(({ userErrors }) => userErrors[0].code);
      expect(codes.filter((code) => code === 'INVALID_CREDENTIALS')).toHaveLength(5);
      const limited = answers.find(({ userErrors }) => userErrors[0].code === 'RATE_LIMITED');
      expect(limited.userErrors[0].retryAfterMs).toBeGreaterThan(0);
    }
    expect((await service.signIn(person.email)).userErrors).toMatchObject([{ code: 'RATE_LIMITED' }]);
    await service.db.update(attempts).set({ blockedUntil: nowPlus(-1) });
    expect((await service.signIn(person.email)).userErrors).toEqual([]);
    await service.signIn(person.email, 'wrong again');
    expect((await service.signIn(person.email)).userErrors).toEqual([]);
  });

  test('states that a guest cart came along, in the same transaction', async () => {
    const person = await service.newPerson();
    const cartId = newId('Cart');
    const source = 'mutation ($input: SignInInput!) { signIn(input: $input) { userErrors { code } } }';
    const facts = () => service.db.select().from(outbox).where(eq(outbox.aggregateId, person.id));
    await service.ask(null, source, { input: { email: person.email, password: 'not the password', cartId } });
    expect(await facts()).toEqual([]);
    await service.ask(null, source, { input: { email: person.email, password: PASSWORD, cartId } });
    expect(await facts()).toMatchObject([{ type: 'user.signed-in', subscriber: 'cart' }]);
    const { errors } = await service.ask(null, source, {
      input: { email: person.email, password: PASSWORD, cartId: person.id },
    });
    expect(errors[0]?.extensions['code']).toBe('BAD_USER_INPUT');
  });

  test('keeps twenty sessions, ending the one unused for longest', async () => {
    const person = await service.newPerson();
    await Promise.all(Array.from({ length: 19 }, () => service.signIn(person.email)));
    await service.db
      .update(sessions)
      .set({ lastSeenAt: nowPlus(-60) })
      .where(eq(sessions.userId, person.id));
    const [oldest] = await service.db.select().from(sessions).where(eq(sessions.userId, person.id)).limit(1);
    if (!oldest) throw new Error('Expected sessions.');
    await service.db
      .update(sessions)
      .set({ lastSeenAt: nowPlus(-600) })
      .where(eq(sessions.id, oldest.id));
    await service.signIn(person.email);
    const rows = await service.db.select().from(sessions).where(eq(sessions.userId, person.id));
    expect(rows.filter(({ revokedAt }) => revokedAt === null)).toHaveLength(20);
    expect(rows.find(({ id }) => id === oldest.id)).toMatchObject({ revokedBecause: 'CROWDED_OUT' });
  });

  test('refuses whom the deny list shuts out; the narrowest entry decides', async () => {
    const person = await service.newPerson();
    const add = (effect: 'ALLOW' | 'DENY', kind: 'IP_RANGE' | 'EMAIL_DOMAIN' | 'USER', subject: string) =>
      service.db
        .insert(accessEntries)
        .values({ id: newId('AccessEntry'), effect, kind, subject, createdBy: person.id });
    const codes = async (clientIp?: string) =>
      (await service.signIn(person.email, PASSWORD, clientIp ? { clientIp } : {})).userErrors.map(
        (error: { code: string }) => error.code,
      );

    await add('DENY', 'IP_RANGE', '203.0.113.0/24');
    expect(await codes('203.0.113.9')).toEqual(['ACCESS_DENIED']);
    expect(await codes('203.0.114.9')).toEqual([]);
    await add('ALLOW', 'IP_RANGE', '203.0.113.9/32');
    expect(await codes('203.0.113.9')).toEqual([]);

    await add('DENY', 'EMAIL_DOMAIN', 'example.com');
    expect(await codes()).toEqual(['ACCESS_DENIED']);
    expect((await signUp({ email: 'new@example.com', password: PASSWORD, displayName: 'N' })).userErrors).toMatchObject(
      [{ code: 'ACCESS_DENIED' }],
    );
    expect((await service.refresh(person.refreshToken)).userErrors).toEqual([{ code: 'ACCESS_DENIED' }]);
    await add('ALLOW', 'USER', person.id);
    expect(await codes()).toEqual([]);
    // Let in as a person, and still not from this network; nor does a wider network that is allowed help there.
    expect(await codes('203.0.113.10')).toEqual(['ACCESS_DENIED']);
    await add('ALLOW', 'IP_RANGE', '203.0.0.0/16');
    expect(await codes('203.0.113.10')).toEqual(['ACCESS_DENIED']);
    expect((await service.refresh(person.refreshToken)).userErrors).toEqual([]);
    await service.db.delete(accessEntries);
  });
});
