import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { and, eq, lt, sql } from 'drizzle-orm';
import { index, int, json, mysqlTable, primaryKey, varchar } from 'drizzle-orm/mysql-core';
import { controlCharacterFault } from './control-characters.ts';
import {
  affectedRows,
  createdAt,
  type Database,
  exactText,
  instant,
  isDuplicateKey,
  must,
  now,
  nowPlus,
  type Transaction,
} from './database.ts';
import { Refused, refuse, SoukError } from './errors.ts';

/**
 * The memory behind `idempotencyKey`: the same key with the same body gives the stored answer, with another body it is refused.
 *
 * The row is inserted first, so that two requests with one key meet at the unique index instead of deadlocking on a read.
 * Whoever works on it holds a lease; `fence` tells a holder whose lease ran out from the one who took over.
 */
export const idempotencyKeys = mysqlTable(
  'idempotency_keys',
  {
    owner: varchar('owner', { length: 40 }).notNull(),
    operation: varchar('operation', { length: 40 }).notNull(),
    key: exactText('idempotency_key', 128).notNull(),
    fingerprint: varchar('fingerprint', { length: 64 }).notNull(),
    fence: int('fence').notNull().default(1),
    leasedUntil: instant('leased_until').notNull(),
    /** Null until the work is done. */
    answer: json('answer').$type<Record<string, unknown>>(),
    createdAt: createdAt(),
  },
  (table) => [
    primaryKey({ columns: [table.owner, table.operation, table.key] }),
    index('idempotency_keys_by_age').on(table.createdAt),
  ],
);

export interface OnceOnly<Answer> {
  db: Database;
  /** Whose key it is: the acting user's id. */
  owner: string;
  operation: string;
  key: string;
  /** What the key stands for; compared by hash. Leave the key itself out. */
  body: unknown;
  /**
   * Does the work. `fence` is above 1 when an earlier holder began it and vanished: look up what it did before doing it again.
   * `settle(tx, answer)` stores the answer in the transaction of the fact, so that neither exists without the other.
   */
  run(attempt: { fence: number; settle: (tx: Transaction, answer: Answer) => Promise<void> }): Promise<Answer>;
}

const LEASE_SECONDS = 30;
const WAIT_MS = 5_000;

/**
 * Runs work once for each key of an owner and remembers its answer (plain JSON: ids, not entities) for 24 hours.
 * A refusal changed nothing, so it frees the key. A failure frees the lease, and the next request with the key takes over.
 *
 * @throws {Refused} IDEMPOTENCY_KEY_REUSED when the key came with another body; INVALID when the key is empty or too long, or has control characters
 * @throws {SoukError} SUBGRAPH_TIMEOUT, retryable, when another request with the key is still at work
 */
