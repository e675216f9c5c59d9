import {
  affectedRows,
  type Database,
  isDuplicateKey,
  must,
  notSearched,
  now,
  nowPlus,
  type Transaction,
  transaction,
} from '@souk/platform/database';
import { Refused, refuse, SoukError } from '@souk/platform/errors';
import { newId } from '@souk/platform/id';
import { onceOnly } from '@souk/platform/idempotency';
import type { Logger } from '@souk/platform/logger';
import { and, asc, eq, inArray, lt, lte, type SQL, sql } from 'drizzle-orm';
import { insertOrder, type NewOrder } from './new-order.ts';
import { type Basket, basketOf, draftOf } from './order-draft.ts';
import { type OrderPlaceInput, type OrderWish, readWish } from './order-wish.ts';
import type { Peers, StockRefusal } from './peers.ts';
import type { PostalAddress } from './postal-address.ts';
import { type CheckoutRow, checkouts, orders } from './tables.ts';

/**
 * Placing an order, told whole. Each attempt has an order id from its beginning, and everything done elsewhere is done in its name.
 *
 *   read      the cart or the lines, and the address
 *   look      what was sold out a moment ago is looked at once more, for everybody who wants it
 *   begin     a row in `checkouts`: this attempt is about to hold stock
 *   reserve   the catalog holds the stock and quotes the prices
 *   price     the quote is compared with what the customer has seen
 *   place     order, lines, first event, the end of the attempt and the answer to its idempotency key, in one transaction
 *
 * And when something fails:
 *
 *   read or look refuses          Nothing has happened anywhere; a look that fails says nothing.
 *   reserve is refused            Nothing is held, so nothing is undone.
 *   reserve is not answered       It may hold or not. It is released in any case: a hold that arrives after its release is refused.
 *   price or place refuses        The stock is released.
 *   place's COMMIT goes missing   The row of the attempt says whether it happened: it became PLACED with the order.
 *   releasing fails               The attempt stays UNDOING, and `recoverCheckouts` tries again for ever.
 *   the process dies              Its lease runs out, and `recoverCheckouts` of any instance undoes what it had begun.
 *   the process only slept        Whoever took its lease raised the fence: it can no longer place.
 *
 * A client that lost its answer sends the same key again: it gets the order that was placed, or a new attempt once the old one is undone.
 */
export async function placeOrder(
  desk: CheckoutDesk,
  userId: string,
  input: OrderPlaceInput,
): Promise<{ orderId: string }> {
  const wish = readWish(input);
  const key = input.idempotencyKey;
  const placed = await onceOnly<{ orderId: string }>({
    db: desk.db,
    owner: userId,
    operation: 'orderPlace',
    key,
    body: wish,
    run: async ({ fence, settle }) => {
      if (fence > 1) await undoEarlierAttempts(desk, userId, key);
      const [basket, address] = await Promise.all([readBasket(desk, userId, wish), readAddress(desk, userId, wish)]);
      await look(desk, basket);
      const attempt = await begin(desk, userId, key);
      try {
        const quote = await reserve(desk, attempt, basket);
        const draft = draftOf(basket, quote, wish.expectedTotal);
        await place(desk, attempt, { userId, wish, basket, address, draft }, settle);
      } catch (error) {
        if ((await undo(desk, attempt)) !== 'not ours' || !(await isPlaced(desk, attempt))) throw error;
      }
      return { orderId: attempt.orderId };
    },
  });
  desk.remind(placed.orderId, desk.paymentWindowMs);
  return placed;
}

/** What placing orders needs. */
export interface CheckoutDesk {
  db: Database;
  peers: Omit<Peers, 'close'>;
  logger: Logger;
  /** How long an order waits for its payment. */
  paymentWindowMs: number;
  /** Asks for a look at the order after a while, to let it expire at once. It may be forgotten. */
  remind(orderId: string, delayMs: number): void;
}

/** An attempt as its present holder knows it. */
type Attempt = Pick<CheckoutRow, 'orderId' | 'fence' | 'reached'>;

/** Long enough for every step with its retries, shorter than the lease of an idempotency key. */
const LEASE_SECONDS = 20;
/** A release that failed is tried again after this long. */
const RETRY_SECONDS = 5;
/** The hold outlives the order's time to be paid: an order that ends says so itself, and a payment in the last moment must find its stock. */
const HOLD_GRACE_SECONDS = 300;

