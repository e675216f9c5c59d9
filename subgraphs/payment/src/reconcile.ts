import { setTimeout as delay } from 'node:timers/promises';
import {
  affectedRows,
  type Database,
  isDuplicateKey,
  must,
  now,
  nowPlus,
  type Reader,
  transaction,
} from '@souk/platform/database';
import { badUserInput, refuse } from '@souk/platform/errors';
import { newId } from '@souk/platform/id';
import type { Logger } from '@souk/platform/logger';
import { and, asc, desc, eq, inArray, lte, sql } from 'drizzle-orm';
import { type Comparison, compare, type Span } from './comparison.ts';
import { ProviderFailure, type ProviderName, type Providers } from './providers/provider.ts';
import { nextTry } from './retry.ts';
import {
  type ReconciliationMismatchRow,
  type ReconciliationRow,
  reconciliationMismatches,
  reconciliations,
} from './tables.ts';

/**
 * When a day is compared with a provider's own record: every night, and when staff ask. The wish is a row; whoever takes its lease does the work, and
 * takes it over when the one before has vanished. Done twice it does nothing twice: see comparison.ts.
 */

export interface Work {
  providers: Providers;
  log: Logger;
}

const DAY_MS = 86_400_000;
const MAX_AGE_DAYS = 366;
/** As long as staff are kept waiting; the work goes on behind their back. */
const WAIT_MS = 2_000;

/**
 * Begins to compare a day, or joins a comparison of it that is at work.
 *
 * @throws {Refused} INVALID
 */
export async function reconciliationRun(
  db: Database,
  work: Work,
  { provider, day }: { provider: ProviderName; day: string },
): Promise<{ reconciliation: ReconciliationRow }> {
  if (!work.providers.has(provider)) refuse('INVALID', 'This provider is not offered here.', { field: ['provider'] });
  const span = spanOf(day);
  const today = await clock(db);
  if (!span || span.from.getTime() > today || span.from.getTime() < today - MAX_AGE_DAYS * DAY_MS) {
    refuse('INVALID', 'Expected a day of the last year, such as 2026-11-21.', { field: ['day'] });
  }
  const id = await begin(db, provider, day);
  await Promise.race([perform(db, work, id), delay(WAIT_MS)]);
  const [reconciliation] = await db.select().from(reconciliations).where(eq(reconciliations.id, id));
  if (!reconciliation) throw new Error('A comparison once begun stays on record.');
  return { reconciliation };
}

/** Puts a comparison on record. There is one of a day at a time. */
async function begin(db: Database, provider: ProviderName, day: string): Promise<string> {
  for (;;) {
    const id = newId('Reconciliation');
    try {
      await db.insert(reconciliations).values({ id, provider, day, isRunning: true });
      return id;
    } catch (error) {
      if (!isDuplicateKey(error, 'reconciliations_running')) throw error;
    }
    const [running] = await db
      .select({ id: reconciliations.id })
      .from(reconciliations)
      .where(
        and(eq(reconciliations.provider, provider), eq(reconciliations.day, day), eq(reconciliations.isRunning, true)),
      );
    if (running) return running.id;
  }
}

const LEASE_SECONDS = 600;

/** Does the work of a comparison, unless somebody is at it. */
async function perform(db: Database, work: Work, id: string): Promise<void> {
  const running = and(eq(reconciliations.id, id), eq(reconciliations.isRunning, true));
  const taken = await db
    .update(reconciliations)
    .set({ leasedUntil: nowPlus(LEASE_SECONDS) })
    .where(must(and(running, lte(reconciliations.leasedUntil, now))));
  if (affectedRows(taken) === 0) return;
  const [row] = await db.select().from(reconciliations).where(eq(reconciliations.id, id));
  const provider = row && work.providers.get(row.provider);
  const span = row && spanOf(row.day);
  if (!provider || !span) return;
  const { day } = row;
  try {
    const comparison = await compare(db, work, provider, span, row.startedAt);
    await finish(db, id, comparison);
    const { matched, repaired, mismatchCount } = comparison;
    const facts = { provider: provider.name, day, matched, repaired, mismatchCount };
    if (mismatchCount > 0) work.log.error(facts, 'the provider’s record and ours disagree');
    else work.log.info(facts, 'the provider’s record and ours agree');
  } catch (error) {
    work.log.warn({ err: error, provider: provider.name, day }, 'reconciliation will be tried again');
    await postpone(db, id, error instanceof ProviderFailure ? error.message : 'Something went wrong on our side.');
  }
}

