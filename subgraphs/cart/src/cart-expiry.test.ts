import { newId } from '@souk/platform/id';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADD, CLAIM, CREATE, openTestService, READ, type TestService } from '../test-service.ts';
import { dropExpiredCarts, forgetMerges } from './cart-expiry.ts';
import { cartLines, carts, mergedCarts } from './tables.ts';

let service: TestService;
let shirt: string;
beforeAll(async () => {
  service = await openTestService();
  shirt = await service.knowVariant();
});
afterAll(() => service.close());

async function create(userId: string | null) {
  const input = { currencyCode: 'EUR', lines: [{ variantId: shirt }] };
  return (await service.ask(userId, CREATE, { input })).data.cartCreate.cart;
}

const read = async (userId: string | null, id: string) => (await service.ask(userId, READ, { id })).data.cart;

/** Makes everything in the database as many days older. */
async function age(days: number): Promise<void> {
  const admin = await createConnection({ uri: service.adminUrl });
  await admin.query('UPDATE carts SET expires_at = expires_at - INTERVAL ? DAY', [days]);
  await admin.query('UPDATE merged_carts SET merged_at = merged_at - INTERVAL ? DAY', [days]);
  await admin.end();
}

describe('carts nobody touches', () => {
  it('go after a month when they are a guest’s, after half a year when they are a user’s', async () => {
    const user = newId('User');
    const [guest, touched, owned] = [await create(null), await create(null), await create(user)];
    await age(20);
    expect(await dropExpiredCarts(service.db)).toBe(0);
    await service.ask(null, ADD, { input: { cartId: touched.id, lines: [{ variantId: shirt }] } });
    await age(11);
    expect(await dropExpiredCarts(service.db)).toBe(1);
    expect(await read(null, guest.id)).toBeNull();
    expect(await read(null, touched.id)).not.toBeNull();
    await age(140);
    await dropExpiredCarts(service.db);
    expect(await read(user, owned.id)).not.toBeNull();
    await age(20);
    await dropExpiredCarts(service.db);
    expect(await read(user, owned.id)).toBeNull();
    expect(await service.db.select().from(cartLines)).toEqual([]);
  });

  it('live as long as a user’s once they are claimed', async () => {
    const user = newId('User');
    const guest = await create(null);
    await service.ask(user, CLAIM, { cartId: guest.id });
    await age(100);
    await dropExpiredCarts(service.db);
    expect(await read(user, guest.id)).not.toBeNull();
  });

  it('go once, whoever sweeps', async () => {
    await age(200);
    await dropExpiredCarts(service.db);
    await Promise.all(Array.from({ length: 10 }, () => create(null)));
    await age(31);
    const swept = await Promise.all([1, 2, 3].map(() => dropExpiredCarts(service.db)));
    await dropExpiredCarts(service.db);
    expect(swept.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(10);
    expect(await service.db.select().from(carts)).toEqual([]);
  });

  it('are long forgotten when the note of where a merged cart went is dropped too', async () => {
    const user = newId('User');
    await create(user);
    await service.ask(user, CLAIM, { cartId: (await create(null)).id });
    expect(await forgetMerges(service.db)).toBe(0);
    await age(31);
    expect(await forgetMerges(service.db)).toBe(1);
  });
});

describe('a deleted user', () => {
  it('leaves no cart, no line and no memory behind; others keep theirs', async () => {
    const [user, other] = [newId('User'), newId('User')];
    await create(user);
    const theirs = await create(other);
    await service.ask(user, CLAIM, { cartId: (await create(null)).id });
    await service.hear('user.deleted', { userId: user });
    expect(await read(other, theirs.id)).toEqual(theirs);
    expect((await service.db.select().from(carts)).map(({ ownerId }) => ownerId)).not.toContain(user);
    expect((await service.db.select().from(mergedCarts)).map(({ ownerId }) => ownerId)).not.toContain(user);
    const lines = await service.db.select().from(cartLines);
    const remaining = new Set((await service.db.select().from(carts)).map(({ id }) => id));
    expect(lines.filter(({ cartId }) => !remaining.has(cartId))).toEqual([]);
  });
});
