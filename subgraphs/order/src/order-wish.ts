import { type Refusal, Refused } from '@souk/platform/errors';
import { parseId } from '@souk/platform/id';
import { type Amount, type Money, parseMoney } from '@souk/platform/money';
import { typedText } from '@souk/platform/typed-text';
import { type PostalAddress, type PostalAddressInput, typedAddress } from './postal-address.ts';

/** The longest note or message. */
export const MAX_REMARK_LENGTH = 500;
/** How many different variants one order holds at most, and how many of each. */
export const MAX_LINES = 100;
export const MAX_QUANTITY = 999;

/** What a client sends to place an order. */
export interface OrderPlaceInput {
  cartId?: string | null | undefined;
  cartVersion?: number | null | undefined;
  lineIds?: readonly string[] | null | undefined;
  lines?: readonly { variantId: string; quantity: number }[] | null | undefined;
  expectedTotal?: Money | null | undefined;
  shippingAddressId?: string | null | undefined;
  shippingAddress?: PostalAddressInput | null | undefined;
  email?: string | null | undefined;
  note?: string | null | undefined;
  idempotencyKey: string;
}

/** One variant to be ordered; `field` is where the client named it. */
export interface WantedLine {
  variantId: string;
  quantity: number;
  field: string[];
}

/** The same, read and free of faults that can be seen without asking anybody. */
export interface OrderWish {
  /** From a cart, or one line for each variant to buy without one. */
  source: { cartId: string; cartVersion: number | null; lineIds: string[] | null } | { lines: WantedLine[] };
  /** One of the user's addresses (null: the default one), or one for this order only. */
  destination: { addressId: string | null } | { address: PostalAddress };
  expectedTotal: Amount | null;
  email: string | null;
  note: string | null;
}

/**
 * Reads what somebody wants to order.
 *
 * @throws {Refused} with every fault at once
 * @throws BAD_USER_INPUT on ids of another kind and on amounts that are none
 */
export function readWish(input: OrderPlaceInput): OrderWish {
  const refusals: Refusal[] = [];
  const wish: OrderWish = {
    source: readSource(input, refusals),
    destination: readDestination(input, refusals),
    expectedTotal: input.expectedTotal ? parseMoney(input.expectedTotal) : null,
    email: input.email ?? null,
    note: typedText(
      input.note,
      { field: ['input', 'note'], maximumLength: MAX_REMARK_LENGTH, hasLines: true },
      refusals,
    ),
  };
  if (refusals.length > 0) throw new Refused(refusals);
  return wish;
}

function readSource({ cartId, cartVersion, lineIds, lines }: OrderPlaceInput, refusals: Refusal[]) {
  const invalid = (name: string, message: string) =>
    refusals.push({ code: 'INVALID', field: ['input', name], message });
  if (cartId) {
    if (lines) invalid('lines', 'Expected either cartId or lines, got both.');
    if (lineIds && lineIds.length > MAX_LINES) refusals.push(tooLarge(['input', 'lineIds']));
    return {
      cartId: parseId('Cart', cartId),
      cartVersion: cartVersion ?? null,
      lineIds: lineIds ? lineIds.map((id) => parseId('CartLine', id)) : null,
    };
  }
  if (lineIds) invalid('lineIds', 'Expected cartId beside lineIds: they are lines of a cart.');
  if (typeof cartVersion === 'number') invalid('cartVersion', 'Expected cartId beside cartVersion.');
  if (!lines || lines.length === 0) {
    refusals.push({ code: 'REQUIRED', field: ['input', 'cartId'], message: 'Expected cartId or lines, got neither.' });
  }
  return { lines: readLines(lines ?? [], refusals) };
}

/** Lines of one variant become one, because stock is held once for each variant of an order. */
function readLines(lines: readonly { variantId: string; quantity: number }[], refusals: Refusal[]): WantedLine[] {
  if (lines.length > MAX_LINES) {
    refusals.push(tooLarge(['input', 'lines']));
    return [];
  }
  const wanted = new Map<string, WantedLine>();
  for (const [index, { variantId, quantity }] of lines.entries()) {
    const field = ['input', 'lines', String(index), 'quantity'];
    const line = wanted.get(parseId('ProductVariant', variantId)) ?? { variantId, quantity: 0, field };
    wanted.set(variantId, line);
    line.quantity += quantity;
    if (quantity < 1) {
      refusals.push({
        code: 'INVALID',
        field,
        variantId,
        message: `Expected a quantity of at least 1, got ${quantity}.`,
      });
    } else if (line.quantity > MAX_QUANTITY) {
      const message = `Expected at most ${MAX_QUANTITY} of one variant, got ${line.quantity}.`;
      refusals.push({ code: 'QUANTITY_TOO_LARGE', field, variantId, message });
    }
  }
  return [...wanted.values()];
}

function readDestination({ shippingAddress, shippingAddressId }: OrderPlaceInput, refusals: Refusal[]) {
  if (!shippingAddress) return { addressId: shippingAddressId ? parseId('Address', shippingAddressId) : null };
  if (shippingAddressId) {
    const message = 'Expected either shippingAddressId or shippingAddress, got both.';
    refusals.push({ code: 'INVALID', field: ['input', 'shippingAddressId'], message });
  }
  return { address: typedAddress(shippingAddress, ['input', 'shippingAddress'], refusals) };
}

function tooLarge(field: string[]): Refusal {
  return { code: 'ORDER_TOO_LARGE', field, message: `Expected at most ${MAX_LINES} lines in one order.` };
}