export async function onceOnly<Answer extends Record<string, unknown>>(work: OnceOnly<Answer>): Promise<Answer> {
  const { db, owner, operation, key, run } = work;
  if (key.length < 1 || key.length > 128) {
    refuse('INVALID', `Expected an idempotency key of 1 to 128 characters, got ${key.length}.`, {
      field: ['input', 'idempotencyKey'],
    });
  }
  const fault = controlCharacterFault(key);
  if (fault) refuse('INVALID', fault, { field: ['input', 'idempotencyKey'] });
  const fingerprint = createHash('sha256').update(canonical(work.body)).digest('hex');
  const mine = must(
    and(eq(idempotencyKeys.owner, owner), eq(idempotencyKeys.operation, operation), eq(idempotencyKeys.key, key)),
  );

  const held = await take();
  if ('answer' in held) return held.answer;
  const { fence } = held;
  const stillMine = must(and(mine, eq(idempotencyKeys.fence, fence)));
  const settle = async (tx: Pick<Transaction, 'update'>, answer: Answer) => {
    const settled = affectedRows(await tx.update(idempotencyKeys).set({ answer }).where(stillMine));
    if (settled !== 1)
      throw new SoukError('SUBGRAPH_TIMEOUT', 'Another request with this idempotency key took over. Send it again.', {
        retryable: true,
      });
  };

  const isSettled = async () => {
    const [row] = await db.select({ answer: idempotencyKeys.answer }).from(idempotencyKeys).where(stillMine);
    return Boolean(row?.answer);
  };

  try {
    let wasSettled = false;
    const answer = await run({
      fence,
      settle: async (tx, result) => {
        await settle(tx, result);
        wasSettled = true;
      },
    });
    // What was settled in a transaction stands only where that transaction committed.
    if (!wasSettled || !(await isSettled())) await settle(db, answer);
    return answer;
  } catch (error) {
    const unanswered = must(and(stillMine, sql`${idempotencyKeys.answer} IS NULL`));
    await free(async () => {
      if (error instanceof Refused) await db.delete(idempotencyKeys).where(stillMine);
      else await db.update(idempotencyKeys).set({ leasedUntil: now }).where(unanswered);
    });
    throw error;
  }

  async function take(): Promise<{ fence: number } | { answer: Answer }> {
    for (const deadline = Date.now() + WAIT_MS; ; await delay(100)) {
      try {
        await db
          .insert(idempotencyKeys)
          .values({ owner, operation, key, fingerprint, leasedUntil: nowPlus(LEASE_SECONDS) });
        return { fence: 1 };
      } catch (error) {
        if (!isDuplicateKey(error, 'PRIMARY')) throw error;
      }
      const [row] = await db
        .select({ row: idempotencyKeys, expired: sql<number>`${idempotencyKeys.leasedUntil} <= ${now}` })
        .from(idempotencyKeys)
        .where(mine);
      if (!row) continue;
      if (row.row.fingerprint !== fingerprint) {
        refuse(
          'IDEMPOTENCY_KEY_REUSED',
          'This idempotency key was used for another request. Use a new key for a new request.',
          {
            field: ['input', 'idempotencyKey'],
          },
        );
      }
      if (row.row.answer) return { answer: row.row.answer as Answer };
      if (Number(row.expired) === 1) {
        const taken = await db
          .update(idempotencyKeys)
          .set({ fence: sql`${idempotencyKeys.fence} + 1`, leasedUntil: nowPlus(LEASE_SECONDS) })
          .where(must(and(mine, eq(idempotencyKeys.fence, row.row.fence), sql`${idempotencyKeys.answer} IS NULL`)));
        if (affectedRows(taken) === 1) return { fence: row.row.fence + 1 };
      }
      if (Date.now() > deadline) {
        throw new SoukError(
          'SUBGRAPH_TIMEOUT',
          'A request with this idempotency key is still at work. Send it again with the same key.',
          {
            retryable: true,
            retryAfterMs: 1_000,
          },
        );
      }
    }
  }
}

const FREE_AGAIN_MS = 500;

/** A store that is away cannot free a key now. It is asked again until the lease is over anyway, so that nobody waits for that; the caller does not. */
async function free(once: () => Promise<void>): Promise<void> {
  const leaseEndsAt = Date.now() + LEASE_SECONDS * 1_000;
  const again = async () => {
    await delay(FREE_AGAIN_MS, undefined, { ref: false });
    if (Date.now() < leaseEndsAt) await once().catch(again);
  };
  await once().catch(() => void again());
}

/** JSON text that does not depend on the order of keys, so that equal bodies have equal fingerprints. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === 'bigint') return part.toString();
    if (part === null || typeof part !== 'object' || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([left], [right]) => (left < right ? -1 : 1)));
  });
}

/** Forgets answers older than `hours`, a slice at a time. */
export async function pruneIdempotencyKeys(db: Database, hours = 24): Promise<number> {
  const result = await db
    .delete(idempotencyKeys)
    .where(must(lt(idempotencyKeys.createdAt, nowPlus(-hours * 3_600))))
    .limit(1_000);
  return affectedRows(result);
}
