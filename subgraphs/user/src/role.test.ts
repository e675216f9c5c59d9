import { readSubgraphSdl, subgraphNames } from '@souk/schema/subgraphs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestService, type Person, type TestService } from '../test-service.ts';
import { knownScopes } from './role.ts';

let service: TestService;
let admin: Person;
beforeAll(async () => {
  service = await openTestService();
  admin = await service.newPerson('ADMIN');
});
afterAll(() => service?.close());

const SET = `mutation ($input: RoleScopesSetInput!) {
  roleScopesSet(input: $input) { grant { role scopes version } userErrors { code field } }
}`;
const set = async (input: object) => (await service.ask(admin.accessToken, SET, { input })).data.roleScopesSet;
const grants = async () =>
  (await service.ask(admin.accessToken, '{ roleGrants { role scopes version } }')).data.roleGrants;

test('the known scopes are those the graph and the gateway ask for', () => {
  const asked = subgraphNames.flatMap((name) =>
    [...readSubgraphSdl(name).matchAll(/scopes: (\[\[[^)]*\]\])/g)].flatMap(([, sets]) =>
      (JSON.parse(sets ?? '') as string[][]).flat(),
    ),
  );
  expect([...new Set([...asked, 'debug:read', 'job:read', 'job:write', 'schema:read'])].sort()).toEqual(knownScopes);
});

test('a new shop grants what the migration says: customers nothing, administrators everything', async () => {
  const scopesOf = Object.fromEntries(
    (await grants()).map(({ role, scopes }: { role: string; scopes: string[] }) => [role, scopes]),
  );
  expect(scopesOf).toEqual({
    CUSTOMER: [],
    SUPPORT: ['order:read', 'payment:read', 'user:read'],
    CATALOG_MANAGER: ['catalog:write', 'stock:read', 'stock:write'],
    ORDER_MANAGER: ['order:read', 'order:write', 'payment:read', 'payment:write', 'stock:read', 'user:read'],
    ADMIN: knownScopes,
  });
});

test('scopes are set as a whole, and only by who has read the present version', async () => {
  const scopes = ['user:read', 'stock:read'];
  const { grant } = await set({ role: 'SUPPORT', scopes, expectedVersion: 1 });
  expect(grant).toEqual({ role: 'SUPPORT', scopes: ['stock:read', 'user:read'], version: 2 });
  const stale = await set({ role: 'SUPPORT', scopes: [], expectedVersion: 1 });
  expect(stale).toMatchObject({
    grant: { version: 2, scopes: ['stock:read', 'user:read'] },
    userErrors: [{ code: 'STALE_VERSION' }],
  });
});

test.each([
  ['INVALID', { role: 'SUPPORT', scopes: ['user:read', 'money:print'] }],
  ['INVALID', { role: 'CUSTOMER', scopes: ['user:read'] }],
  ['LAST_ADMIN', { role: 'ADMIN', scopes: ['user:read', 'access:read'] }],
])('refuses %s and changes nothing: %o', async (code, input) => {
  const before = await grants();
  expect((await set({ ...input, expectedVersion: 1 })).userErrors).toEqual([{ code, field: ['input', 'scopes'] }]);
  expect(await grants()).toEqual(before);
});
