import { randomBytes } from 'node:crypto';
import { type Database, must, nowPlus, type Reader, type Transaction, transaction } from '@souk/platform/database';
import { Refused, refuse } from '@souk/platform/errors';
import { bytesToId, parseId } from '@souk/platform/id';
import { asc, eq, inArray, type SQL, sql } from 'drizzle-orm';
import { type CartLineRow, type CartRow, cartLines, carts, type VariantFacts, variantFacts } from './tables.ts';

/**
 * A cart with its lines. A *guest cart* has no owner: whoever holds its id may read and change it. An *owned cart* is its owner's only,
 * staff included; each user has at most one.
 *
 * The version says exactly which lines a cart has: both are read in one statement, and every change raises the version under the cart's lock.
 */
export interface Cart extends CartRow {
  /** In the order they were added; at most MAX_LINES. */
  lines: CartLine[];
}

export interface CartLine extends CartLineRow {
  cart: CartRow;
  /** What the catalog last said about the variant; null when it never said anything. */
  facts: VariantFacts | null;
}

export const MAX_LINES = 100;
export const MAX_QUANTITY = 999;

/** Whether somebody (null: a guest) who holds the cart's id may see and change the cart. */
export function isOpenTo(cart: Pick<CartRow, 'ownerId'>, viewerId: string | null): boolean {
  return cart.ownerId === null || cart.ownerId === viewerId;
}

/** Which cart is to be changed, by whom, and where in the input its id stood. */
export interface CartInHand {
  cartId: string;
  viewerId: string | null;
  field: string[];
}

/**
 * Changes a cart, one change after another. `change` gets the cart as it is and says whether it changed anything;
 * what it refuses leaves the cart as it was, and the refusal shows that cart.
 *
 * @throws {Refused} NOT_FOUND when there is no such cart for this viewer
 */
export function changeCart(
  db: Database,
  hand: CartInHand,
  change: (tx: Transaction, cart: Cart) => Promise<boolean>,
): Promise<{ cart: Cart }> {
  parseId('Cart', hand.cartId);
  return transaction(db, async (tx) => {
    const [cart] = await lockCarts(tx, eq(carts.id, hand.cartId));
    if (!cart || !isOpenTo(cart, hand.viewerId)) refuseUnknownCart(hand.field);
    try {
      return { cart: (await change(tx, cart)) ? await touchCart(tx, cart) : cart };
    } catch (error) {
      throw error instanceof Refused ? new Refused(error.refusals, { cart }) : error;
    }
  });
}

export function refuseUnknownCart(field: string[]): never {
  refuse('NOT_FOUND', 'There is no such cart, or it is not yours.', { field });
}

/** Locks carts in the order of their ids, whatever they are found by, and gives them as they are then. */
export async function lockCarts(tx: Transaction, where: SQL | undefined): Promise<Cart[]> {
  const locked = await tx.select({ id: carts.id }).from(carts).where(must(where)).orderBy(carts.id).for('update');
  const ids = locked.map(({ id }) => id);
  return ids.length === 0 ? [] : readCarts(tx, inArray(carts.id, ids));
}

/** Carts with their lines and the facts about them: one statement, so that what it gives was true at one moment. */
export async function readCarts(reader: Reader, where: SQL | undefined): Promise<Cart[]> {
  const rows = await reader
    .select({ cart: carts, line: cartLines, facts: variantFacts })
    .from(carts)
    .leftJoin(cartLines, eq(cartLines.cartId, carts.id))
    .leftJoin(variantFacts, eq(variantFacts.variantId, cartLines.variantId))
    .where(must(where))
    .orderBy(asc(carts.id), asc(cartLines.addedAt), asc(cartLines.id));
  const byCart = Map.groupBy(rows, ({ cart }) => cart.id);
  return [...byCart.values()].flatMap(([first, ...others]) => {
    if (!first) return [];
    const lines = [first, ...others].flatMap(({ line, facts }) => (line ? [{ ...line, cart: first.cart, facts }] : []));
    return [{ ...first.cart, lines }];
  });
}

