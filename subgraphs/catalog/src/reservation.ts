import {
  affectedRows,
  type Database,
  isDuplicateKey,
  must,
  nowPlus,
  type Reader,
  type Transaction,
  transaction,
} from '@souk/platform/database';
import { badUserInput, type Refusal, Refused } from '@souk/platform/errors';
import { newId, parseId } from '@souk/platform/id';
import { wakeRelay } from '@souk/platform/jobs';
import { and, asc, eq, gte, sql } from 'drizzle-orm';
import { availableNow, recordMovements, stockChanged } from './stock.ts';
import { type ReservationLineRow, stockLevels, stockReservationLines, stockReservations } from './tables.ts';
import { readVariantFacts, type VariantFacts } from './variant-facts.ts';

export interface ReservationRequest {
  orderId: string;
  ttlSeconds: number;
  lines: readonly { variantId: string; quantity: number }[];
}

export type ReservationStatus = (typeof stockReservations.$inferSelect)['status'];

export interface Reservation {
  id: string;
  orderId: string;
  expiresAt: Date;
  lines: ReservationLineRow[];
}

const MAX_LINES = 100;
const MAX_QUANTITY = 1_000_000;
const MAX_TTL_SECONDS = 7 * 86_400;

/**
 * Holds stock for an order, all lines or none, and quotes prices. A second call for the same order returns the same reservation.
 *
 * Stock is taken by one conditional statement for each variant, in id order, so it is exact however many ask at once and nobody waits in a circle.
 *
 * @throws {Refused} INSUFFICIENT_STOCK, VARIANT_UNAVAILABLE and NOT_FOUND, one for each line at fault; INVALID when the order held other lines or has let go
 */
export async function reserve(db: Database, request: ReservationRequest): Promise<{ reservation: Reservation }> {
  const orderId = parseId('Order', request.orderId);
  const quantities = sumByVariant(request);
  const known = await readReservation(db, orderId);
  if (known) return { reservation: sameReservation(known, quantities) };

  // Most of a rush comes for what is gone already, and is sent away here without touching a lock.
  refuse(missing(await readVariantFacts(db, { variantIds: [...quantities.keys()] }), quantities));
  try {
    await transaction(db, (tx) => hold(tx, orderId, request.ttlSeconds, quantities));
  } catch (error) {
    // The same order's other call was faster.
    if (!isDuplicateKey(error, 'PRIMARY')) throw error;
  }
  wakeRelay(db);
  const made = await readReservation(db, orderId);
  if (!made) throw new TypeError('Expected the reservation that was just made.');
  return { reservation: sameReservation(made, quantities) };
}

/** Why a variant cannot be held. */
export interface MissingStock extends Refusal {
  code: 'NOT_FOUND' | 'VARIANT_UNAVAILABLE' | 'INSUFFICIENT_STOCK';
  variantId: string;
  /** How many could be had, with INSUFFICIENT_STOCK. */
  available?: number;
}

const MAX_LOOKED_AT = 5_000;

/** Why not even one piece of these variants could be held, for those of which that is so. */
export async function findMissing(db: Database, ids: readonly string[]): Promise<MissingStock[]> {
  if (ids.length > MAX_LOOKED_AT) throw badUserInput(`Expected at most ${MAX_LOOKED_AT} variants, got ${ids.length}.`);
  const variantIds = ids.map((id) => parseId('ProductVariant', id));
  return missing(await readVariantFacts(db, { variantIds }), new Map(variantIds.map((id) => [id, 1])));
}

