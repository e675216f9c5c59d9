import { type Database, must, now, nowPlus, type Reader, transaction } from '@souk/platform/database';
import { refuse } from '@souk/platform/errors';
import { and, eq, lt, sql } from 'drizzle-orm';
import { hashToken } from './secret-token.ts';
import { isTrue } from './sql-truth.ts';
import { type AttemptKind, attempts } from './tables.ts';

/** How many tries are free; from then on each one makes the next wait twice as long. */
const policies: Record<AttemptKind, { free: number; firstWaitSeconds: number; longestWaitSeconds: number }> = {
  CREDENTIALS: { free: 5, firstWaitSeconds: 2, longestWaitSeconds: 15 * 60 },
  RESET_PASSWORD: { free: 3, firstWaitSeconds: 60, longestWaitSeconds: 60 * 60 },
  VERIFY_EMAIL: { free: 3, firstWaitSeconds: 60, longestWaitSeconds: 60 * 60 },
};

/** After a day without a try everything is forgotten. */
const MEMORY_SECONDS = 86_400;

/**
 * Counts a try *before* it is made, so that a thousand at once are no way round the limit. Known and unknown accounts are counted alike,
 * so the answer does not tell which is which.
 *
 * @throws {Refused} RATE_LIMITED with `retryAfterMs` when it comes too early
 */
export async function takeAttempt(db: Database, kind: AttemptKind, emailKey: string): Promise<void> {
  const { free, firstWaitSeconds, longestWaitSeconds } = policies[kind];
  const mine = of(kind, emailKey);
  await transaction(db, async (tx) => {
    await tx
      .insert(attempts)
      .values({ kind, subject: hashToken(emailKey), count: 0, blockedUntil: now, lastAt: now })
      .onDuplicateKeyUpdate({ set: { count: sql`${attempts.count}` } });
    const [row] = await tx
      .select({
        count: attempts.count,
        waitMs: sql`TIMESTAMPDIFF(MICROSECOND, ${now}, ${attempts.blockedUntil}) DIV 1000`.mapWith(Number),
        forgotten: sql`${attempts.lastAt} < ${nowPlus(-MEMORY_SECONDS)}`.mapWith(isTrue),
      })
      .from(attempts)
      .where(mine)
      .for('update');
    if (!row) return;
    if (row.waitMs > 0) {
      refuse('RATE_LIMITED', `Too many attempts for this account. Wait ${Math.ceil(row.waitMs / 1000)} seconds.`, {
        retryAfterMs: row.waitMs,
      });
    }
    const count = row.forgotten ? 1 : row.count + 1;
    const waitSeconds = count < free ? 0 : Math.min(firstWaitSeconds * 2 ** (count - free), longestWaitSeconds);
    await tx
      .update(attempts)
      .set({ count, blockedUntil: nowPlus(waitSeconds), lastAt: now })
      .where(mine);
  });
}

/** Starts counting anew, because the account's owner has proved to be it. */
export async function forgetAttempts(db: Reader, kind: AttemptKind, emailKey: string): Promise<void> {
  await db.delete(attempts).where(of(kind, emailKey));
}

/** Removes what no longer counts, a slice at a time. */
export async function pruneAttempts(db: Database): Promise<void> {
  await db
    .delete(attempts)
    .where(must(lt(attempts.lastAt, nowPlus(-MEMORY_SECONDS))))
    .limit(1_000);
}

function of(kind: AttemptKind, emailKey: string) {
  return must(and(eq(attempts.kind, kind), eq(attempts.subject, hashToken(emailKey))));
}
