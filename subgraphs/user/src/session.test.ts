import { eq } from 'drizzle-orm';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestService, type Person, type TestService } from '../test-service.ts';
import { accessChanges, sessions } from './tables.ts';

let service: TestService;
beforeAll(async () => {
  service = await openTestService();
});
afterAll(() => service?.close());

const sessionIdOf = ({ accessToken }: Pick<Person, 'accessToken'>) => String(decodeJwt(accessToken)['sid']);
const list = async ({ accessToken }: Person) =>
  (await service.ask(accessToken, '{ viewer { sessions { id userAgent isCurrent } } }')).data.viewer.sessions;
const signOut = async ({ accessToken }: Person, allSessions = false) =>
  (
    await service.ask(accessToken, 'mutation ($all: Boolean) { signOut(allSessions: $all) { signedOutSessionIds } }', {
      all: allSessions,
    })
  ).data.signOut.signedOutSessionIds;
const revoke = async ({ accessToken }: Person, id: string) =>
  (
    await service.ask(
      accessToken,
      'mutation ($id: ID!) { sessionRevoke(id: $id) { revokedSessionId userErrors { code } } }',
      { id },
    )
  ).data.sessionRevoke;
const announced = async (id: string) =>
  (await service.db.select().from(accessChanges).where(eq(accessChanges.subject, id))).length === 1;

test('a user sees where they are signed in, and which session is this one', async () => {
  const person = await service.newPerson();
  await service.signIn(person.email);
  const shown = await list(person);
  expect(shown).toHaveLength(2);
  expect(shown.filter(({ isCurrent }: { isCurrent: boolean }) => isCurrent)).toEqual([
    { id: sessionIdOf(person), userAgent: 'Test/1.0', isCurrent: true },
  ]);
});

test('signing out ends this session and announces it', async () => {
  const person = await service.newPerson();
  const other = (await service.signIn(person.email)).tokens;
  expect(await signOut(person)).toEqual([sessionIdOf(person)]);
  expect(await announced(sessionIdOf(person))).toBe(true);
  expect((await service.refresh(person.refreshToken)).userErrors).toEqual([{ code: 'TOKEN_INVALID' }]);
  expect((await service.refresh(other.refreshToken)).userErrors).toEqual([]);
  expect(await signOut(person)).toEqual([]);
});

test('signing out everywhere ends every session', async () => {
  const person = await service.newPerson();
  const other = (await service.signIn(person.email)).tokens;
  expect((await signOut(person, true)).sort()).toEqual([sessionIdOf(person), sessionIdOf(other)].sort());
  const rows = await service.db.select().from(sessions).where(eq(sessions.userId, person.id));
  expect(rows.every(({ revokedBecause }) => revokedBecause === 'SIGNED_OUT')).toBe(true);
});

test('one of one’s own sessions can be ended, once, and none of somebody else', async () => {
  const person = await service.newPerson();
  const stranger = await service.newPerson();
  const other = sessionIdOf((await service.signIn(person.email)).tokens);
  expect((await revoke(stranger, other)).userErrors).toEqual([{ code: 'NOT_FOUND' }]);
  expect(await list(person)).toHaveLength(2);
  expect(await revoke(person, other)).toEqual({ revokedSessionId: other, userErrors: [] });
  expect((await revoke(person, other)).userErrors).toEqual([{ code: 'NOT_FOUND' }]);
  expect(await list(person)).toHaveLength(1);
});
