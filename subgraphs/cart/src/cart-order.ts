import type { Database, Transaction } from '@souk/platform/database';
import { parseId } from '@souk/platform/id';
import { eq } from 'drizzle-orm';
import { type Cart, isOpenTo, lockCarts, readCarts, setLines, touchCart } from './cart.ts';
import { carts, mergedCarts } from './tables.ts';

/**
 * The cart as the order service may order it for a user; null when it is another user's or gone.
 * Lines and version are of one moment: an order that names this version orders exactly these lines.
 */
export async function cartToOrder(db: Database, cartId: string, userId: string): Promise<Cart | null> {
  parseId('User', userId);
  const [cart] = await readCarts(db, eq(carts.id, parseId('Cart', cartId)));
  return cart && isOpenTo(cart, userId) ? cart : null;
}

/**
 * Takes what was ordered and paid out of its cart. What was added in the meantime stays: a line loses the ordered quantity, and goes when
 * nothing of it is left. When the cart was claimed meanwhile, its lines are in the cart it was merged into.
 */
export async function removeOrdered(
  tx: Transaction,
  cartId: string,
  ordered: readonly { variantId: string; quantity: number }[],
): Promise<void> {
  const cart = await lockWithSuccessor(tx, cartId);
  if (!cart) return;
  const quantities = new Map<string, number>();
  for (const { variantId, quantity } of ordered) quantities.set(variantId, (quantities.get(variantId) ?? 0) + quantity);
  const changed = cart.lines.flatMap((line) => {
    const taken = quantities.get(line.variantId);
    return taken ? [{ ...line, quantity: Math.max(line.quantity - taken, 0) }] : [];
  });
  if (changed.length === 0) return;
  await setLines(tx, changed);
  await touchCart(tx, cart);
}

async function lockWithSuccessor(tx: Transaction, cartId: string): Promise<Cart | undefined> {
  const [cart] = await lockCarts(tx, eq(carts.id, cartId));
  if (cart) return cart;
  const [merged] = await tx.select().from(mergedCarts).where(eq(mergedCarts.guestCartId, cartId));
  return merged && (await lockCarts(tx, eq(carts.ownerId, merged.ownerId)))[0];
}