/** A cart that this transaction has locked or written. */
export async function readCart(tx: Transaction, cartId: string): Promise<Cart> {
  const [cart] = await readCarts(tx, eq(carts.id, cartId));
  if (!cart) throw new Error(`Expected the cart ${cartId} to be there.`);
  return cart;
}

/** Lines by condition, each with its cart and facts. */
export async function readLines(reader: Reader, where: SQL | undefined): Promise<CartLine[]> {
  const rows = await reader
    .select({ cart: carts, line: cartLines, facts: variantFacts })
    .from(cartLines)
    .innerJoin(carts, eq(carts.id, cartLines.cartId))
    .leftJoin(variantFacts, eq(variantFacts.variantId, cartLines.variantId))
    .where(must(where));
  return rows.map(({ cart, line, facts }) => ({ ...line, cart, facts }));
}

export type NewCart = Pick<CartRow, 'ownerId' | 'currencyCode' | 'note'>;

/** Makes an empty cart and gives its id. The owner, if any, must not have one: the index `carts_by_owner` refuses a second. */
export async function insertCart(tx: Transaction, cart: NewCart): Promise<string> {
  const id = newCartId();
  await tx.insert(carts).values({ ...cart, id, expiresAt: endOfLife(cart.ownerId) });
  return id;
}

/** Notes that a locked cart was changed, sets what else is new about it, and gives it as it is now. */
export async function touchCart(
  tx: Transaction,
  { id, ownerId }: CartRow,
  news: { ownerId?: string; note?: string | null } = {},
): Promise<Cart> {
  const expiresAt = endOfLife(news.ownerId ?? ownerId);
  await tx
    .update(carts)
    .set({ ...news, version: sql`${carts.version} + 1`, expiresAt })
    .where(eq(carts.id, id));
  return readCart(tx, id);
}

/** Gives lines of a locked cart their new quantities and selection; a quantity of 0 removes the line. Two statements, however many lines. */
export async function setLines(tx: Transaction, lines: readonly CartLineRow[]): Promise<void> {
  const gone = lines.filter(({ quantity }) => quantity === 0).map(({ id }) => id);
  const kept = lines.filter(({ quantity }) => quantity > 0);
  if (gone.length > 0) await tx.delete(cartLines).where(inArray(cartLines.id, gone));
  if (kept.length === 0) return;
  await tx
    .insert(cartLines)
    .values(
      kept.map(({ id, cartId, variantId, quantity, isSelected, addedUnitPriceMinor }) => {
        return { id, cartId, variantId, quantity, isSelected, addedUnitPriceMinor };
      }),
    )
    .onDuplicateKeyUpdate({
      set: {
        quantity: sql`VALUES(${cartLines.quantity})`,
        isSelected: sql`VALUES(${cartLines.isSelected})`,
      },
    });
}

/** Deletes locked carts with their lines. */
export async function deleteCarts(tx: Transaction, cartIds: readonly string[]): Promise<void> {
  if (cartIds.length === 0) return;
  await tx.delete(cartLines).where(inArray(cartLines.cartId, [...cartIds]));
  await tx.delete(carts).where(inArray(carts.id, [...cartIds]));
}

const DAY_SECONDS = 86_400;

/** An untouched guest cart is thrown away after a month, a user's after half a year. */
function endOfLife(ownerId: string | null): SQL<Date> {
  return nowPlus((ownerId === null ? 30 : 180) * DAY_SECONDS);
}

/**
 * The id of a guest cart is the key to it, so all 74 bits that a UUIDv7 leaves free (RFC 9562, section 5.7) come from the cryptographic source:
 * 2^74 tries for a cart whose millisecond is known. Ids made by `newId` count upwards in 31 of those bits, which whoever owns one cart can read.
 */
function newCartId(): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes.writeUInt8(0x70 | (bytes.readUInt8(6) & 0x0f), 6);
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8);
  return bytesToId('Cart', bytes);
}
