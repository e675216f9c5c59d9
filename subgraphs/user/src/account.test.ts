import { outbox } from '@souk/platform/outbox';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestService, PASSWORD, type Person, type TestService } from '../test-service.ts';
import { addresses, sessions, staffRoles } from './tables.ts';

let service: TestService;
beforeAll(async () => {
  service = await openTestService();
});
afterAll(() => service?.close());

const UPDATE = `mutation ($input: UserUpdateInput!) {
  userUpdate(input: $input) { user { displayName phone locale avatarUrl } userErrors { code field } }
}`;
const VERIFY = `mutation ($token: String!) { emailVerify(token: $token) { user { isEmailVerified } userErrors { code } } }`;
const RESEND = 'mutation { emailVerificationResend { accepted userErrors { code } } }';
const DELETE = `mutation ($password: String!) { userDelete(password: $password) { deletedUserId userErrors { code field } } }`;

const remove = async (person: Person, password = PASSWORD) =>
  (await service.ask(person.accessToken, DELETE, { password })).data.userDelete;

describe('viewer', () => {
  test('is null for a guest and the account for its owner', async () => {
    const person = await service.newPerson();
    expect((await service.ask(null, '{ viewer { id } }')).data.viewer).toBeNull();
    const { data } = await service.ask(
      person.accessToken,
      '{ viewer { id email status addresses { totalCount { count } } } }',
    );
    expect(data.viewer).toEqual({
      id: person.id,
      email: person.email,
      status: null,
      addresses: { totalCount: { count: 0 } },
    });
  });
});

describe('userUpdate', () => {
  test('changes what is given, clears what is null, keeps the rest', async () => {
    const { accessToken } = await service.newPerson();
    const update = async (input: object) => (await service.ask(accessToken, UPDATE, { input })).data.userUpdate;
    await update({ phone: '+49 30 1234', locale: 'de', avatarUrl: 'https://img.test/a.png' });
    const { user } = await update({ displayName: 'Čapek 🧞', phone: null });
    expect(user).toEqual({ displayName: 'Čapek 🧞', phone: null, locale: 'de', avatarUrl: 'https://img.test/a.png' });
  });

  test('refuses a cleared or oversized value, naming it', async () => {
    const person = await service.newPerson();
    const update = async (input: object) => (await service.ask(person.accessToken, UPDATE, { input })).data.userUpdate;
    const before = await service.row(person.id);
    expect((await update({ displayName: null })).userErrors).toEqual([
      { code: 'REQUIRED', field: ['input', 'displayName'] },
    ]);
    expect((await update({ phone: '1'.repeat(33) })).userErrors).toEqual([
      { code: 'INVALID', field: ['input', 'phone'] },
    ]);
    expect(await service.row(person.id)).toEqual(before);
  });
});

describe('emailVerify', () => {
  test('confirms the address once, from the mail of the sign-up', async () => {
    const person = await service.newPerson();
    const token = await service.tokenMailedTo(person.email);
    const { data } = await service.ask(person.accessToken, VERIFY, { token });
    expect(data.emailVerify).toEqual({ user: { isEmailVerified: true }, userErrors: [] });
    const again = await service.ask(person.accessToken, VERIFY, { token });
    expect(again.data.emailVerify.userErrors).toEqual([{ code: 'TOKEN_INVALID' }]);
    const resent = await service.ask(person.accessToken, RESEND);
    expect(resent.data.emailVerificationResend).toEqual({
      accepted: false,
      userErrors: [{ code: 'ALREADY_VERIFIED' }],
    });
  });

  test('works without a session, and tells a stranger nothing about the user', async () => {
    const person = await service.newPerson();
    const token = await service.tokenMailedTo(person.email);
    expect((await service.ask(null, VERIFY, { token })).data.emailVerify).toEqual({ user: null, userErrors: [] });
    expect((await service.row(person.id)).emailVerifiedAt).not.toBeNull();
  });

  test('a mail that is sent again replaces the link of the first', async () => {
    const person = await service.newPerson();
    const first = await service.tokenMailedTo(person.email);
    const { data } = await service.ask(person.accessToken, RESEND);
    expect(data.emailVerificationResend).toEqual({ accepted: true, userErrors: [] });
    const second = await service.tokenMailedTo(person.email);
    expect(second).not.toBe(first);
    expect((await service.ask(null, VERIFY, { token: first })).data.emailVerify.userErrors).toEqual([
      { code: 'TOKEN_INVALID' },
    ]);
    expect((await service.ask(null, VERIFY, { token: second })).data.emailVerify.userErrors).toEqual([]);
  });
});

describe('userDelete', () => {
  test('erases what is personal, ends sessions, frees the address and says so', async () => {
    const person = await service.newPerson('SUPPORT');
    await service.ask(
      person.accessToken,
      'mutation ($input: AddressInput!) { addressCreate(input: $input) { address { id } } }',
      { input: { recipient: 'A', line1: 'B', city: 'C', countryCode: 'DE' } },
    );
    expect(await remove(person)).toEqual({ deletedUserId: person.id, userErrors: [] });

    const row = await service.row(person.id);
    expect(row).toMatchObject({ email: null, passwordHash: null, phone: null, displayName: 'Deleted user' });
    expect(JSON.stringify(row).toLowerCase()).not.toContain(person.email.toLowerCase());
    for (const table of [addresses, staffRoles]) {
      expect(await service.db.select().from(table).where(eq(table.userId, person.id))).toEqual([]);
    }
    const rows = await service.db.select().from(sessions).where(eq(sessions.userId, person.id));
    expect(rows.every(({ revokedAt, userAgent }) => revokedAt !== null && userAgent === null)).toBe(true);
    const facts = await service.db.select().from(outbox).where(eq(outbox.aggregateId, person.id));
    expect(facts).toMatchObject([{ type: 'user.deleted' }]);
    expect((await service.signIn(person.email)).userErrors).toMatchObject([{ code: 'INVALID_CREDENTIALS' }]);
    const input = { email: person.email, password: PASSWORD, displayName: 'New' };
    const again = await service.ask(null, 'mutation ($input: SignUpInput!) { signUp(input: $input) { user { id } } }', {
      input,
    });
    expect(again.data.signUp.user.id).not.toBe(person.id);
  });

  test('refuses a wrong password and changes nothing', async () => {
    const person = await service.newPerson();
    const before = await service.row(person.id);
    expect((await remove(person, 'wrong')).userErrors).toEqual([{ code: 'INVALID_CREDENTIALS', field: ['password'] }]);
    expect(await service.row(person.id)).toEqual(before);
  });

  test('of two last administrators who leave at once, one stays', async () => {
    const people = await Promise.all([service.newPerson('ADMIN'), service.newPerson('ADMIN')]);
    const answers = await Promise.all(people.map((person) => remove(person)));
    expect(answers.map(({ userErrors }) => userErrors[0]?.code ?? 'left').sort()).toEqual(['LAST_ADMIN', 'left']);
  });
});
