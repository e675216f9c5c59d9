import { testRedisUrl } from '@souk/dev/test-database';
import { nowPlus } from '@souk/platform/database';
import { newId } from '@souk/platform/id';
import { ACCESS_SNAPSHOT_KEY, type AccessSnapshot } from '@souk/platform/identity';
import { createLogger } from '@souk/platform/logger';
import { openRedis, type RedisConnection } from '@souk/platform/redis';
import { eq } from 'drizzle-orm';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openTestService, type Person, type TestService, TOKEN_LIFE_SECONDS } from '../test-service.ts';
import { type AccessPublisher, createAccessPublisher } from './access-snapshot.ts';
import { accessChanges, accessEntries } from './tables.ts';

let service: TestService;
let redis: RedisConnection;
let publisher: AccessPublisher;
let admin: Person;
beforeAll(async () => {
  service = await openTestService();
  redis = openRedis({ url: await testRedisUrl(), name: 'test' });
  await redis.ready();
  const logger = createLogger('user', { level: 'silent' });
  publisher = createAccessPublisher({ db: service.db, redis, logger, tokenLifeSeconds: TOKEN_LIFE_SECONDS });
  admin = await service.newPerson('ADMIN');
});
afterAll(async () => {
  await publisher?.close();
  await redis?.close();
  await service?.close();
});

/** What a gateway asks the service itself for. */
const asked = async (): Promise<AccessSnapshot> =>
  JSON.parse((await service.askAsGateway('{ accessSnapshot }')).data.accessSnapshot);
const published = async (): Promise<AccessSnapshot | null> =>
  JSON.parse((await redis.client.get(ACCESS_SNAPSHOT_KEY)) ?? 'null');
const mutate = (source: string, variables = {}) => service.ask(admin.accessToken, source, variables);

test('sign-out, suspension, roles, scopes and entries reach Redis at once, without a sweep', async () => {
  const person = await service.newPerson();
  const sessionId = String(decodeJwt(person.accessToken)['sid']);
  await service.ask(person.accessToken, 'mutation { signOut { signedOutSessionIds } }');
  await vi.waitFor(async () => expect((await published())?.revokedSessionIds).toContain(sessionId));

  await mutate(`mutation { userRolesSet(input: { userId: "${person.id}", roles: [SUPPORT] }) { user { id } } }`);
  await vi.waitFor(async () => expect((await published())?.userRoles[person.id]).toEqual(['CUSTOMER', 'SUPPORT']));

  await mutate(`mutation { userSuspend(input: { userId: "${person.id}", reason: "x" }) { user { id } } }`);
  await vi.waitFor(async () => expect((await published())?.blockedUserIds).toEqual([person.id]));
  await mutate(`mutation { userReinstate(userId: "${person.id}") { user { id } } }`);
  await vi.waitFor(async () => expect((await published())?.blockedUserIds).toEqual([]));

  await mutate(
    'mutation { roleScopesSet(input: { role: SUPPORT, scopes: [], expectedVersion: 1 }) { grant { role } } }',
  );
  await vi.waitFor(async () => expect((await published())?.roleScopes['SUPPORT']).toEqual([]));

  await mutate(
    'mutation { accessEntryAdd(input: { effect: DENY, kind: IP_RANGE, subject: "192.0.2.0/24" }) { entry { id } } }',
  );
  await vi.waitFor(async () =>
    expect((await published())?.accessEntries).toEqual([
      { effect: 'DENY', kind: 'IP_RANGE', subject: '192.0.2.0/24', expiresAt: null },
    ]),
  );
  expect(await published()).toEqual(await asked());
});

test('a wiped Redis gets the same copy again', async () => {
  await publisher.publish();
  const before = await published();
  await redis.client.flushdb();
  await publisher.sweep.run();
  expect(await published()).toEqual(before);
});

test('an unchanged copy is left alone, and a deleted user is blocked', async () => {
  await publisher.publish();
  const set = vi.spyOn(redis.client, 'set');
  await publisher.publish();
  expect(set).not.toHaveBeenCalled();
  set.mockRestore();
  const person = await service.newPerson();
  await service.ask(person.accessToken, 'mutation { userDelete(password: "a carpet of 7 colours") { deletedUserId } }');
  expect((await asked()).blockedUserIds).toContain(person.id);
});

test('versions grow in the order of commits, however many change something at once', async () => {
  const people = await Promise.all(Array.from({ length: 10 }, () => service.newPerson()));
  const before = (await asked()).version;
  await Promise.all(
    people.map((person) => service.ask(person.accessToken, 'mutation { signOut { signedOutSessionIds } }')),
  );
  expect((await asked()).version).toBe(before + 10);
});

test('what is older than the life of a token is no longer listed', async () => {
  const person = await service.newPerson();
  const sessionId = String(decodeJwt(person.accessToken)['sid']);
  await service.ask(person.accessToken, 'mutation { signOut { signedOutSessionIds } }');
  expect((await asked()).revokedSessionIds).toContain(sessionId);
  await service.db
    .update(accessChanges)
    .set({ changedAt: nowPlus(-TOKEN_LIFE_SECONDS - 61) })
    .where(eq(accessChanges.subject, sessionId));
  expect((await asked()).revokedSessionIds).not.toContain(sessionId);
});

test('who is signed in with an address of a denied domain is blocked at once, unless allowed by name', async () => {
  const [person, welcome] = await Promise.all([service.newPerson(), service.newPerson()]);
  const entry = (effect: string, kind: string, subject: string) =>
    mutate(
      `mutation { accessEntryAdd(input: { effect: ${effect}, kind: ${kind}, subject: "${subject}" }) { entry { id } userErrors { code } } }`,
    );
  await entry('ALLOW', 'USER', welcome.id);
  // The administrator, who has an address there too, is let in by name first.
  await entry('ALLOW', 'USER', admin.id);
  const denied = await entry('DENY', 'EMAIL_DOMAIN', 'example.com');
  expect(denied.data.accessEntryAdd.userErrors).toEqual([]);
  const { blockedUserIds } = await asked();
  expect(blockedUserIds).toContain(person.id);
  expect(blockedUserIds).not.toContain(welcome.id);
  await service.db.delete(accessEntries);
});

test('a denied domain whose time is over blocks nobody, also while another one is denied', async () => {
  const person = await service.newPerson();
  const entry = { effect: 'DENY', kind: 'EMAIL_DOMAIN', createdBy: admin.id } as const;
  await service.db.insert(accessEntries).values([
    { ...entry, id: newId('AccessEntry'), subject: 'example.com', expiresAt: nowPlus(-1) },
    { ...entry, id: newId('AccessEntry'), subject: 'elsewhere.example' },
  ] as never);
  expect((await asked()).blockedUserIds).not.toContain(person.id);
  await service.db.update(accessEntries).set({ expiresAt: null });
  expect((await asked()).blockedUserIds).toContain(person.id);
  await service.db.delete(accessEntries);
});
