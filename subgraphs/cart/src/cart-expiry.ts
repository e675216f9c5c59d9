import {
  affectedRows,
  type Database,
  must,
  now,
  nowPlus,
  type Transaction,
  transaction,
} from '@souk/platform/database';
import { eq, lt } from 'drizzle-orm';
import { deleteCarts } from './cart.ts';
import { carts, mergedCarts } from './tables.ts';

const BATCH = 200;

/** Throws away carts that nobody touched until their time was up. Several processes may do so at once. Gives how many went. */
export async function dropExpiredCarts(db: Database): Promise<number> {
  for (let dropped = 0; ; ) {
    const count = await transaction(db, async (tx) => {
      const expired = await tx
        .select({ id: carts.id })
        .from(carts)
        .where(must(lt(carts.expiresAt, now)))
        .limit(BATCH)
        .for('update', { skipLocked: true });
      await deleteCarts(
        tx,
        expired.map(({ id }) => id),
      );
      return expired.length;
    });
    dropped += count;
    if (count < BATCH) return dropped;
  }
}

const MERGE_MEMORY_DAYS = 30;

/** Forgets where guest carts went, once no order and no client speaks of them any more. */
export async function forgetMerges(db: Database): Promise<number> {
  const longAgo = must(lt(mergedCarts.mergedAt, nowPlus(-MERGE_MEMORY_DAYS * 86_400)));
  return affectedRows(await db.delete(mergedCarts).where(longAgo).limit(1_000));
}

/** Leaves nothing of a user who is gone. */
export async function deleteCartsOf(tx: Transaction, userId: string): Promise<void> {
  const owned = await tx.select({ id: carts.id }).from(carts).where(eq(carts.ownerId, userId)).for('update');
  await deleteCarts(
    tx,
    owned.map(({ id }) => id),
  );
  await tx.delete(mergedCarts).where(eq(mergedCarts.ownerId, userId));
}
