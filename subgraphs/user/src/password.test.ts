import { nowPlus } from '@souk/platform/database';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestService, PASSWORD, type Person, type TestService } from '../test-service.ts';
import { createHashGate } from './password-hash.ts';
import { mailedTokens, mails, sessions } from './tables.ts';

let service: TestService;
beforeAll(async () => {
  service = await openTestService();
});
afterAll(() => service?.close());

const NEW_PASSWORD = 'another carpet, 9 colours';
const CHANGE = `mutation ($currentPassword: String!, $newPassword: String!) {
  passwordChange(currentPassword: $currentPassword, newPassword: $newPassword) { tokens { refreshToken } userErrors { code field } }
}`;
const RESET = `mutation ($token: String!, $newPassword: String!) {
  passwordReset(token: $token, newPassword: $newPassword) { tokens { accessToken } userErrors { code field } }
}`;
const REQUEST = `mutation ($email: EmailAddress!) { passwordResetRequest(email: $email) { accepted userErrors { code } } }`;

const requestReset = async (email: string) => (await service.ask(null, REQUEST, { email })).data.passwordResetRequest;
const reset = async (token: string, newPassword = NEW_PASSWORD) =>
  (await service.ask(null, RESET, { token, newPassword })).data.passwordReset;
const change = async (person: Person, currentPassword: string, newPassword: string) =>
  (await service.ask(person.accessToken, CHANGE, { currentPassword, newPassword })).data.passwordChange;
const liveSessions = async (person: Person) => {
  const rows = await service.db.select().from(sessions).where(eq(sessions.userId, person.id));
  return rows.filter(({ revokedAt }) => revokedAt === null).length;
};

describe('passwordChange', () => {
  test('keeps the present session with new tokens and ends the others', async () => {
    const person = await service.newPerson();
    const elsewhere = await service.signIn(person.email);
    const { tokens, userErrors } = await change(person, PASSWORD, NEW_PASSWORD);
    expect(userErrors).toEqual([]);
    expect((await service.refresh(elsewhere.tokens.refreshToken)).userErrors).toEqual([{ code: 'TOKEN_INVALID' }]);
    expect((await service.refresh(person.refreshToken)).userErrors).toEqual([{ code: 'TOKEN_INVALID' }]);
    expect((await service.refresh(tokens.refreshToken)).userErrors).toEqual([]);
    expect(await liveSessions(person)).toBe(1);
    expect((await service.signIn(person.email)).userErrors).toMatchObject([{ code: 'INVALID_CREDENTIALS' }]);
    expect((await service.signIn(person.email, NEW_PASSWORD)).userErrors).toEqual([]);
    await service.mailer.drain();
    expect(service.mails.some(({ to, subject }) => to === person.email && /changed/.test(subject))).toBe(true);
  });

  test('refuses a wrong or a weak password and changes nothing', async () => {
    const person = await service.newPerson();
    const before = await service.row(person.id);
    expect((await change(person, 'wrong', NEW_PASSWORD)).userErrors).toEqual([
      { code: 'INVALID_CREDENTIALS', field: ['currentPassword'] },
    ]);
    expect((await change(person, PASSWORD, 'weak')).userErrors).toEqual([
      { code: 'PASSWORD_TOO_WEAK', field: ['newPassword'] },
    ]);
    expect(await service.row(person.id)).toEqual(before);
    expect((await service.refresh(person.refreshToken)).userErrors).toEqual([]);
  });

  test('counts guesses like sign-in does, so that a stolen session is no way around', async () => {
    const person = await service.newPerson();
    const codes: string[] = [];
    for (let guess = 0; guess < 6; guess++)
      codes.push((await change(person, `guess ${guess}`, NEW_PASSWORD)).userErrors[0].code);
    expect(codes.at(-1)).toBe('RATE_LIMITED');
  });

  test('of two changes with the same old password one wins', async () => {
    const person = await service.newPerson();
    const answers = await Promise.all([
      change(person, PASSWORD, NEW_PASSWORD),
      change(person, PASSWORD, `${NEW_PASSWORD}!`),
    ]);
    expect(answers.filter(({ tokens }) => tokens !== null)).toHaveLength(1);
    expect(await liveSessions(person)).toBe(1);
  });
});