async function readBasket({ db, peers }: CheckoutDesk, userId: string, { source }: OrderWish): Promise<Basket> {
  if ('lines' in source) return { cart: null, lines: source.lines.map((line) => ({ ...line, shownPrice: null })) };
  const cart = await peers.readCart(source.cartId, userId);
  if (!cart) refuse('NOT_FOUND', 'There is no such cart, or it is not yours.', { field: ['input', 'cartId'] });
  const basket = basketOf(cart, source);
  const [live] = await db
    .select({ id: orders.id })
    .from(orders)
    .where(must(and(eq(orders.cartId, cart.id), eq(orders.liveCartVersion, cart.version))));
  return live ? alreadyOrdered() : basket;
}

async function readAddress(
  { peers }: CheckoutDesk,
  userId: string,
  { destination }: OrderWish,
): Promise<PostalAddress> {
  if ('address' in destination) return destination.address;
  const { addressId } = destination;
  const address = await peers.readAddress(userId, addressId);
  if (address) return address;
  return addressId
    ? refuse('NOT_FOUND', 'There is no such address, or it is not yours.', { field: ['input', 'shippingAddressId'] })
    : refuse('ADDRESS_REQUIRED', 'Give an address, or set a default one.', { field: ['input', 'shippingAddress'] });
}

async function look({ peers }: CheckoutDesk, basket: Basket): Promise<void> {
  const refusals = await peers.lookForSoldOut(basket.lines.map(({ variantId }) => variantId));
  if (refusals.length > 0) refuseForStock(basket, refusals);
}

/** Commits the intent before the deed: from here on, whoever finds the row knows what may have been done. */
async function begin({ db }: CheckoutDesk, userId: string, idempotencyKey: string): Promise<Attempt> {
  const attempt = { orderId: newId('Order'), fence: 1, reached: 'RESERVE_STOCK' };
  const leasedUntil = nowPlus(LEASE_SECONDS);
  await db.insert(checkouts).values({ ...attempt, userId, idempotencyKey, state: 'RUNNING', leasedUntil });
  return attempt;
}

async function reserve({ db, peers, paymentWindowMs }: CheckoutDesk, attempt: Attempt, basket: Basket) {
  const { quote, refusals } = await peers.reserveStock({
    orderId: attempt.orderId,
    ttlSeconds: Math.ceil(paymentWindowMs / 1_000) + HOLD_GRACE_SECONDS,
    lines: basket.lines.map(({ variantId, quantity }) => ({ variantId, quantity })),
  });
  if (quote) return quote;
  const ended = await db.update(checkouts).set({ state: 'UNDONE' }).where(held(attempt, 'RUNNING'));
  if (affectedRows(ended) !== 1) leaseLost();
  return refuseForStock(basket, refusals);
}

/** Names the lines at fault as the client has named them. */
function refuseForStock({ lines }: Basket, refusals: readonly StockRefusal[]): never {
  throw new Refused(
    refusals.map(({ code, message, variantId, available }) => {
      const field = lines.find((line) => line.variantId === variantId)?.field ?? ['input'];
      return { code: stockCodes[code] ?? 'VARIANT_UNAVAILABLE', field, message, variantId, available };
    }),
  );
}

const stockCodes: Record<string, string> = { INSUFFICIENT_STOCK: 'INSUFFICIENT_STOCK', INVALID: 'INVALID' };

async function place(
  desk: CheckoutDesk,
  attempt: Attempt,
  order: NewOrder,
  settle: (tx: Transaction, answer: { orderId: string }) => Promise<void>,
): Promise<void> {
  const { orderId } = attempt;
  try {
    await transaction(desk.db, async (tx) => {
      const ended = await tx.update(checkouts).set({ state: 'PLACED' }).where(held(attempt, 'RUNNING'));
      if (affectedRows(ended) !== 1) leaseLost();
      await insertOrder(tx, orderId, order, desk.paymentWindowMs);
      await settle(tx, { orderId });
    });
  } catch (error) {
    if (isDuplicateKey(error, 'orders_live_by_cart')) alreadyOrdered();
    // Two orders drew the same number, which hardly ever happens: with the transaction rolled back, draw again.
    if (isDuplicateKey(error, 'orders_by_number')) return place(desk, attempt, order, settle);
    throw error;
  }
}

function leaseLost(): never {
  const message = 'Placing the order took too long and was undone. Send it again with the same key.';
  throw new SoukError('SUBGRAPH_TIMEOUT', message, { retryable: true });
}

function alreadyOrdered(): never {
  refuse('CART_ALREADY_ORDERED', 'The cart at this version has been ordered already.', { field: ['input', 'cartId'] });
}

