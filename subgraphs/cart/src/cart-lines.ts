import { affectedRows, type Database } from '@souk/platform/database';
import { type Refusal, Refused, refuse } from '@souk/platform/errors';
import { parseId } from '@souk/platform/id';
import { and, eq, inArray } from 'drizzle-orm';
import { type Cart, type CartLine, changeCart, MAX_LINES, setLines } from './cart.ts';
import { type Objection, objectionTo, objectionToQuantity } from './prices.ts';
import { cartLines } from './tables.ts';

/** The new state of a line; absent values stay. */
export interface LineUpdate {
  lineId: string;
  quantity?: number | null | undefined;
  isSelected?: boolean | null | undefined;
}

/** Sets quantities (0 removes the line) and selects or deselects lines, all or nothing. */
export function updateLines(
  db: Database,
  viewerId: string | null,
  input: { cartId: string; lines: readonly LineUpdate[]; expectedVersion?: number | null | undefined },
): Promise<{ cart: Cart }> {
  const { cartId, lines, expectedVersion } = input;
  checkLineIds(
    lines.map(({ lineId }) => lineId),
    ['input', 'lines'],
  );
  return changeCart(db, { cartId, viewerId, field: ['input', 'cartId'] }, async (tx, cart) => {
    if (typeof expectedVersion === 'number' && expectedVersion !== cart.version) {
      const message = `The cart is at version ${cart.version} by now, not ${expectedVersion}. Look at it again.`;
      refuse('STALE_VERSION', message, { field: ['input', 'expectedVersion'] });
    }
    const changed = applyUpdates(cart, lines);
    await setLines(tx, changed);
    return changed.length > 0;
  });
}

/** Takes lines out of a cart; those that are gone already are no error. */
export function removeLines(
  db: Database,
  viewerId: string | null,
  { cartId, lineIds }: { cartId: string; lineIds: readonly string[] },
): Promise<{ cart: Cart }> {
  checkLineIds(lineIds, ['input', 'lineIds']);
  return changeCart(db, { cartId, viewerId, field: ['input', 'cartId'] }, async (tx, cart) => {
    if (lineIds.length === 0) return false;
    const ofThisCart = and(eq(cartLines.cartId, cart.id), inArray(cartLines.id, [...lineIds]));
    return affectedRows(await tx.delete(cartLines).where(ofThisCart)) > 0;
  });
}

/** Takes everything out of a cart. */
export function clearCart(db: Database, viewerId: string | null, cartId: string): Promise<{ cart: Cart }> {
  return changeCart(db, { cartId, viewerId, field: ['cartId'] }, async (tx, cart) => {
    return affectedRows(await tx.delete(cartLines).where(eq(cartLines.cartId, cart.id))) > 0;
  });
}

function checkLineIds(lineIds: readonly string[], field: string[]): void {
  if (lineIds.length > MAX_LINES) {
    refuse('INVALID', `Expected at most ${MAX_LINES} lines, got ${lineIds.length}.`, { field });
  }
  for (const lineId of lineIds) parseId('CartLine', lineId);
  if (new Set(lineIds).size < lineIds.length) refuse('INVALID', 'Expected each line once, got one twice.', { field });
}

/** The lines that the updates really change, as they shall be. */
function applyUpdates(cart: Cart, updates: readonly LineUpdate[]): CartLine[] {
  const present = new Map(cart.lines.map((line) => [line.id, line]));
  const refusals: Refusal[] = [];
  const changed: CartLine[] = [];
  for (const [index, { lineId, quantity, isSelected }] of updates.entries()) {
    const path = ['input', 'lines', String(index)];
    const line = present.get(lineId);
    if (!line) {
      refusals.push({ code: 'LINE_NOT_FOUND', message: 'The cart has no such line.', field: [...path, 'lineId'] });
      continue;
    }
    const next = { ...line, quantity: quantity ?? line.quantity, isSelected: isSelected ?? line.isSelected };
    const objection = next.quantity === line.quantity ? null : objectionToChange(next);
    if (objection) refusals.push({ ...objection, field: [...path, 'quantity'], variantId: line.variantId });
    else if (next.quantity !== line.quantity || next.isSelected !== line.isSelected) changed.push(next);
  }
  if (refusals.length > 0) throw new Refused(refusals);
  return changed;
}

/** Whatever is in the cart may be taken out of it; a quantity that stays must be one that could be added today. */
function objectionToChange({ quantity, facts, cart }: CartLine): Objection | null {
  if (quantity === 0) return null;
  return objectionToQuantity(quantity) ?? objectionTo(quantity, facts, cart.currencyCode);
}