describe('passwordReset', () => {
  test('mails a link that sets the password once, proves the address and ends all sessions', async () => {
    const person = await service.newPerson();
    expect(await requestReset(person.email.toLowerCase())).toEqual({ accepted: true, userErrors: [] });
    const token = await service.tokenMailedTo(person.email);
    const answers = await Promise.all([reset(token), reset(token)]);
    expect(answers.map(({ userErrors }) => userErrors[0]?.code ?? 'set').sort()).toEqual(['TOKEN_INVALID', 'set']);
    expect((await service.refresh(person.refreshToken)).userErrors).toEqual([{ code: 'TOKEN_INVALID' }]);
    expect((await service.signIn(person.email, NEW_PASSWORD)).userErrors).toEqual([]);
    expect((await service.row(person.id)).emailVerifiedAt).not.toBeNull();
  });

  test('answers alike for an unknown address, and mails nothing', async () => {
    const mailCount = (await service.db.select().from(mails)).length;
    expect(await requestReset('stranger@example.com')).toEqual({ accepted: true, userErrors: [] });
    expect(await service.db.select().from(mails)).toHaveLength(mailCount);
  });

  test('asks to wait after a few mails, for unknown addresses too', async () => {
    const person = await service.newPerson();
    for (const email of [person.email, 'unknown@example.com']) {
      const codes: (string | undefined)[] = [];
      for (let each = 0; each < 5; each++) codes.push((await requestReset(email)).userErrors[0]?.code);
      expect(codes).toEqual([undefined, undefined, undefined, 'RATE_LIMITED', 'RATE_LIMITED']);
    }
  });

  test('refuses an expired link, a replaced one, and one of another purpose; nothing changes', async () => {
    const person = await service.newPerson();
    const verification = await service.tokenMailedTo(person.email);
    expect((await reset(verification)).userErrors).toEqual([{ code: 'TOKEN_INVALID', field: ['token'] }]);

    await requestReset(person.email);
    const first = await service.tokenMailedTo(person.email);
    await requestReset(person.email);
    const second = await service.tokenMailedTo(person.email);
    expect((await reset(first)).userErrors).toMatchObject([{ code: 'TOKEN_INVALID' }]);
    await service.db
      .update(mailedTokens)
      .set({ expiresAt: nowPlus(-1) })
      .where(eq(mailedTokens.userId, person.id));
    expect((await reset(second)).userErrors).toMatchObject([{ code: 'TOKEN_EXPIRED' }]);
    expect((await service.signIn(person.email)).userErrors).toEqual([]);
  });

  test('a weak password leaves the link usable', async () => {
    const person = await service.newPerson();
    await requestReset(person.email);
    const token = await service.tokenMailedTo(person.email);
    expect((await reset(token, 'weak')).userErrors).toMatchObject([{ code: 'PASSWORD_TOO_WEAK' }]);
    expect((await reset(token)).userErrors).toEqual([]);
  });
});

test('hashing lets a few in at a time, queues some, and refuses the rest at once', async () => {
  const withSlot = createHashGate({ concurrency: 2, waiting: 3 });
  let running = 0;
  let most = 0;
  const gate = Promise.withResolvers<void>();
  const work = () =>
    withSlot(async () => {
      most = Math.max(most, ++running);
      await gate.promise;
      running -= 1;
    });
  const outcomes = Promise.allSettled(Array.from({ length: 8 }, work));
  gate.resolve();
  const refused = (await outcomes).filter(({ status }) => status === 'rejected');
  expect(refused).toHaveLength(3);
  expect(refused[0]).toMatchObject({ reason: { code: 'RATE_LIMITED', retryable: true } });
  expect(most).toBe(2);
  await expect(withSlot(async () => 'free again')).resolves.toBe('free again');
});
