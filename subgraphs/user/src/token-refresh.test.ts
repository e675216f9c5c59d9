import { nowPlus } from '@souk/platform/database';
import { eq, isNull } from 'drizzle-orm';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestService, type Person, type TestService } from '../test-service.ts';
import { hashToken } from './secret-token.ts';
import { refreshTokens, sessions, staffRoles } from './tables.ts';
import { eraseSealedSuccessors } from './token-refresh.ts';

let service: TestService;
beforeAll(async () => {
  service = await openTestService();
});
afterAll(() => service?.close());

const sessionIdOf = ({ accessToken }: Person) => String(decodeJwt(accessToken)['sid']);
const sessionOf = async (person: Person) => {
  const [row] = await service.db
    .select()
    .from(sessions)
    .where(eq(sessions.id, sessionIdOf(person)));
  return row;
};
const refused = (code: string) => ({ tokens: null, userErrors: [{ code }] });
const endGrace = (token: string) =>
  service.db
    .update(refreshTokens)
    .set({ usedAt: nowPlus(-11) })
    .where(eq(refreshTokens.hash, hashToken(token)));

test('a refresh token gives the next one and an access token with the roles of now', async () => {
  const person = await service.newPerson();
  await service.db.insert(staffRoles).values({ userId: person.id, role: 'SUPPORT' });
  const { tokens } = await service.refresh(person.refreshToken);
  expect(tokens.refreshToken).not.toBe(person.refreshToken);
  expect(decodeJwt(tokens.accessToken)).toMatchObject({
    sub: person.id,
    sid: sessionIdOf(person),
    roles: expect.arrayContaining(['CUSTOMER', 'SUPPORT']),
    scope: 'order:read payment:read user:read',
  });
});

test('a retry within the time of grace gets the same successor, also at the same instant', async () => {
  const person = await service.newPerson();
  const answers = await Promise.all(Array.from({ length: 6 }, () => service.refresh(person.refreshToken)));
  const successors = new Set(answers.map(({ tokens }) => tokens?.refreshToken));
  expect(successors.size).toBe(1);
  expect((await service.refresh([...successors][0])).userErrors).toEqual([]);
});

test('a family has at most one token that still works', async () => {
  const person = await service.newPerson();
  await service.refresh((await service.refresh(person.refreshToken)).tokens.refreshToken);
  const rows = await service.db
    .select()
    .from(refreshTokens)
    .where(eq(refreshTokens.sessionId, sessionIdOf(person)));
  expect(rows.filter(({ usedAt }) => usedAt === null)).toHaveLength(1);
});

test('reuse after the time of grace ends the whole family, and its thief gets nothing', async () => {
  const person = await service.newPerson();
  const { tokens } = await service.refresh(person.refreshToken);
  await endGrace(person.refreshToken);
  expect(await service.refresh(person.refreshToken)).toEqual(refused('TOKEN_REUSED'));
  expect(await sessionOf(person)).toMatchObject({ revokedBecause: 'TOKEN_REUSED' });
  expect(await service.refresh(tokens.refreshToken)).toEqual(refused('TOKEN_REUSED'));
});

test('reuse within the time of grace ends the family too, once the successor was used', async () => {
  const person = await service.newPerson();
  const { tokens } = await service.refresh(person.refreshToken);
  await service.refresh(tokens.refreshToken);
  expect(await service.refresh(person.refreshToken)).toEqual(refused('TOKEN_REUSED'));
});

test('the successor is kept sealed, and not beyond the time of grace', async () => {
  const person = await service.newPerson();
  await service.refresh(person.refreshToken);
  const read = async () => {
    const [row] = await service.db
      .select()
      .from(refreshTokens)
      .where(eq(refreshTokens.hash, hashToken(person.refreshToken)));
    return row?.sealedSuccessor;
  };
  expect(await read()).toHaveLength(12 + 16 + 43);
  await endGrace(person.refreshToken);
  await eraseSealedSuccessors(service.db);
  expect(await read()).toBeNull();
});

test('an idle token and one of a session at its end have expired', async () => {
  const person = await service.newPerson();
  await service.db
    .update(refreshTokens)
    .set({ expiresAt: nowPlus(-1) })
    .where(eq(refreshTokens.hash, hashToken(person.refreshToken)));
  expect(await service.refresh(person.refreshToken)).toEqual(refused('TOKEN_EXPIRED'));
  expect((await sessionOf(person))?.revokedAt).toBeNull();

  const other = await service.newPerson();
  const endsAt = new Date(Date.now() + 5_000);
  await service.db
    .update(sessions)
    .set({ endsAt })
    .where(eq(sessions.id, sessionIdOf(other)));
  const { tokens } = await service.refresh(other.refreshToken);
  const [row] = await service.db
    .select()
    .from(refreshTokens)
    .where(eq(refreshTokens.hash, hashToken(tokens.refreshToken)));
  expect(row?.expiresAt).toEqual(endsAt);
  expect((await sessionOf(other))?.expiresAt).toEqual(endsAt);
});

test('what is no token of ours is invalid', async () => {
  for (const token of ['', 'x', 'A'.repeat(43), `${'é'.repeat(5_000)}`]) {
    expect(await service.refresh(token)).toEqual(refused('TOKEN_INVALID'));
  }
});

test('every family in the database has at most one living token', async () => {
  const rows = await service.db.select().from(refreshTokens).where(isNull(refreshTokens.usedAt));
  const families = rows.map(({ sessionId }) => sessionId);
  expect(new Set(families).size).toBe(families.length);
});