/** Quantities by variant, sorted by id: lines of one variant are one. */
function sumByVariant({ lines, ttlSeconds }: ReservationRequest): Map<string, number> {
  if (lines.length < 1 || lines.length > MAX_LINES) {
    throw badUserInput(`Expected 1 to ${MAX_LINES} lines, got ${lines.length}.`);
  }
  if (ttlSeconds < 1 || ttlSeconds > MAX_TTL_SECONDS) {
    throw badUserInput(`Expected to hold for 1 to ${MAX_TTL_SECONDS} seconds, got ${ttlSeconds}.`);
  }
  const quantities = new Map<string, number>();
  for (const { variantId, quantity } of lines) {
    if (quantity < 1 || quantity > MAX_QUANTITY) {
      throw badUserInput(`Expected a quantity from 1 to ${MAX_QUANTITY}, got ${quantity}.`);
    }
    const id = parseId('ProductVariant', variantId);
    quantities.set(id, (quantities.get(id) ?? 0) + quantity);
  }
  return new Map([...quantities].sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function hold(tx: Transaction, orderId: string, ttlSeconds: number, quantities: ReadonlyMap<string, number>) {
  await tx
    .insert(stockReservations)
    .values({ orderId, id: newId('StockReservation'), status: 'HELD', expiresAt: nowPlus(ttlSeconds) });
  const short = new Set<string>();
  for (const [variantId, quantity] of quantities) {
    const held = await tx
      .update(stockLevels)
      .set({ reserved: sql`${stockLevels.reserved} + ${quantity}` })
      .where(must(and(eq(stockLevels.variantId, variantId), gte(availableNow, quantity))));
    if (affectedRows(held) === 0) short.add(variantId);
  }
  // Read after the locks: nobody takes the variants off sale before this commits, and the price quoted is the price now.
  const facts = await readVariantFacts(tx, { variantIds: [...quantities.keys()] });
  refuse(missing(facts, quantities, short));

  const lines = [...facts.values()].map((fact) => ({
    orderId,
    variantId: fact.variantId,
    quantity: quantities.get(fact.variantId) ?? 0,
    unitPriceMinor: BigInt(fact.priceMinor),
    currencyCode: fact.currencyCode,
    title: fact.title,
    sku: fact.sku,
  }));
  await tx.insert(stockReservationLines).values(lines);
  await recordMovements(tx, 'RESERVED', lines);
  await stockChanged(tx, new Map([...quantities].map(([id, quantity]) => [id, -quantity])), facts);
}

/**
 * @param short variants that could not be held, in a transaction that did hold the others: their `available` already lacks what it took.
 *   Undefined before anything was tried.
 */
function missing(
  facts: ReadonlyMap<string, VariantFacts>,
  quantities: ReadonlyMap<string, number>,
  short?: ReadonlySet<string>,
): MissingStock[] {
  return [...quantities].flatMap(([variantId, quantity]): MissingStock[] => {
    const fact = facts.get(variantId);
    if (!fact) return [{ code: 'NOT_FOUND', message: 'There is no such variant.', variantId }];
    const { title, available } = fact;
    if (!fact.isSellable) return [{ code: 'VARIANT_UNAVAILABLE', message: `${title} is not on sale.`, variantId }];
    if (short ? !short.has(variantId) : available >= quantity) return [];
    const message = available > 0 ? `Only ${available} of ${title} are left.` : `${title} is sold out.`;
    return [{ code: 'INSUFFICIENT_STOCK', message, variantId, available }];
  });
}

function refuse(refusals: readonly Refusal[]): void {
  if (refusals.length > 0) throw new Refused(refusals);
}

type StoredReservation = Reservation & { status: ReservationStatus };

async function readReservation(reader: Reader, orderId: string): Promise<StoredReservation | undefined> {
  const [reservation] = await reader.select().from(stockReservations).where(eq(stockReservations.orderId, orderId));
  return reservation && { ...reservation, lines: await readLines(reader, orderId) };
}

export function readLines(reader: Reader, orderId: string): Promise<ReservationLineRow[]> {
  return reader
    .select()
    .from(stockReservationLines)
    .where(eq(stockReservationLines.orderId, orderId))
    .orderBy(asc(stockReservationLines.variantId));
}

function sameReservation(known: StoredReservation, quantities: ReadonlyMap<string, number>): Reservation {
  if (known.status === 'RELEASED' || known.status === 'RETURNED') {
    throw new Refused([{ code: 'INVALID', message: 'This order has let go of its stock. Place a new one.' }]);
  }
  const isSame =
    known.lines.length === quantities.size &&
    known.lines.every(({ variantId, quantity }) => quantities.get(variantId) === quantity);
  if (!isSame) throw new Refused([{ code: 'INVALID', message: 'This order holds other lines already.' }]);
  return known;
}
