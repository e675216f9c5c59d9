import { type Refusal, Refused, refuse } from '@souk/platform/errors';
import { type Amount, type Money, money, parseMoney, sum, times } from '@souk/platform/money';
import type { OrderWish, WantedLine } from './order-wish.ts';

/** A cart as its service tells it. */
export interface CartFacts {
  id: string;
  version: number;
  currencyCode: string;
  note?: string | null | undefined;
  lines: {
    nodes: {
      id: string;
      quantity: number;
      isSelected: boolean;
      variant?: { id: string } | null | undefined;
      unitPrice: Money;
    }[];
  };
}

/** What is to be ordered, before anybody has said what it costs. */
export interface Basket {
  cart: { id: string; version: number; currencyCode: string; note: string | null } | null;
  lines: (WantedLine & { shownPrice: Amount | null })[];
}

/** What the catalog says about a line that it holds. */
export interface QuotedLine {
  variantId: string;
  quantity: number;
  title: string;
  sku: string;
  unitPrice: Money;
}

/** An order with its prices, before it is placed. */
export interface Draft {
  currencyCode: string;
  lines: { variantId: string; title: string; sku: string; quantity: number; unitPriceMinor: bigint }[];
  subtotalMinor: bigint;
  shippingMinor: bigint;
  taxMinor: bigint;
  totalMinor: bigint;
}

/**
 * The lines of a cart that are to be ordered: the selected ones, or those the customer named.
 *
 * @throws {Refused} CART_CHANGED, CART_EMPTY, NOT_FOUND (a named line), VARIANT_UNAVAILABLE
 */
export function basketOf(cart: CartFacts, source: { cartVersion: number | null; lineIds: string[] | null }): Basket {
  const { id, version, currencyCode, note = null } = cart;
  if (source.cartVersion !== null && source.cartVersion !== version) {
    const message = `The cart is at version ${version}, no longer at ${source.cartVersion}. Show it again.`;
    refuse('CART_CHANGED', message, { field: ['input', 'cartVersion'] });
  }
  const refusals: Refusal[] = [];
  const named = source.lineIds && new Set(source.lineIds);
  for (const [index, lineId] of (source.lineIds ?? []).entries()) {
    if (cart.lines.nodes.some((line) => line.id === lineId)) continue;
    const field = ['input', 'lineIds', String(index)];
    refusals.push({ code: 'NOT_FOUND', field, message: 'The cart has no such line.' });
  }
  const chosen = cart.lines.nodes.filter((line) => (named ? named.has(line.id) : line.isSelected));
  const lines = chosen.flatMap(({ variant, quantity, unitPrice }) => {
    const field = ['input', 'cartId'];
    if (variant) return [{ variantId: variant.id, quantity, field, shownPrice: parseMoney(unitPrice) }];
    refusals.push({ code: 'VARIANT_UNAVAILABLE', field, message: 'A line of the cart is no longer sold. Remove it.' });
    return [];
  });
  if (refusals.length > 0) throw new Refused(refusals);
  if (lines.length === 0) refuse('CART_EMPTY', 'The cart has no selected line.', { field: ['input', 'cartId'] });
  return { cart: { id, version, currencyCode, note }, lines };
}

/**
 * Adds up what the catalog quoted, and compares it with what the customer has seen: the total they sent, or else the prices in the cart.
 *
 * @throws {Refused} CURRENCY_MISMATCH, PRICE_CHANGED with the current total
 */
export function draftOf(
  basket: Basket,
  quote: readonly QuotedLine[],
  expectedTotal: OrderWish['expectedTotal'],
): Draft {
  const quoted = new Map(quote.map((line) => [line.variantId, line]));
  const lines = basket.lines.map(({ variantId, quantity, field, shownPrice }) => {
    const line = quoted.get(variantId);
    if (!line || line.quantity !== quantity) throw new Error(`Expected a quote for ${quantity} of ${variantId}.`);
    return {
      variantId,
      title: line.title,
      sku: line.sku,
      quantity,
      price: parseMoney(line.unitPrice),
      field,
      shownPrice,
    };
  });
  const currencyCode = oneCurrency([...lines.map((line) => line.price), basket.cart, expectedTotal]);

  const subtotalMinor = sum(lines.map((line) => times(line.price.amountMinor, line.quantity)));
  // The shop sends for free, and its prices include tax. A shop that does not says so here, and in the estimate of the cart.
  const [shippingMinor, taxMinor] = [0n, 0n];
  const totalMinor = subtotalMinor + shippingMinor + taxMinor;

  const currentTotal = money(totalMinor, currencyCode);
  if (expectedTotal && expectedTotal.amountMinor !== totalMinor) {
    const message = `The order costs ${currentTotal.amount} ${currencyCode} now.`;
    refuse('PRICE_CHANGED', message, { field: ['input', 'expectedTotal'], currentTotal });
  }
  const surprises = lines.filter(({ price, shownPrice }) => shownPrice && shownPrice.amountMinor !== price.amountMinor);
  if (!expectedTotal && surprises.length > 0) {
    throw new Refused(
      surprises.map(({ variantId, field, price }) => {
        const message = `The price is now ${money(price.amountMinor, currencyCode).amount} ${currencyCode}.`;
        return { code: 'PRICE_CHANGED', field, variantId, message, currentTotal };
      }),
    );
  }
  return {
    currencyCode,
    lines: lines.map(({ variantId, title, sku, quantity, price }) => {
      return { variantId, title, sku, quantity, unitPriceMinor: price.amountMinor };
    }),
    subtotalMinor,
    shippingMinor,
    taxMinor,
    totalMinor,
  };
}

function oneCurrency(priced: readonly ({ currencyCode: string } | null)[]): string {
  const [code, ...others] = new Set(priced.flatMap((each) => (each ? [each.currencyCode] : [])));
  if (code !== undefined && others.length === 0) return code;
  const message = `Expected all prices in one currency, got ${[code, ...others].join(' and ')}.`;
  return refuse('CURRENCY_MISMATCH', message);
}
