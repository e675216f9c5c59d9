import type { Database, Transaction } from '@souk/platform/database';
import { type Refusal, Refused, refuse } from '@souk/platform/errors';
import { newId, parseId } from '@souk/platform/id';
import { onceOnly } from '@souk/platform/idempotency';
import { eq, sql } from 'drizzle-orm';
import { type Cart, changeCart, isOpenTo, MAX_LINES, readCarts, refuseUnknownCart } from './cart.ts';
import { objectionTo, objectionToQuantity, readFacts } from './prices.ts';
import { cartLines, carts } from './tables.ts';

export interface LineToAdd {
  variantId: string;
  quantity?: number;
}

/** Puts variants into a cart on top of what is there; what several requests add sums up. With a key, a repeated request adds nothing. */
export async function addLines(
  db: Database,
  viewerId: string | null,
  input: { cartId: string; lines: readonly LineToAdd[]; idempotencyKey?: string | null | undefined },
): Promise<{ cart: Cart }> {
  const { cartId, lines, idempotencyKey } = input;
  const hand = { cartId: parseId('Cart', cartId), viewerId, field: ['input', 'cartId'] };
  const additions = checkAdditions(lines);
  if (typeof idempotencyKey !== 'string') return changeCart(db, hand, (tx, cart) => putIn(tx, cart, additions));

  await onceOnly({
    db,
    owner: viewerId ?? cartId,
    operation: 'cartLinesAdd',
    key: idempotencyKey,
    body: { cartId, lines },
    async run({ settle }) {
      await changeCart(db, hand, async (tx, cart) => {
        await settle(tx, { cartId });
        return putIn(tx, cart, additions);
      });
      return { cartId };
    },
  });
  // Between an addition and its repetition the cart may have become somebody's.
  const [cart] = await readCarts(db, eq(carts.id, cartId));
  return cart && isOpenTo(cart, viewerId) ? { cart } : refuseUnknownCart(hand.field);
}

/** What to add: quantities summed by variant, each with the path of its first line in the input. */
export type Additions = ReadonlyMap<string, { quantity: number; path: string[] }>;

/** Checks what can be checked without a cart. */
export function checkAdditions(lines: readonly LineToAdd[]): Additions {
  if (lines.length > MAX_LINES) {
    refuse('INVALID', `Expected at most ${MAX_LINES} lines, got ${lines.length}.`, { field: ['input', 'lines'] });
  }
  const additions = new Map<string, { quantity: number; path: string[] }>();
  const refusals: Refusal[] = [];
  for (const [index, { variantId, quantity = 1 }] of lines.entries()) {
    const path = ['input', 'lines', String(index)];
    if (quantity < 1) {
      const message = `Expected a quantity of at least 1, got ${quantity}.`;
      refusals.push({ code: 'INVALID', message, field: [...path, 'quantity'], variantId });
    }
    const earlier = additions.get(parseId('ProductVariant', variantId));
    additions.set(variantId, { quantity: (earlier?.quantity ?? 0) + quantity, path: earlier?.path ?? path });
  }
  if (refusals.length > 0) throw new Refused(refusals);
  return additions;
}

/**
 * Adds to a locked cart, all or nothing. Says whether anything was added.
 *
 * @throws {Refused} with every objection at once
 */
export async function putIn(
  tx: Transaction,
  cart: Pick<Cart, 'id' | 'currencyCode' | 'lines'>,
  additions: Additions,
): Promise<boolean> {
  if (additions.size === 0) return false;
  const facts = await readFacts(tx, [...additions.keys()]);
  const present = new Map(cart.lines.map((line) => [line.variantId, line.quantity]));
  const refusals: Refusal[] = [];
  for (const [variantId, { quantity, path }] of additions) {
    const total = (present.get(variantId) ?? 0) + quantity;
    const objection = objectionToQuantity(total) ?? objectionTo(total, facts.get(variantId), cart.currencyCode);
    if (objection) refusals.push({ ...objection, field: [...path, objection.about], variantId });
  }
  if (new Set([...present.keys(), ...additions.keys()]).size > MAX_LINES) {
    const message = `A cart holds at most ${MAX_LINES} different variants.`;
    refusals.push({ code: 'CART_TOO_LARGE', message, field: ['input', 'lines'] });
  }
  if (refusals.length > 0) throw new Refused(refusals);

  const rows = [...additions].map(([variantId, { quantity }]) => {
    const addedUnitPriceMinor = facts.get(variantId)?.priceMinor ?? 0n;
    return { id: newId('CartLine'), cartId: cart.id, variantId, quantity, addedUnitPriceMinor };
  });
  await tx
    .insert(cartLines)
    .values(rows)
    .onDuplicateKeyUpdate({ set: { quantity: sql`${cartLines.quantity} + VALUES(${cartLines.quantity})` } });
  return true;
}
