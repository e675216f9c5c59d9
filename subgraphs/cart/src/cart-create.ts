import { type Database, isDuplicateKey, type Transaction, transaction } from '@souk/platform/database';
import { refuse } from '@souk/platform/errors';
import { typedText } from '@souk/platform/typed-text';
import { eq } from 'drizzle-orm';
import { type Cart, deleteCarts, insertCart, lockCarts, type NewCart, readCart, touchCart } from './cart.ts';
import { type Additions, checkAdditions, type LineToAdd, putIn } from './cart-add.ts';
import { carts } from './tables.ts';

const MAX_NOTE_LENGTH = 500;

/** Makes a cart for a guest; for a user, fills the one they have or makes their first. */
export async function createCart(
  db: Database,
  viewerId: string | null,
  input: { currencyCode: string; lines?: readonly LineToAdd[] | null | undefined; note?: string | null | undefined },
): Promise<{ cart: Cart }> {
  const { currencyCode } = input;
  const note = typedText(input.note, { field: ['input', 'note'], maximumLength: MAX_NOTE_LENGTH, hasLines: true });
  const additions = checkAdditions(input.lines ?? []);
  const wanted = { ownerId: viewerId, currencyCode, note };
  const cart = await withOneCartEach(() => transaction(db, (tx) => openCart(tx, wanted, additions)));
  return { cart };
}

/**
 * Two first carts of one user may be made at the same moment. The index on the owner lets one through; the other starts over and finds it.
 */
export async function withOneCartEach<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!isDuplicateKey(error, 'carts_by_owner')) throw error;
    return work();
  }
}

async function openCart(tx: Transaction, wanted: NewCart, additions: Additions): Promise<Cart> {
  const { ownerId, currencyCode, note } = wanted;
  const [existing] = ownerId === null ? [] : await lockCarts(tx, eq(carts.ownerId, ownerId));
  if (existing?.currencyCode === currencyCode) {
    const isNoteNew = note !== null && note !== existing.note;
    const isFuller = await putIn(tx, existing, additions);
    return isFuller || isNoteNew ? touchCart(tx, existing, isNoteNew ? { note } : {}) : existing;
  }
  if (existing) await makeWay(tx, existing, currencyCode);
  const id = await insertCart(tx, wanted);
  await putIn(tx, { id, currencyCode, lines: [] }, additions);
  return readCart(tx, id);
}

/** A cart keeps its currency for life, but an empty one must not bind its owner to it for ever. */
async function makeWay(tx: Transaction, existing: Cart, currencyCode: string): Promise<void> {
  if (existing.lines.length > 0) {
    const message = `You have a cart in ${existing.currencyCode}. Empty it to shop in ${currencyCode}.`;
    refuse('CURRENCY_MISMATCH', message, { field: ['input', 'currencyCode'] });
  }
  await deleteCarts(tx, [existing.id]);
}
