import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { openDatabase } from '@souk/platform/database';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { ask, newCustomer, PASSWORD, type Person, send, signIn, staff } from './client.ts';
import { graphql } from './generated/gql.ts';
import { type SecondGateway, startSecondGateway } from './two-gateways.ts';

/** Who is let in, at every gateway: what is changed through one is in force at the other, and Redis is not needed to remember it. */

const { gatewayUrl, adminUrl, databaseUrls, redisUrl } = inject('shop');
let second: SecondGateway;
let admin: Person;

beforeAll(async () => {
  second = await startSecondGateway({ INTROSPECTION: 'false' });
  admin = await staff(adminUrl, 'ADMIN');
});
afterAll(() => second?.child.stop());

const SignOut = graphql(`mutation SignOutHere { signOut { signedOutSessionIds } }`);
const Suspend = graphql(
  `mutation Suspend($input: UserSuspendInput!) { userSuspend(input: $input) { userErrors { code } } }`,
);
const Reinstate = graphql(
  `mutation Reinstate($userId: ID!) { userReinstate(userId: $userId) { userErrors { code } } }`,
);
const RolesSet = graphql(
  `mutation RolesSet($input: UserRolesSetInput!) { userRolesSet(input: $input) { userErrors { code } } }`,
);
const EntryAdd = graphql(
  `mutation EntryAdd($input: AccessEntryAddInput!) { accessEntryAdd(input: $input) { entry { id } userErrors { code } } }`,
);
const EntryRemove = graphql(
  `mutation EntryRemove($id: ID!) { accessEntryRemove(id: $id) { removedEntryId userErrors { code } } }`,
);
const KeysRotate = graphql(
  `mutation KeysRotate($compromised: Boolean) { signingKeysRotate(compromised: $compromised) { signingKeys { keyId status } userErrors { code } } }`,
);
const Refresh = graphql(
  `mutation RefreshTokens($input: TokenRefreshInput!) { tokenRefresh(input: $input) { tokens { accessToken } userErrors { code } } }`,
);

/** What both gateways say to whoever holds this token. */
const verdicts = (accessToken: string, query = '{ viewer { id } }') =>
  Promise.all([gatewayUrl, second.gatewayUrl].map((url) => verdict(url, accessToken, query)));
const staffVerdicts = (accessToken: string) =>
  Promise.all(
    [adminUrl, second.adminUrl].map((url) => verdict(url, accessToken, '{ users(first: 1) { nodes { id } } }')),
  );
async function verdict(url: string, accessToken: string, query: string): Promise<string> {
  const { errors } = await send({ url, accessToken }, query);
  return errors[0]?.extensions.code ?? 'in';
}
const both = (word: string) => [word, word];
const eventually = (what: () => Promise<unknown>, expected: unknown) =>
  vi.waitFor(async () => expect(await what()).toEqual(expected), { timeout: 5_000, interval: 20 });

async function wipeRedis(): Promise<void> {
  const redis = new Redis(redisUrl);
  await redis.flushall();
  await redis.quit();
}

/** It holds for a while after Redis forgot everything: at no time in between anybody gets in. */
async function holdsAfterWipe(what: () => Promise<unknown>, expected: unknown): Promise<void> {
  await wipeRedis();
  for (let look = 0; look < 12; look++) {
    expect(await what()).toEqual(expected);
    await delay(100);
  }
}

describe('at two gateways', () => {
  it('a session that ends at one has ended at both, and stays so when Redis is wiped', async () => {
    const { accessToken } = await newCustomer(gatewayUrl);
    expect(await verdicts(accessToken)).toEqual(both('in'));
    await ask({ url: gatewayUrl, accessToken }, SignOut);
    await eventually(() => verdicts(accessToken), both('UNAUTHENTICATED'));
    await holdsAfterWipe(() => verdicts(accessToken), both('UNAUTHENTICATED'));
  });

  it('somebody who is suspended is out, and who is reinstated signs in again', async () => {
    const person = await newCustomer(second.gatewayUrl);
    await ask(admin, Suspend, { input: { userId: person.userId, reason: 'test' } });
    await eventually(() => verdicts(person.accessToken), both('UNAUTHENTICATED'));
    await holdsAfterWipe(() => verdicts(person.accessToken), both('UNAUTHENTICATED'));
    await ask(admin, Reinstate, { userId: person.userId });
    const { accessToken } = await vi.waitFor(() => signIn(gatewayUrl, person.email, PASSWORD), 5_000);
    await eventually(() => verdicts(accessToken), both('in'));
  });

  it('a role that is given or taken counts for tokens that are there already', async () => {
    const { userId, accessToken } = await newCustomer(gatewayUrl);
    expect(await staffVerdicts(accessToken)).toEqual(both('FORBIDDEN'));
    await ask(admin, RolesSet, { input: { userId, roles: ['SUPPORT'] } });
    await eventually(() => staffVerdicts(accessToken), both('in'));
    await ask(admin, RolesSet, { input: { userId, roles: [] } });
    await eventually(() => staffVerdicts(accessToken), both('FORBIDDEN'));
    await holdsAfterWipe(() => staffVerdicts(accessToken), both('FORBIDDEN'));
  });

  it('an entry of the deny list is in force until it is removed', async () => {
    const { userId, accessToken } = await newCustomer(gatewayUrl);
    const { accessEntryAdd } = await ask(admin, EntryAdd, { input: { effect: 'DENY', kind: 'USER', subject: userId } });
    await eventually(() => verdicts(accessToken), both('FORBIDDEN'));
    await holdsAfterWipe(() => verdicts(accessToken), both('FORBIDDEN'));
    await ask(admin, EntryRemove, { id: accessEntryAdd?.entry?.id ?? '' });
    await eventually(() => verdicts(accessToken), both('in'));
  });

  it('a denied e-mail domain shuts out everybody who has one, but for whom an entry lets in by name', async () => {
    const [denied, welcome] = [await newCustomer(gatewayUrl), await newCustomer(gatewayUrl)];
    const entries = [
      { effect: 'ALLOW', kind: 'USER', subject: welcome.userId },
      { effect: 'DENY', kind: 'EMAIL_DOMAIN', subject: 'test.example' },
    ] as const;
    const ids: string[] = [];
    for (const input of entries) ids.push((await ask(admin, EntryAdd, { input })).accessEntryAdd?.entry?.id ?? '');
    try {
      await eventually(() => verdicts(denied.accessToken), both('UNAUTHENTICATED'));
      expect(await verdicts(welcome.accessToken)).toEqual(both('in'));
    } finally {
      for (const id of ids) await ask(admin, EntryRemove, { id });
    }
    await eventually(() => verdicts(denied.accessToken), both('in'));
  });
});

