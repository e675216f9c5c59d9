import type { Reader, Transaction } from '@souk/platform/database';
import type { SoukEvent } from '@souk/platform/events';
import { type Money, money, sum, times } from '@souk/platform/money';
import { inArray, sql } from 'drizzle-orm';
import type { AnyMySqlColumn } from 'drizzle-orm/mysql-core';
import { type Cart, type CartLine, MAX_QUANTITY } from './cart.ts';
import { type VariantFacts, variantFacts } from './tables.ts';

/** Prices and availability as this service knows them: its own copy of what the catalog states. The order asks the catalog itself. */

/** Takes in what the catalog states about a variant. A word older than the one already known changes nothing. */
export async function learnVariant(tx: Transaction, event: SoukEvent<'variant.changed'>): Promise<void> {
  const { variantId, title, priceMinor, currencyCode, available, isSellable } = event.payload;
  const ifNewer = (column: AnyMySqlColumn) =>
    sql`IF(VALUES(${variantFacts.statedAt}) >= ${variantFacts.statedAt}, VALUES(${column}), ${column})`;
  await tx
    .insert(variantFacts)
    .values({
      variantId,
      title: title.slice(0, 500),
      priceMinor: BigInt(priceMinor),
      currencyCode,
      available,
      isSellable,
      statedAt: event.occurredAt,
    })
    .onDuplicateKeyUpdate({
      // Assignments are made from left to right, so the instant that the others compare with comes last.
      set: {
        title: ifNewer(variantFacts.title),
        priceMinor: ifNewer(variantFacts.priceMinor),
        currencyCode: ifNewer(variantFacts.currencyCode),
        available: ifNewer(variantFacts.available),
        isSellable: ifNewer(variantFacts.isSellable),
        statedAt: ifNewer(variantFacts.statedAt),
      },
    });
}

/** What is known about variants, by id. */
export async function readFacts(reader: Reader, variantIds: readonly string[]): Promise<Map<string, VariantFacts>> {
  if (variantIds.length === 0) return new Map();
  const rows = await reader
    .select()
    .from(variantFacts)
    .where(inArray(variantFacts.variantId, [...variantIds]));
  return new Map(rows.map((facts) => [facts.variantId, facts]));
}

/** Why something cannot be in a cart, and which part of the input is to blame. */
export interface Objection {
  code:
    | 'INVALID'
    | 'QUANTITY_TOO_LARGE'
    | 'VARIANT_NOT_FOUND'
    | 'VARIANT_UNAVAILABLE'
    | 'CURRENCY_MISMATCH'
    | 'INSUFFICIENT_STOCK';
  message: string;
  about: 'variantId' | 'quantity';
  /** How many could be had, with INSUFFICIENT_STOCK. */
  available?: number;
}

/** Why no cart holds this many of a variant; null when one can. */
export function objectionToQuantity(quantity: number): Objection | null {
  if (quantity < 1) {
    return {
      code: 'INVALID',
      about: 'quantity',
      message: `Expected a quantity that is not negative, got ${quantity}.`,
    };
  }
  if (quantity <= MAX_QUANTITY) return null;
  const message = `A cart holds at most ${MAX_QUANTITY} of a variant, and this would make ${quantity}.`;
  return { code: 'QUANTITY_TOO_LARGE', about: 'quantity', message };
}

/** Why so many of a variant cannot be in a cart of this currency now; null when they can. */
export function objectionTo(
  quantity: number,
  facts: VariantFacts | null | undefined,
  currencyCode: string,
): Objection | null {
  if (!facts) {
    const message = 'There is no such variant. If it is brand new, try again in a moment.';
    return { code: 'VARIANT_NOT_FOUND', about: 'variantId', message };
  }
  const { title } = facts;
  if (!facts.isSellable)
    return { code: 'VARIANT_UNAVAILABLE', about: 'variantId', message: `${title} is not on sale.` };
  if (facts.currencyCode !== currencyCode) {
    const message = `${title} is sold in ${facts.currencyCode}, and the cart is in ${currencyCode}.`;
    return { code: 'CURRENCY_MISMATCH', about: 'variantId', message };
  }
  if (quantity <= facts.available) return null;
  const available = Math.max(facts.available, 0);
  const message = `Only ${available} of ${title} can be had, not ${quantity}.`;
  return { code: 'INSUFFICIENT_STOCK', about: 'quantity', message, available };
}

/** What one costs now. Where the shop has no price for it in the cart's currency any more, what it cost when it was added. */
export function unitPriceOf(line: CartLine): Money {
  return money(unitPriceMinor(line), line.cart.currencyCode);
}

export function addedUnitPriceOf(line: CartLine): Money {
  return money(line.addedUnitPriceMinor, line.cart.currencyCode);
}

export function subtotalOf(line: CartLine): Money {
  return money(times(unitPriceMinor(line), line.quantity), line.cart.currencyCode);
}

export interface CartCost {
  subtotal: Money;
  shippingEstimate: Money | null;
  total: Money;
  isEstimated: boolean;
}

/** What the selected lines cost now. What sending costs is decided by the order, so the total is an estimate. */
export function costOf({ lines, currencyCode }: Cart): CartCost {
  const selected = lines.filter(({ isSelected }) => isSelected);
  const subtotal = money(sum(selected.map((line) => times(unitPriceMinor(line), line.quantity))), currencyCode);
  return { subtotal, shippingEstimate: null, total: subtotal, isEstimated: true };
}

export interface CartWarning {
  code: 'PRICE_CHANGED' | 'LOW_STOCK' | 'OUT_OF_STOCK' | 'REMOVED_FROM_CATALOG' | 'MERGED_FROM_GUEST';
  message: string;
  lineId: string | null;
  variantId: string | null;
}

/** What the customer should know about the lines as they stand: at most two warnings each. */
export function warningsOf({ lines }: Cart): CartWarning[] {
  return lines.flatMap((line) => {
    const found = [priceWarning(line), stockWarning(line)];
    return found.flatMap((warning) => (warning ? [{ ...warning, lineId: line.id, variantId: line.variantId }] : []));
  });
}

type Finding = Pick<CartWarning, 'code' | 'message'> | null;

function priceWarning(line: CartLine): Finding {
  if (unitPriceMinor(line) === line.addedUnitPriceMinor) return null;
  const [before, now] = [addedUnitPriceOf(line).amount, unitPriceOf(line).amount];
  const message = `${titleOf(line)} costs ${now} ${line.cart.currencyCode} now; it was ${before} when you added it.`;
  return { code: 'PRICE_CHANGED', message };
}

/** From here down the shop says how few are left. */
const FEW = 5;

function stockWarning(line: CartLine): Finding {
  const { facts, quantity } = line;
  if (!isOnSale(line) || !facts)
    return { code: 'REMOVED_FROM_CATALOG', message: `${titleOf(line)} is no longer sold.` };
  if (facts.available <= 0) return { code: 'OUT_OF_STOCK', message: `${titleOf(line)} is sold out.` };
  if (facts.available > FEW && facts.available >= quantity) return null;
  return { code: 'LOW_STOCK', message: `Only ${facts.available} of ${titleOf(line)} are left.` };
}

function unitPriceMinor({ facts, cart, addedUnitPriceMinor }: CartLine): bigint {
  return facts?.currencyCode === cart.currencyCode ? facts.priceMinor : addedUnitPriceMinor;
}

function isOnSale({ facts, cart }: CartLine): boolean {
  return facts?.isSellable === true && facts.currencyCode === cart.currencyCode;
}

/** How to speak of a line to its customer. */
export function titleOf({ facts }: CartLine): string {
  return facts?.title ?? 'This article';
}