/** What each step does elsewhere is taken back by this. A new step is a line here and one in the story above. */
const undoSteps = [
  { step: 'RESERVE_STOCK', undo: ({ peers }: CheckoutDesk, orderId: string) => peers.releaseStock(orderId) },
];

/**
 * Undoes what an attempt has or may have done, last step first. What cannot be undone now is left to `recoverCheckouts`.
 *
 * @returns what came of it; `not ours` when it was placed, or taken over
 */
async function undo(desk: CheckoutDesk, attempt: Attempt): Promise<'undone' | 'to be tried again' | 'not ours'> {
  const { db, logger } = desk;
  const { orderId, reached } = attempt;
  const taken = await db
    .update(checkouts)
    .set({ state: 'UNDOING', leasedUntil: nowPlus(RETRY_SECONDS) })
    .where(held(attempt, 'RUNNING', 'UNDOING'));
  if (affectedRows(taken) !== 1) return 'not ours';
  try {
    const last = undoSteps.findIndex(({ step }) => step === reached);
    for (const { undo: takeBack } of undoSteps.slice(0, last + 1).reverse()) await takeBack(desk, orderId);
    await db.update(checkouts).set({ state: 'UNDONE' }).where(held(attempt, 'UNDOING'));
    return 'undone';
  } catch (error) {
    logger.warn({ err: error, orderId }, 'a checkout is not undone yet and will be tried again');
    return 'to be tried again';
  }
}

/**
 * The key's lease was given to this request, so whatever an earlier one left unfinished is this one's to undo. Until that is done nothing new is
 * begun: it would be refused for want of the very stock that the earlier one still holds.
 */
async function undoEarlierAttempts(desk: CheckoutDesk, userId: string, idempotencyKey: string): Promise<void> {
  const mine = and(eq(checkouts.userId, userId), eq(checkouts.idempotencyKey, idempotencyKey));
  for (const attempt of await takeOver(desk.db, must(mine))) {
    if ((await undo(desk, attempt)) === 'undone') continue;
    const message = 'An earlier try to place this order is still being undone. Send it again with the same key.';
    throw new SoukError('SUBGRAPH_TIMEOUT', message, { retryable: true, retryAfterMs: 1_000 });
  }
}

const RECOVERY_BATCH = 20;

/** Takes over the attempts whose holder vanished or could not undo them, and undoes them. Safe in several instances at once. */
export async function recoverCheckouts(desk: CheckoutDesk): Promise<number> {
  const stale = await takeOver(desk.db, lte(checkouts.leasedUntil, now));
  await Promise.all(stale.map((attempt) => undo(desk, attempt)));
  return stale.length;
}

/** Raises the fence of unfinished attempts, so that their former holders can do nothing more. */
function takeOver(db: Database, which: SQL): Promise<Attempt[]> {
  return transaction(db, async (tx) => {
    const rows = await tx
      .select()
      .from(checkouts)
      .where(and(inArray(checkouts.state, ['RUNNING', 'UNDOING']), which))
      .orderBy(asc(checkouts.leasedUntil))
      .limit(RECOVERY_BATCH)
      .for('update', { skipLocked: true });
    if (rows.length === 0) return [];
    const orderIds = rows.map((row) => row.orderId);
    await tx
      .update(checkouts)
      .set({ state: 'UNDOING', fence: sql`${checkouts.fence} + 1`, leasedUntil: nowPlus(LEASE_SECONDS) })
      .where(inArray(checkouts.orderId, orderIds));
    return rows.map(({ orderId, fence, reached }) => ({ orderId, fence: fence + 1, reached }));
  });
}

/** The attempt, as long as it is in one of these states and nobody took it over. */
function held({ orderId, fence }: Attempt, ...states: CheckoutRow['state'][]): SQL {
  return must(
    and(eq(checkouts.orderId, orderId), eq(checkouts.fence, fence), inArray(notSearched(checkouts.state), states)),
  );
}

async function isPlaced({ db }: CheckoutDesk, { orderId }: Attempt): Promise<boolean> {
  const [row] = await db.select({ state: checkouts.state }).from(checkouts).where(eq(checkouts.orderId, orderId));
  return row?.state === 'PLACED';
}

/** Forgets attempts that ended more than `days` ago, a slice at a time. */
export async function pruneCheckouts(db: Database, days = 7): Promise<number> {
  const ended = inArray(checkouts.state, ['PLACED', 'UNDONE']);
  const result = await db
    .delete(checkouts)
    .where(must(and(ended, lt(checkouts.updatedAt, nowPlus(-days * 86_400)))))
    .limit(1_000);
  return affectedRows(result);
}
