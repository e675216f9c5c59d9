import { type Database, type Transaction, transaction } from '@souk/platform/database';
import { refuse } from '@souk/platform/errors';
import { parseId } from '@souk/platform/id';
import { eq, inArray, sql } from 'drizzle-orm';
import {
  type Cart,
  type CartLine,
  deleteCarts,
  lockCarts,
  MAX_LINES,
  MAX_QUANTITY,
  refuseUnknownCart,
  touchCart,
} from './cart.ts';
import { withOneCartEach } from './cart-create.ts';
import { type CartWarning, titleOf } from './prices.ts';
import { cartLines, carts, mergedCarts } from './tables.ts';

export interface Claimed {
  cart: Cart;
  /** What became of each line that was merged. */
  merged: CartWarning[];
}

/** Makes a guest cart the user's own, or merges it into the cart they have. Claiming it again gives the user's cart. */
export async function claimCart(db: Database, userId: string, cartId: string): Promise<Claimed> {
  parseId('Cart', cartId);
  return withOneCartEach(() => transaction(db, (tx) => claim(tx, userId, cartId)));
}

/**
 * @throws {Refused} before anything is written: NOT_FOUND, CURRENCY_MISMATCH
 * @throws a duplicate key on `carts_by_owner` when the user's first cart is made at the same moment: start over
 */
export async function claim(tx: Transaction, userId: string, cartId: string): Promise<Claimed> {
  const [known] = await tx.select({ id: carts.id }).from(carts).where(eq(carts.ownerId, userId));
  const locked = await lockCarts(tx, inArray(carts.id, known ? [cartId, known.id] : [cartId]));
  const own = locked.find((cart) => cart.ownerId === userId);
  const guest = locked.find((cart) => cart.id === cartId);

  if (guest && guest.id === own?.id) return { cart: own, merged: [] };
  if (!guest) return { cart: await mergedEarlier(tx, userId, cartId, own), merged: [] };
  if (guest.ownerId !== null) refuseUnknownCart(['cartId']);

  if (!own || isInTheWay(own, guest)) {
    if (own) await deleteCarts(tx, [own.id]);
    return { cart: await touchCart(tx, guest, { ownerId: userId }), merged: [] };
  }
  if (own.currencyCode !== guest.currencyCode && guest.lines.length > 0) {
    const message = `The guest cart is in ${guest.currencyCode}, and your cart is in ${own.currencyCode}. Empty one of them first.`;
    refuse('CURRENCY_MISMATCH', message, { field: ['cartId'] });
  }
  const merged = await merge(tx, guest, own, userId);
  const note = own.note ?? guest.note;
  return { cart: await touchCart(tx, own, { note }), merged };
}

/** An empty cart binds its owner to no currency: it yields to a guest cart in another one. */
function isInTheWay(own: Cart, guest: Cart): boolean {
  return own.lines.length === 0 && guest.lines.length > 0 && own.currencyCode !== guest.currencyCode;
}

/** The cart that took in the lines when this user claimed the guest cart before. */
async function mergedEarlier(tx: Transaction, userId: string, cartId: string, own: Cart | undefined): Promise<Cart> {
  const [earlier] = await tx.select().from(mergedCarts).where(eq(mergedCarts.guestCartId, cartId));
  if (!own || earlier?.ownerId !== userId) refuseUnknownCart(['cartId']);
  return own;
}

/** Moves the guest's lines over: quantities sum up to what a cart may hold, and what goes beyond is told. Nothing remains of the guest cart. */
async function merge(tx: Transaction, guest: Cart, own: Cart, ownerId: string): Promise<CartWarning[]> {
  const present = new Map(own.lines.map((line) => [line.variantId, line]));
  const isPresent = (line: CartLine) => present.has(line.variantId);
  const fitting = new Set(guest.lines.filter((line) => !isPresent(line)).slice(0, MAX_LINES - own.lines.length));
  const moving = guest.lines.filter((line) => isPresent(line) || fitting.has(line));

  await deleteCarts(tx, [guest.id]);
  await tx.insert(mergedCarts).values({ guestCartId: guest.id, ownerId });
  if (moving.length > 0) {
    const rows = moving.map(({ cart: _, facts: __, ...row }) => ({ ...row, cartId: own.id }));
    const quantity = sql`LEAST(${MAX_QUANTITY}, ${cartLines.quantity} + VALUES(${cartLines.quantity}))`;
    const isSelected = sql`${cartLines.isSelected} OR VALUES(${cartLines.isSelected})`;
    await tx.insert(cartLines).values(rows).onDuplicateKeyUpdate({ set: { quantity, isSelected } });
  }
  return guest.lines.map((line) => tellMerged(line, present.get(line.variantId), moving.includes(line)));
}

function tellMerged(line: CartLine, before: CartLine | undefined, isMoved: boolean): CartWarning {
  const { variantId, quantity } = line;
  const title = titleOf(line);
  const warning = { code: 'MERGED_FROM_GUEST', variantId } as const;
  if (!isMoved) {
    const message = `${title} from your guest cart was left out: a cart holds at most ${MAX_LINES} different variants.`;
    return { ...warning, message, lineId: null };
  }
  const lineId = before?.id ?? line.id;
  const added = Math.min(quantity, MAX_QUANTITY - (before?.quantity ?? 0));
  if (added === quantity) return { ...warning, message: `${quantity} of ${title} came from your guest cart.`, lineId };
  const message = `Only ${added} of the ${quantity} of ${title} in your guest cart were added: a cart holds at most ${MAX_QUANTITY}.`;
  return { ...warning, message, lineId };
}
