import { nowPlus } from '@souk/platform/database';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestService, type Person, type TestService } from '../test-service.ts';
import { setRoleScopes } from './role.ts';
import { endSuspensions, suspend } from './staff.ts';
import { sessions, signingKeys, staffRoles, users } from './tables.ts';

let service: TestService;
let admin: Person;
beforeAll(async () => {
  service = await openTestService();
  admin = await service.newPerson('ADMIN');
});
afterAll(() => service?.close());

const mutate = async (actor: Person, name: string, type: string, input: object) => {
  const source = `mutation ($input: ${type}!) { ${name}(input: $input) { user { id status roles version } userErrors { code field } } }`;
  const { data, errors } = await service.ask(actor.accessToken, source, { input });
  return { ...data[name], errors };
};
const setRoles = (input: object, actor = admin) => mutate(actor, 'userRolesSet', 'UserRolesSetInput', input);
const shutOut = (input: object, actor = admin) => mutate(actor, 'userSuspend', 'UserSuspendInput', input);
const rolesOf = async (id: string) =>
  (await service.db.select().from(staffRoles).where(eq(staffRoles.userId, id))).map(({ role }) => role).sort();

describe('userRolesSet', () => {
  test('sets all roles, CUSTOMER always among them, and counts the version', async () => {
    const person = await service.newPerson();
    const { user } = await setRoles({
      userId: person.id,
      roles: ['SUPPORT', 'CATALOG_MANAGER', 'SUPPORT'],
      expectedVersion: 1,
    });
    expect(user).toMatchObject({
      version: 2,
      roles: expect.arrayContaining(['CUSTOMER', 'SUPPORT', 'CATALOG_MANAGER']),
    });
    expect(user.roles).toHaveLength(3);
    expect((await setRoles({ userId: person.id, roles: [] })).user.roles).toEqual(['CUSTOMER']);
  });

  test('refuses a stale version with the present user', async () => {
    const person = await service.newPerson();
    await setRoles({ userId: person.id, roles: ['SUPPORT'] });
    const answer = await setRoles({ userId: person.id, roles: ['ADMIN'], expectedVersion: 1 });
    expect(answer).toMatchObject({ user: { version: 2 }, userErrors: [{ code: 'STALE_VERSION' }] });
    expect(await rolesOf(person.id)).toEqual(['SUPPORT']);
  });

  test('refuses one’s own account, an unknown user and an id of something else', async () => {
    expect((await setRoles({ userId: admin.id, roles: [] })).userErrors).toMatchObject([{ code: 'SELF_NOT_ALLOWED' }]);
    const unknown = admin.id.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
    expect((await setRoles({ userId: unknown, roles: [] })).userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
    const { errors } = await setRoles({ userId: 'prod_01', roles: [] });
    expect(errors[0]?.extensions['code']).toBe('BAD_USER_INPUT');
    expect(await rolesOf(admin.id)).toEqual(['ADMIN']);
  });

  test('nobody gives a role that permits more than they may do', async () => {
    const grant = { role: 'SUPPORT' as const, scopes: ['order:read', 'payment:read', 'user:read', 'user:write'] };
    await setRoleScopes(service.db, { ...grant, expectedVersion: 1 });
    const support = await service.newPerson('SUPPORT');
    const friend = await service.newPerson();
    const { errors } = await setRoles({ userId: friend.id, roles: ['ADMIN'] }, support);
    expect(errors[0]?.extensions['code']).toBe('FORBIDDEN');
    expect(await rolesOf(friend.id)).toEqual([]);
    expect((await setRoles({ userId: friend.id, roles: ['SUPPORT'] }, support)).userErrors).toEqual([]);
    expect((await setRoles({ userId: admin.id, roles: [] }, support)).userErrors).toMatchObject([
      { code: 'LAST_ADMIN' },
    ]);
    expect((await shutOut({ userId: admin.id, reason: 'x' }, support)).userErrors).toMatchObject([
      { code: 'LAST_ADMIN' },
    ]);
    expect(await rolesOf(admin.id)).toEqual(['ADMIN']);
    await setRoleScopes(service.db, {
      role: 'SUPPORT',
      scopes: ['order:read', 'payment:read', 'user:read'],
      expectedVersion: 2,
    });
  });

  test('of administrators who remove each other at once, one remains', async () => {
    const people = [admin, ...(await Promise.all([service.newPerson('ADMIN'), service.newPerson('ADMIN')]))];
    const answers = await Promise.all(
      people.map((actor, index) => setRoles({ userId: people[(index + 1) % 3]?.id, roles: [] }, actor)),
    );
    const codes = answers.map(({ userErrors }) => userErrors[0]?.code ?? 'removed');
    expect(codes.sort()).toEqual(['LAST_ADMIN', 'removed', 'removed']);
    const left = await service.db.select().from(staffRoles).where(eq(staffRoles.role, 'ADMIN'));
    expect(left).toHaveLength(1);
    if (left[0]?.userId === admin.id) return;
    await service.db.insert(staffRoles).values({ userId: admin.id, role: 'ADMIN' });
  });
});

describe('userSuspend and userReinstate', () => {
  const reinstate = async (userId: string) =>
    (
      await service.ask(
        admin.accessToken,
        'mutation ($id: ID!) { userReinstate(userId: $id) { user { status } userErrors { code } } }',
        { id: userId },
      )
    ).data.userReinstate;

  test('a suspended user is out at once and may come back', async () => {
    const person = await service.newPerson();
    expect((await shutOut({ userId: person.id, reason: 'fraud' })).user.status).toBe('SUSPENDED');
    expect((await service.signIn(person.email)).userErrors).toMatchObject([{ code: 'ACCOUNT_SUSPENDED' }]);
    expect((await service.signIn(person.email, 'wrong')).userErrors).toMatchObject([{ code: 'INVALID_CREDENTIALS' }]);
    expect((await service.refresh(person.refreshToken)).userErrors).toEqual([{ code: 'TOKEN_INVALID' }]);
    const rows = await service.db.select().from(sessions).where(eq(sessions.userId, person.id));
    expect(rows).toMatchObject([{ revokedBecause: 'SUSPENDED' }]);
    expect(await reinstate(person.id)).toEqual({ user: { status: 'UNVERIFIED' }, userErrors: [] });
    expect((await service.signIn(person.email)).userErrors).toEqual([]);
    expect((await service.refresh(person.refreshToken)).userErrors).toEqual([{ code: 'TOKEN_INVALID' }]);
  });

  test('a suspension ends by itself', async () => {
    const person = await service.newPerson();
    await shutOut({ userId: person.id, reason: 'a rest', until: new Date(Date.now() + 60_000) });
    await endSuspensions(service.db);
    expect((await service.row(person.id)).suspendedAt).not.toBeNull();
    await service.db
      .update(users)
      .set({ suspendedUntil: nowPlus(-1) })
      .where(eq(users.id, person.id));
    expect((await service.signIn(person.email)).userErrors).toEqual([]);
    await endSuspensions(service.db);
    expect(await service.row(person.id)).toMatchObject({ suspendedAt: null, suspensionReason: null });
  });

  test('signing in at the very moment of suspension leaves no living session', async () => {
    const person = await service.newPerson();
    const actor = { userId: admin.id, scopes: new Set<string>() };
    await Promise.all([
      service.signIn(person.email),
      service.refresh(person.refreshToken),
      suspend(service.db, actor, { userId: person.id, reason: 'now' }),
      service.signIn(person.email),
    ]);
    const rows = await service.db.select().from(sessions).where(eq(sessions.userId, person.id));
    expect(rows.filter(({ revokedAt }) => revokedAt === null)).toEqual([]);
  });

  test.each([
    ['REQUIRED', { reason: ' ' }],
    ['INVALID', { reason: 'x'.repeat(501) }],
    ['INVALID', { reason: 'late', until: new Date(Date.now() - 1_000) }],
  ])('refuses %s and changes nothing: %o', async (code, input) => {
    const person = await service.newPerson();
    const before = await service.row(person.id);
    expect((await shutOut({ userId: person.id, ...input })).userErrors).toMatchObject([{ code }]);
    expect(await service.row(person.id)).toEqual(before);
    expect((await service.refresh(person.refreshToken)).userErrors).toEqual([]);
  });
});

test('staff mutations need their scope', async () => {
  const [customer, support] = await Promise.all([service.newPerson(), service.newPerson('SUPPORT')]);
  for (const [token, code] of [
    [null, 'UNAUTHENTICATED'],
    [customer.accessToken, 'FORBIDDEN'],
    [support.accessToken, 'FORBIDDEN'],
  ] as const) {
    const source = `mutation { userReinstate(userId: "${customer.id}") { user { id } } }`;
    expect((await service.ask(token, source)).errors[0]?.extensions['code']).toBe(code);
  }
});

describe('users', () => {
  const LIST = `query ($first: Int, $after: String, $sortKey: UserSortKey, $reverse: Boolean, $filter: UserFilterInput) {
    users(first: $first, after: $after, sortKey: $sortKey, reverse: $reverse, filter: $filter) {
      nodes { id email displayName status roles defaultShippingAddress { id } addresses { nodes { id } } sessions { id } }
      pageInfo { hasNextPage endCursor } totalCount { count precision }
    }
  }`;
  const list = async (variables: object) => (await service.ask(admin.accessToken, LIST, variables)).data.users;

  test('pages through everybody exactly once in every order', async () => {
    const everybody = (await service.db.select({ id: users.id }).from(users)).map(({ id }) => id).sort();
    for (const sortKey of ['CREATED_AT', 'EMAIL', 'LAST_SIGN_IN_AT']) {
      for (const reverse of [false, true]) {
        const seen: string[] = [];
        for (let after: string | null = null; ; ) {
          const page = await list({ first: 7, after, sortKey, reverse });
          seen.push(...page.nodes.map(({ id }: { id: string }) => id));
          if (!page.pageInfo.hasNextPage) break;
          after = page.pageInfo.endCursor;
        }
        expect([...seen].sort(), `${sortKey} ${reverse}`).toEqual(everybody);
      }
    }
  });

  test('finds by beginning of name or address, by role and by status', async () => {
    const person = await service.newPerson('CATALOG_MANAGER');
    await service.db.update(users).set({ displayName: '100% Zoë' }).where(eq(users.id, person.id));
    const ids = async (filter: object) =>
      (await list({ filter, first: 100 })).nodes.map(({ id }: { id: string }) => id);
    expect(await ids({ query: '100%' })).toEqual([person.id]);
    expect(await ids({ query: person.email.toUpperCase() })).toContain(person.id);
    expect(await ids({ query: '%' })).toEqual([]);
    expect(await ids({ role: 'CATALOG_MANAGER' })).toEqual([person.id]);
    expect(await ids({ role: 'CATALOG_MANAGER', status: 'SUSPENDED' })).toEqual([]);
    await shutOut({ userId: person.id, reason: 'test' });
    expect(await ids({ role: 'CATALOG_MANAGER', status: 'SUSPENDED' })).toEqual([person.id]);
    expect(await ids({ status: 'DELETED' })).toEqual([]);
  });

  test('costs the same number of statements for two users as for ten', async () => {
    const few = await service.statementsOf(() => list({ first: 2 }));
    const many = await service.statementsOf(() => list({ first: 10 }));
    expect(many).toBe(few);
    expect(many).toBeLessThanOrEqual(6);
  });

  test('a customer sees none of it, and one user by id only as themself', async () => {
    const [customer, other] = await Promise.all([service.newPerson(), service.newPerson()]);
    expect((await service.ask(customer.accessToken, LIST)).errors[0]?.extensions['code']).toBe('FORBIDDEN');
    const { errors } = await service.ask(customer.accessToken, 'query ($id: ID!) { user(id: $id) { id } }', {
      id: other.id,
    });
    expect(errors[0]?.extensions['code']).toBe('FORBIDDEN');
  });
});

describe('signingKeysRotate', () => {
  const FIELDS = 'signingKeys { keyId status activatedAt retiredAt }';
  const rotate = async (args = '') => {
    const source = `mutation { signingKeysRotate${args} { ${FIELDS} userErrors { code retryAfterMs } } }`;
    return (await service.ask(admin.accessToken, source)).data.signingKeysRotate;
  };
  const list = async () => (await service.ask(admin.accessToken, `{ ${FIELDS} }`)).data.signingKeys;
  const statuses = (keys: { status: string }[]) => keys.map(({ status }) => status).sort();

  test('has the next key sign, shows all of them, and refuses the one after that for a while', async () => {
    await service.db.update(signingKeys).set({ createdAt: nowPlus(-71) });
    const { signingKeys: keys, userErrors } = await rotate();
    expect(userErrors).toEqual([]);
    expect(statuses(keys)).toEqual(['ACTIVE', 'NEXT', 'RETIRED']);
    expect(await list()).toEqual(keys);
    expect(await rotate()).toEqual({ signingKeys: null, userErrors: [{ code: 'RATE_LIMITED', retryAfterMs: 70_000 }] });
    expect(await list()).toEqual(keys);
  });

  test('gives up every key when one may have been copied', async () => {
    const before = (await list()).map(({ keyId }: { keyId: string }) => keyId);
    const { signingKeys: keys } = await rotate('(compromised: true)');
    expect(statuses(keys)).toEqual(['ACTIVE', 'NEXT']);
    expect(keys.filter(({ keyId }: { keyId: string }) => before.includes(keyId))).toEqual([]);
  });
});
