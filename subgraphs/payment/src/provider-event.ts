import { type Database, isDuplicateKey, now, nowPlus, transaction } from '@souk/platform/database';
import { wakeRelay } from '@souk/platform/jobs';
import type { Logger } from '@souk/platform/logger';
import { and, asc, eq, isNull, lt } from 'drizzle-orm';
import type { ProviderEvent, ProviderName } from './providers/provider.ts';
import { report, settlePayment } from './settlement.ts';
import { providerEvents } from './tables.ts';

/** Keeps what a provider reports. Returns false when it was reported before. */
export async function keepEvent(db: Database, provider: ProviderName, event: ProviderEvent): Promise<boolean> {
  const { id: eventId, paymentId } = event;
  // One that is being acted upon is locked. To look at it does not take waiting, to insert it again would.
  const known = await db
    .select({ eventId: providerEvents.eventId })
    .from(providerEvents)
    .where(isThe(provider, eventId));
  if (known.length > 0) return false;
  const { nextAction: _, ...charge } = event.charge;
  try {
    await db
      .insert(providerEvents)
      .values({ provider, eventId, paymentId, charge: { ...charge, amountMinor: String(charge.amountMinor) } });
    return true;
  } catch (error) {
    if (isDuplicateKey(error, 'PRIMARY')) return false;
    throw error;
  }
}

const isThe = (provider: ProviderName, eventId: string) =>
  and(eq(providerEvents.provider, provider), eq(providerEvents.eventId, eventId));

/** Acts on a kept event, once: what comes of it and that it was done commit together. */
export async function processEvent(db: Database, log: Logger, provider: ProviderName, eventId: string): Promise<void> {
  const waiting = and(isThe(provider, eventId), isNull(providerEvents.processedAt));
  await transaction(db, async (tx) => {
    const [event] = await tx.select().from(providerEvents).where(waiting).for('update', { skipLocked: true });
    if (!event) return;
    const { paymentId, charge } = event;
    const word = { ...charge, amountMinor: BigInt(charge.amountMinor) };
    const outcome = await settlePayment(tx, { provider, paymentId }, word);
    await tx.update(providerEvents).set({ outcome, processedAt: now }).where(waiting);
    report(log, paymentId, outcome);
  });
  wakeRelay(db);
}

const SLICE = 50;
/** An event is processed as soon as it was kept; one that still waits after this long was left behind. */
const LEFT_BEHIND_SECONDS = 5;

/** Acts on events that were kept by a process that ended before it could. */
export async function processEventsLeftBehind(db: Database, log: Logger): Promise<void> {
  const left = await db
    .select({ provider: providerEvents.provider, eventId: providerEvents.eventId })
    .from(providerEvents)
    .where(and(isNull(providerEvents.processedAt), lt(providerEvents.receivedAt, nowPlus(-LEFT_BEHIND_SECONDS))))
    .orderBy(asc(providerEvents.receivedAt))
    .limit(SLICE);
  for (const { provider, eventId } of left) await processEvent(db, log, provider, eventId);
}
