import { createTestDatabase } from '@souk/dev/test-database';
import { type Database, nowPlus, openDatabase } from '@souk/platform/database';
import { eq } from 'drizzle-orm';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { buildAccessSnapshot } from './access-snapshot.ts';
import { createTokenIssuer } from './access-token.ts';
import { KEYS_MAX_AGE_SECONDS, openSigningKeys, shownKeys } from './keys.ts';
import { signingKeys } from './tables.ts';

const secret = 'a secret of thirty-two characters';
const grant = {
  userId: 'user_x',
  sessionId: 'sess_x',
  roles: ['CUSTOMER' as const],
  scopes: ['order:read', 'user:read'],
};
let db: Database;
let close: () => Promise<void>;
beforeEach(async () => {
  const store = await createTestDatabase('user');
  const database = openDatabase({ url: store.url });
  db = database.db;
  close = async () => {
    await database.close();
    await store.drop();
  };
});
afterEach(() => close());

const open = (ownSecret = secret) =>
  openSigningKeys({ db, secret: ownSecret, rotateAfterSeconds: 3_600, tokenLifeSeconds: 300 });
const issue = (keys: ReturnType<typeof open>) =>
  createTokenIssuer({ keys, issuer: 'https://souk.test', audience: 'souk', lifeSeconds: 300 })({
    ...grant,
    refreshToken: 'r',
    refreshTokenExpiresAt: new Date(),
  });
const verify = async (keys: ReturnType<typeof open>, token: string) =>
  jwtVerify(token, createLocalJWKSet(await keys.publicKeys()), {
    algorithms: ['EdDSA'],
    issuer: 'https://souk.test',
    audience: 'souk',
    typ: 'at+jwt',
    requiredClaims: ['sub', 'sid', 'exp', 'iat', 'jti'],
  });
/** Makes every key as old as if it had been there for a while, and the active one due. */
const age = async () => {
  await db.update(signingKeys).set({ createdAt: nowPlus(-3_601) });
  await db
    .update(signingKeys)
    .set({ activatedAt: nowPlus(-3_601) })
    .where(eq(signingKeys.slot, 'ACTIVE'));
};
const kidsOf = async (keys: ReturnType<typeof open>) => (await keys.publicKeys()).keys.map(({ kid }) => kid);

test('an access token says who, which session, which roles and scopes, and lives five minutes', async () => {
  const keys = open();
  const { accessToken } = await issue(keys);
  const { payload } = await verify(keys, accessToken);
  expect(payload).toMatchObject({ sub: 'user_x', sid: 'sess_x', roles: ['CUSTOMER'], scope: 'order:read user:read' });
  expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(300);
});

test('instances that start at once agree on the keys', async () => {
  const kids = await Promise.all(Array.from({ length: 6 }, async () => (await open().active()).kid));
  expect(new Set(kids).size).toBe(1);
  expect((await open().publicKeys()).keys).toHaveLength(2);
});

test('a rotation signs with the key published before, and old tokens stay good', async () => {
  const keys = open();
  const { accessToken: old } = await issue(keys);
  const publishedBefore = (await keys.publicKeys()).keys.map(({ kid }) => kid);
  await keys.rotate();
  expect((await keys.publicKeys()).keys).toHaveLength(2);

  await age();
  await Promise.all([keys.rotate(), open().rotate()]);
  expect((await keys.publicKeys()).keys).toHaveLength(3);
  const { accessToken: fresh } = await issue(keys);
  const { protectedHeader } = await verify(keys, fresh);
  expect(publishedBefore).toContain(protectedHeader.kid);
  expect(protectedHeader.kid).not.toBe((await verify(keys, old)).protectedHeader.kid);
});

test('a key does not sign before verifiers can know it, however old the active one is', async () => {
  const keys = open();
  const { kid } = await keys.active();
  await db
    .update(signingKeys)
    .set({ activatedAt: nowPlus(-3_601) })
    .where(eq(signingKeys.slot, 'ACTIVE'));
  await db.update(signingKeys).set({ createdAt: nowPlus(-KEYS_MAX_AGE_SECONDS) });
  await keys.rotate();
  expect((await keys.active()).kid).toBe(kid);
  expect(await kidsOf(keys)).toHaveLength(2);
});

test('staff can have the next key sign at once, and not twice in a row', async () => {
  const keys = open();
  const { accessToken: old } = await issue(keys);
  await db.update(signingKeys).set({ createdAt: nowPlus(-71) });
  const next = (await shownKeys(db)).find(({ status }) => status === 'NEXT')?.keyId;
  await keys.rotateNow();
  expect((await keys.active()).kid).toBe(next);
  await verify(keys, old);
  const before = await kidsOf(keys);
  await expect(keys.rotateNow()).rejects.toMatchObject({ refusals: [{ code: 'RATE_LIMITED', retryAfterMs: 70_000 }] });
  expect(await kidsOf(keys)).toEqual(before);
  expect((await keys.active()).kid).toBe(next);
});

test('of two who rotate at the same instant one does', async () => {
  const keys = open();
  await keys.active();
  await db.update(signingKeys).set({ createdAt: nowPlus(-71) });
  const outcomes = await Promise.allSettled([keys.rotateNow(), open().rotateNow()]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(await kidsOf(keys)).toHaveLength(3);
});

test('keys that may have been copied are given up, all at once and on every instance, and named to the gateways', async () => {
  const [keys, other] = [open(), open()];
  const { accessToken: old } = await issue(keys);
  await other.active();
  const before = await kidsOf(keys);
  await keys.replaceAll();
  const after = await kidsOf(keys);
  expect(after).toHaveLength(2);
  expect(after.filter((kid) => before.includes(kid))).toEqual([]);
  await expect(verify(keys, old)).rejects.toThrow();
  await vi.waitFor(async () => expect(after).toContain((await other.active()).kid), 3_000);
  expect((await buildAccessSnapshot(db, 300)).revokedKeyIds.sort()).toEqual([...before].sort());
});

test('a retired key is forgotten when the last token it signed is dead', async () => {
  const keys = open();
  const first = (await keys.active()).kid;
  await age();
  await keys.rotate();
  await db
    .update(signingKeys)
    .set({ retiredAt: nowPlus(-1_300) })
    .where(eq(signingKeys.kid, first));
  await keys.rotate();
  expect((await keys.publicKeys()).keys.map(({ kid }) => kid)).not.toContain(first);
});

test('private keys are sealed, and another secret is said to be the wrong one', async () => {
  await open().active();
  await expect(open('another secret of thirty-two chars').active()).rejects.toThrow(/Expected KEY_ENCRYPTION_SECRET/);
  const published = JSON.stringify(await open().publicKeys());
  expect(published).not.toContain('"d"');
});

test('another secret is good for other keys', async () => {
  await open().active();
  const moved = open('another secret of thirty-two chars');
  await moved.replaceAll();
  await verify(moved, (await issue(moved)).accessToken);
});
