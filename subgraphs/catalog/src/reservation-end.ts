import {
  affectedRows,
  type Database,
  isDuplicateKey,
  must,
  notSearched,
  nowPlus,
  type Transaction,
  transaction,
} from '@souk/platform/database';
import { newId, parseId } from '@souk/platform/id';
import { wakeRelay } from '@souk/platform/jobs';
import { and, eq, gte, lt, sql } from 'drizzle-orm';
import { type ReservationStatus, readLines } from './reservation.ts';
import { availableNow, countSales, recordMovements, stockChanged } from './stock.ts';
import { type ReservationLineRow, stockLevels, stockReservations } from './tables.ts';

/** How a hold ends. Each way does its work once, however often and in whatever order it is told, and says whether this call did it. */

/** The order is paid: its hold becomes final, and its products count as sold. */
export async function commitHold(tx: Transaction, orderId: string): Promise<boolean> {
  const wasHeld = await advance(tx, orderId, 'HELD', 'COMMITTED');
  const isRetaken = !wasHeld && (await takeAgain(tx, orderId));
  if (!wasHeld && !isRetaken) return false;
  const lines = await readLines(tx, orderId);
  for (const { variantId, quantity } of lines) {
    await changeLevel(tx, variantId, { onHand: -quantity, reserved: wasHeld ? -quantity : 0 });
  }
  await recordMovements(tx, 'COMMITTED', lines);
  await countSales(tx, quantitiesOf(lines));
  if (isRetaken) await stockChanged(tx, quantitiesOf(lines, -1));
  return true;
}

/** The order will not be paid: its hold ends. Told before the hold arrives, it makes sure that it never does. */
export async function releaseHold(tx: Transaction, orderId: string): Promise<boolean> {
  if (!(await advance(tx, orderId, 'HELD', 'RELEASED'))) {
    await refuseLaterHold(tx, orderId);
    return false;
  }
  const lines = await readLines(tx, orderId);
  for (const { variantId, quantity } of lines) await changeLevel(tx, variantId, { reserved: -quantity });
  await recordMovements(tx, 'RELEASED', lines);
  await stockChanged(tx, quantitiesOf(lines));
  return true;
}

/** A paid order was called off: its share returns, and its products were not sold. */
export async function returnShare(tx: Transaction, orderId: string): Promise<boolean> {
  if (!(await advance(tx, orderId, 'COMMITTED', 'RETURNED'))) return false;
  const lines = await readLines(tx, orderId);
  for (const { variantId, quantity } of lines) await changeLevel(tx, variantId, { onHand: quantity });
  await recordMovements(tx, 'RETURNED', lines);
  await countSales(tx, quantitiesOf(lines, -1));
  await stockChanged(tx, quantitiesOf(lines));
  return true;
}

type End = (tx: Transaction, orderId: string) => Promise<boolean>;

/** One of the above as a request of its own. */
export async function endHold(db: Database, orderId: string, end: End): Promise<boolean> {
  const id = parseId('Order', orderId);
  for (;;) {
    try {
      const done = await transaction(db, (tx) => end(tx, id));
      wakeRelay(db);
      return done;
    } catch (error) {
      // The hold arrived between our look and our note that there is none: look again.
      if (!isDuplicateKey(error, 'PRIMARY')) throw error;
    }
  }
}

/** How long a hold outlives its time before it is ended here. Orders end their own holds; this is for one whose order is gone. */
const GRACE_SECONDS = 600;

/** Ends holds that their orders have forgotten, a hundred at a time. */
export async function releaseForgotten(db: Database, graceSeconds = GRACE_SECONDS): Promise<number> {
  const forgotten = await db
    .select({ orderId: stockReservations.orderId })
    .from(stockReservations)
    .where(and(eq(stockReservations.status, 'HELD'), lt(stockReservations.expiresAt, nowPlus(-graceSeconds))))
    .limit(100);
  for (const { orderId } of forgotten) await endHold(db, orderId, releaseHold);
  return forgotten.length;
}

/** Compare-and-set of the status: of all who try, one wins. */
async function advance(
  tx: Transaction,
  orderId: string,
  from: ReservationStatus,
  to: ReservationStatus,
): Promise<boolean> {
  const result = await tx
    .update(stockReservations)
    .set({ status: to })
    .where(must(and(eq(stockReservations.orderId, orderId), eq(notSearched(stockReservations.status), from))));
  return affectedRows(result) === 1;
}

/**
 * An order that was paid although its hold had run out gets its stock after all, as long as nobody else has. Otherwise `changeLevel` fails,
 * and the event is parked where an operator sees it.
 */
async function takeAgain(tx: Transaction, orderId: string): Promise<boolean> {
  const lines = await readLines(tx, orderId);
  return lines.length > 0 && advance(tx, orderId, 'RELEASED', 'COMMITTED');
}

/** An order that is unknown here has let go before it held: the row it would insert is taken. */
async function refuseLaterHold(tx: Transaction, orderId: string): Promise<void> {
  const known = await tx
    .select({ id: stockReservations.id })
    .from(stockReservations)
    .where(eq(stockReservations.orderId, orderId));
  if (known.length > 0) return;
  await tx
    .insert(stockReservations)
    .values({ orderId, id: newId('StockReservation'), status: 'RELEASED', expiresAt: nowPlus(0) });
}

async function changeLevel(
  tx: Transaction,
  variantId: string,
  { onHand = 0, reserved = 0 }: { onHand?: number; reserved?: number },
): Promise<void> {
  const result = await tx
    .update(stockLevels)
    .set({ onHand: sql`${stockLevels.onHand} + ${onHand}`, reserved: sql`${stockLevels.reserved} + ${reserved}` })
    .where(must(and(eq(stockLevels.variantId, variantId), gte(availableNow, reserved - onHand))));
  if (affectedRows(result) !== 1)
    throw new Error(`The stock of ${variantId} does not allow what its reservation says.`);
}

function quantitiesOf(lines: readonly ReservationLineRow[], sign = 1): Map<string, number> {
  return new Map(lines.map(({ variantId, quantity }) => [variantId, quantity * sign]));
}
