import { createTestDatabase } from '@souk/dev/test-database';
import { type Database, nowPlus, openDatabase } from '@souk/platform/database';
import { eq } from 'drizzle-orm';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTokenIssuer } from './access-token.ts';
import { openSigningKeys } from './keys.ts';
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
const age = () =>
  db
    .update(signingKeys)
    .set({ activatedAt: nowPlus(-3_601) })
    .where(eq(signingKeys.slot, 'ACTIVE'));

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