/** Whoever is done first has the word: both have seen the same. */
async function finish(db: Database, id: string, comparison: Comparison): Promise<void> {
  const { mismatches, ...numbers } = comparison;
  await transaction(db, async (tx) => {
    const finished = await tx
      .update(reconciliations)
      .set({ ...numbers, isRunning: null, failure: null, finishedAt: now })
      .where(must(and(eq(reconciliations.id, id), eq(reconciliations.isRunning, true))));
    if (affectedRows(finished) === 0 || mismatches.length === 0) return;
    await tx.insert(reconciliationMismatches).values(
      mismatches.map(({ expected, found, ...about }, position) => ({
        reconciliationId: id,
        position,
        ...about,
        expectedMinor: expected?.amountMinor ?? null,
        expectedCurrency: expected?.currencyCode ?? null,
        foundMinor: found?.amountMinor ?? null,
        foundCurrency: found?.currencyCode ?? null,
      })),
    );
  });
}

/** Tries again after a while, and gives up after a day. */
async function postpone(db: Database, id: string, failure: string): Promise<void> {
  const isHopeless = sql`${reconciliations.startedAt} < ${nowPlus(-DAY_MS / 1_000)}`;
  await db
    .update(reconciliations)
    .set({
      failure: failure.slice(0, 200),
      leasedUntil: nextTry(reconciliations.startedAt),
      isRunning: sql`IF(${isHopeless}, NULL, TRUE)`,
      finishedAt: sql`IF(${isHopeless}, ${now}, NULL)`,
    })
    .where(must(and(eq(reconciliations.id, id), eq(reconciliations.isRunning, true))));
}

/** What began before midnight is settled by then. */
const REST_MS = 3_600_000;
/** Days that are made up for when nobody was at work. */
const DAYS_BACK = 3;
const SLICE = 20;

/** Sees to it that each of the last days is compared after it was over, and does what is due. Several instances may run it. */
export async function reconcileDaily(db: Database, work: Work): Promise<void> {
  const time = await clock(db);
  const lastMidnight = Math.floor((time - REST_MS) / DAY_MS) * DAY_MS;
  const days = Array.from({ length: DAYS_BACK }, (_, back) => dayOf(lastMidnight - (back + 1) * DAY_MS));
  for (const provider of work.providers.keys()) {
    const known = await db
      .select({ day: reconciliations.day, startedAt: reconciliations.startedAt })
      .from(reconciliations)
      .where(and(eq(reconciliations.provider, provider), inArray(reconciliations.day, days)));
    const missing = days.filter((day) => {
      const over = (spanOf(day)?.to.getTime() ?? 0) + REST_MS;
      return !known.some((row) => row.day === day && row.startedAt.getTime() >= over);
    });
    for (const day of missing) await begin(db, provider, day);
  }

  const due = await db
    .select({ id: reconciliations.id })
    .from(reconciliations)
    .where(and(eq(reconciliations.isRunning, true), lte(reconciliations.leasedUntil, now)))
    .orderBy(asc(reconciliations.leasedUntil))
    .limit(SLICE);
  for (const { id } of due) await perform(db, work, id);
}

/** The latest comparisons, newest first. @throws BAD_USER_INPUT */
export function listReconciliations(db: Database, first: number): Promise<ReconciliationRow[]> {
  if (first < 1 || first > 100) throw badUserInput(`Expected first to be from 1 to 100, got ${first}.`);
  return db.select().from(reconciliations).orderBy(desc(reconciliations.id)).limit(first);
}

/** The disagreements of these comparisons, in the order they were found. */
export function findMismatches(reader: Reader, ids: readonly string[]): Promise<ReconciliationMismatchRow[]> {
  return reader
    .select()
    .from(reconciliationMismatches)
    .where(inArray(reconciliationMismatches.reconciliationId, [...ids]))
    .orderBy(asc(reconciliationMismatches.position));
}

/** A day in UTC; undefined for what is none. */
function spanOf(day: string): Span | undefined {
  const from = new Date(`${day}T00:00:00.000Z`);
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(day) && !Number.isNaN(from.getTime()) && dayOf(from.getTime()) === day;
  return isDay ? { from, to: new Date(from.getTime() + DAY_MS) } : undefined;
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** The database's time, in milliseconds. */
async function clock(db: Database): Promise<number> {
  const [rows] = await db.execute(sql`SELECT UNIX_TIMESTAMP(${now}) * 1000 AS time`);
  return Number((rows as unknown as { time: unknown }[])[0]?.time);
}