describe('the keys of access tokens', () => {
  const refreshed = async ({ url, refreshToken }: Person) => {
    const { tokenRefresh } = await ask({ url }, Refresh, { input: { refreshToken } });
    return tokenRefresh?.tokens?.accessToken ?? '';
  };
  const keyOf = (accessToken: string) =>
    (JSON.parse(Buffer.from(accessToken.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid;

  /** Makes the keys as old as if the shop had been open for a while. */
  async function ageKeys(): Promise<void> {
    const { db, close } = openDatabase({ url: databaseUrls.user });
    await db.execute('UPDATE signing_keys SET created_at = created_at - INTERVAL 2 MINUTE');
    await close();
  }

  it('change while gateways run: nobody has to sign in again', async () => {
    await ageKeys();
    const person = await newCustomer(gatewayUrl);
    const { signingKeysRotate } = await ask(admin, KeysRotate, { compromised: false });
    expect(signingKeysRotate?.userErrors).toEqual([]);
    const fresh = await vi.waitFor(async () => {
      const another = await signIn(gatewayUrl, person.email, PASSWORD);
      expect(keyOf(another.accessToken)).not.toBe(keyOf(person.accessToken));
      return another.accessToken;
    }, 5_000);
    expect(await verdicts(fresh)).toEqual(both('in'));
    expect(await verdicts(person.accessToken)).toEqual(both('in'));
    expect((await ask(admin, KeysRotate, {})).signingKeysRotate?.userErrors).toEqual([{ code: 'RATE_LIMITED' }]);
  });

  it('that may have been copied are worth nothing at once; a refresh token gets a good one', async () => {
    const person = await newCustomer(gatewayUrl);
    expect(await verdicts(person.accessToken)).toEqual(both('in'));
    await ask(admin, KeysRotate, { compromised: true });
    await eventually(() => verdicts(person.accessToken), both('UNAUTHENTICATED'));
    await holdsAfterWipe(() => verdicts(person.accessToken), both('UNAUTHENTICATED'));
    expect(await verdicts(await refreshed(person))).toEqual(both('in'));
    admin = await staff(adminUrl, 'ADMIN');
  });
});

describe('a gateway that hides the schema', () => {
  it('shows it to staff with the scope, at both endpoints, and to nobody else', async () => {
    const SCHEMA = '{ __schema { queryType { name } } }';
    const support = await staff(adminUrl, 'SUPPORT');
    const customer = await newCustomer(gatewayUrl);
    for (const url of [second.gatewayUrl, second.adminUrl]) {
      const codesFor = async (accessToken: string | undefined) =>
        (await send({ url, ...(accessToken ? { accessToken } : {}) }, SCHEMA)).errors.map(
          ({ extensions }) => extensions.code,
        );
      expect(await codesFor(undefined)).toEqual(['UNAUTHENTICATED']);
      expect(await codesFor(customer.accessToken)).toEqual(['FORBIDDEN']);
      expect(await codesFor(support.accessToken)).toEqual(['FORBIDDEN']);
      expect(await codesFor(admin.accessToken)).toEqual([]);
    }
  });
});

describe('a request with several Authorization headers', () => {
  it('is refused, whichever of them is good', async () => {
    const { accessToken } = await newCustomer(gatewayUrl);
    const good = `Bearer ${accessToken}`;
    for (const authorizations of [
      [good, 'Bearer a.b.c'],
      ['Bearer a.b.c', good],
      [good, good],
    ]) {
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const sent = request(
          gatewayUrl,
          { method: 'POST', headers: { 'content-type': 'application/json', authorization: authorizations } as never },
          (answer) => resolve(answer.resume().statusCode),
        );
        sent.on('error', reject).end('{"query":"{ viewer { id } }"}');
      });
      expect(status).toBe(401);
    }
  });
});
