import { nowPlus } from '@souk/platform/database';
import { newId } from '@souk/platform/id';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestService, type Person, type TestService } from '../test-service.ts';
import { pruneEntries } from './access-list.ts';
import { accessEntries } from './tables.ts';

let service: TestService;
let admin: Person;
beforeAll(async () => {
  service = await openTestService();
  admin = await service.newPerson('ADMIN');
});
beforeEach(async () => {
  await service.db.delete(accessEntries);
});
afterAll(() => service?.close());

const ADD = `mutation ($input: AccessEntryAddInput!) {
  accessEntryAdd(input: $input) { entry { id effect kind subject reason expiresAt } userErrors { code field } }
}`;
const add = async (input: object) =>
  (await service.ask(admin.accessToken, ADD, { input: { effect: 'DENY', ...input } })).data.accessEntryAdd;
const list = async () => (await service.ask(admin.accessToken, '{ accessEntries { subject } }')).data.accessEntries;

test('entries are stored in one spelling, listed, and removed', async () => {
  const { entry } = await add({ kind: 'IP_RANGE', subject: ' 203.0.113.99/24 ', reason: 'abuse' });
  expect(entry).toMatchObject({ subject: '203.0.113.0/24', effect: 'DENY', reason: 'abuse', expiresAt: null });
  expect((await add({ kind: 'EMAIL_DOMAIN', subject: '@Spam.Example' })).entry.subject).toBe('spam.example');
  expect(await list()).toHaveLength(2);
  const remove = 'mutation ($id: ID!) { accessEntryRemove(id: $id) { removedEntryId userErrors { code } } }';
  const once = await service.ask(admin.accessToken, remove, { id: entry.id });
  expect(once.data.accessEntryRemove).toEqual({ removedEntryId: entry.id, userErrors: [] });
  const twice = await service.ask(admin.accessToken, remove, { id: entry.id });
  expect(twice.data.accessEntryRemove.userErrors).toEqual([{ code: 'NOT_FOUND' }]);
});

test.each([
  ['INVALID', { kind: 'IP_RANGE', subject: '0.0.0.0/0' }, 'subject'],
  ['INVALID', { kind: 'IP_RANGE', subject: 'example.com' }, 'subject'],
  ['INVALID', { kind: 'EMAIL_DOMAIN', subject: 'not a domain' }, 'subject'],
  ['INVALID', { kind: 'USER', subject: 'prod_01h' }, 'subject'],
  ['NOT_FOUND', { kind: 'USER', subject: newId('User') }, 'subject'],
  ['INVALID', { kind: 'IP_RANGE', subject: '192.0.2.1', expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt'],
  ['INVALID', { kind: 'IP_RANGE', subject: '192.0.2.1', reason: 'x'.repeat(501) }, 'reason'],
])('refuses %s and adds nothing: %o', async (code, input, at) => {
  expect((await add(input)).userErrors).toEqual([{ code, field: ['input', at] }]);
  expect(await list()).toEqual([]);
});

test('nobody shuts themselves out, by user, network or domain', async () => {
  for (const input of [
    { kind: 'USER', subject: admin.id },
    { kind: 'IP_RANGE', subject: '198.51.100.0/24' },
    { kind: 'EMAIL_DOMAIN', subject: 'example.com' },
  ]) {
    expect((await add(input)).userErrors).toMatchObject([{ code: 'SELF_NOT_ALLOWED' }]);
    expect((await add({ ...input, effect: 'ALLOW' })).userErrors).toEqual([]);
    await service.db.delete(accessEntries);
  }
});

test('an entry for oneself outweighs one for one’s domain, so the domain can be denied then', async () => {
  await add({ kind: 'USER', subject: admin.id, effect: 'ALLOW' });
  expect((await add({ kind: 'EMAIL_DOMAIN', subject: 'example.com' })).userErrors).toEqual([]);
});

test('a subject has one entry', async () => {
  const answers = await Promise.all(
    Array.from({ length: 4 }, () => add({ kind: 'IP_RANGE', subject: '192.0.2.0/24' })),
  );
  expect(answers.filter(({ entry }) => entry)).toHaveLength(1);
  expect(await list()).toHaveLength(1);
});

test('an entry ends by itself and is then removed', async () => {
  const { entry } = await add({
    kind: 'IP_RANGE',
    subject: '198.51.101.0/24',
    expiresAt: new Date(Date.now() + 60_000),
  });
  const person = await service.newPerson();
  const codes = async () =>
    (await service.signIn(person.email, undefined, { clientIp: '198.51.101.1' })).userErrors.map(
      ({ code }: { code: string }) => code,
    );
  expect(await codes()).toEqual(['ACCESS_DENIED']);
  await service.db
    .update(accessEntries)
    .set({ expiresAt: nowPlus(-1) })
    .where(eq(accessEntries.id, entry.id));
  expect(await codes()).toEqual([]);
  await pruneEntries(service.db);
  expect(await list()).toEqual([]);
});
