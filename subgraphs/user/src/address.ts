import { type Database, must, type Reader, type Transaction, transaction } from '@souk/platform/database';
import { refuse } from '@souk/platform/errors';
import { newId, parseId } from '@souk/platform/id';
import { and, count, desc, eq } from 'drizzle-orm';
import { type AddressRow, addresses } from './tables.ts';
import { readTexts } from './text-input.ts';
import { lockViewer } from './user.ts';

/** Address books. Every change locks the owner's row first, so the changes of one book happen one after another. */

export const MAXIMUM_ADDRESSES = 50;

export interface AddressText {
  recipient: string;
  phone?: string | null | undefined;
  line1: string;
  line2?: string | null | undefined;
  city: string;
  region?: string | null | undefined;
  postalCode?: string | null | undefined;
  countryCode: string;
}

/** Adds an address; the first one becomes the default. @throws {Refused} INVALID, REQUIRED, LIMIT_REACHED */
export async function createAddress(
  db: Database,
  userId: string,
  input: AddressText,
): Promise<{ address: AddressRow }> {
  const text = readAddress(['input'], input);
  const id = newId('Address');
  const address = await transaction(db, async (tx) => {
    await lockViewer(tx, userId);
    const [present] = await tx.select({ count: count() }).from(addresses).where(eq(addresses.userId, userId));
    const others = present?.count ?? 0;
    if (others >= MAXIMUM_ADDRESSES) {
      refuse('LIMIT_REACHED', `An address book holds ${MAXIMUM_ADDRESSES} addresses. Remove one first.`);
    }
    await tx.insert(addresses).values({ ...text, id, userId, defaultOf: others === 0 ? userId : null });
    return ownAddress(tx, userId, id);
  });
  return { address };
}

/** Replaces the text of an address. @throws {Refused} NOT_FOUND, INVALID, REQUIRED */
export async function updateAddress(
  db: Database,
  userId: string,
  { id, address }: { id: string; address: AddressText },
): Promise<{ address: AddressRow }> {
  parseId('Address', id);
  const text = readAddress(['input', 'address'], address);
  const updated = await transaction(db, async (tx) => {
    await lockViewer(tx, userId);
    await ownAddress(tx, userId, id, ['input', 'id']);
    await tx
      .update(addresses)
      .set(text)
      .where(must(eq(addresses.id, id)));
    return ownAddress(tx, userId, id);
  });
  return { address: updated };
}

/** Removes an address; the newest of the others takes the place of a default. @throws {Refused} NOT_FOUND */
export async function deleteAddress(db: Database, userId: string, id: string): Promise<{ deletedAddressId: string }> {
  parseId('Address', id);
  await transaction(db, async (tx) => {
    await lockViewer(tx, userId);
    const gone = await ownAddress(tx, userId, id);
    await tx.delete(addresses).where(must(eq(addresses.id, id)));
    if (!gone.defaultOf) return;
    const [newest] = await tx
      .select({ id: addresses.id })
      .from(addresses)
      .where(eq(addresses.userId, userId))
      .orderBy(desc(addresses.id))
      .limit(1);
    if (newest) await makeDefault(tx, userId, newest.id);
  });
  return { deletedAddressId: id };
}

/** Makes an address the one that orders are sent to. @throws {Refused} NOT_FOUND */
export async function setDefaultAddress(db: Database, userId: string, id: string): Promise<{ address: AddressRow }> {
  parseId('Address', id);
  const address = await transaction(db, async (tx) => {
    await lockViewer(tx, userId);
    await ownAddress(tx, userId, id);
    await tx
      .update(addresses)
      .set({ defaultOf: null })
      .where(must(eq(addresses.defaultOf, userId)));
    await makeDefault(tx, userId, id);
    return ownAddress(tx, userId, id);
  });
  return { address };
}

async function makeDefault(tx: Transaction, userId: string, id: string): Promise<void> {
  await tx
    .update(addresses)
    .set({ defaultOf: userId })
    .where(must(eq(addresses.id, id)));
}

/** The address an order of this user goes to: the one named, if it is theirs; their default when none is named. */
export async function addressForOrder(
  db: Reader,
  userId: string,
  addressId: string | null,
): Promise<AddressRow | null> {
  parseId('User', userId);
  const named = addressId === null ? eq(addresses.defaultOf, userId) : eq(addresses.id, parseId('Address', addressId));
  const [address] = await db
    .select()
    .from(addresses)
    .where(and(eq(addresses.userId, userId), named));
  return address ?? null;
}

async function ownAddress(tx: Transaction, userId: string, id: string, field = ['id']): Promise<AddressRow> {
  const [address] = await tx
    .select()
    .from(addresses)
    .where(and(eq(addresses.id, id), eq(addresses.userId, userId)));
  return address ?? refuse('NOT_FOUND', 'There is no such address in your address book.', { field });
}

function readAddress(path: string[], input: AddressText) {
  const { countryCode } = input;
  const texts = readTexts(path, input, {
    recipient: { maximumLength: 100 },
    phone: { maximumLength: 32, optional: true },
    line1: { maximumLength: 200 },
    line2: { maximumLength: 200, optional: true },
    city: { maximumLength: 100 },
    region: { maximumLength: 100, optional: true },
    postalCode: { maximumLength: 20, optional: true },
  });
  return { ...texts, countryCode };
}
