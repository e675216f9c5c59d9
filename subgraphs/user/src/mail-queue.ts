import { type Database, must, now, nowPlus, type Transaction, transaction } from '@souk/platform/database';
import { and, asc, eq, lt, lte, sql } from 'drizzle-orm';
import { createBell } from './bell.ts';
import { newMailedToken } from './mailed-token.ts';
import { type MailKind, mails, type UserRow } from './tables.ts';
import { userById } from './user.ts';

/** Rung after a transaction that queued a mail. */
export const mailBell = createBell();

/** Longer than a mail server may take to accept a mail, so that nobody else sends it meanwhile. */
const LEASE_SECONDS = 60;
const MAXIMUM_ATTEMPTS = 8;

/** A mail whose turn it is, held by this process for a while. */
export interface DueMail {
  id: number;
  attempt: number;
  kind: MailKind;
  recipient: string;
  displayName: string;
  locale: string | null;
  /** Proves that the recipient got this mail; null for a mere notice. */
  token: string | null;
}

/** Has a mail sent once the transaction is committed. */
export async function queueMail(tx: Transaction, userId: string, kind: MailKind): Promise<void> {
  await tx.insert(mails).values({ userId, kind, state: 'QUEUED' });
}

/** Takes the next mail to send, with a fresh token of its own; undefined when none is due. */
export async function claimMail(db: Database): Promise<DueMail | undefined> {
  for (;;) {
    const claimed = await transaction(db, claimOne);
    if (claimed !== 'dropped') return claimed;
  }
}

async function claimOne(tx: Transaction): Promise<DueMail | 'dropped' | undefined> {
  const [mail] = await tx
    .select()
    .from(mails)
    .where(and(eq(mails.state, 'QUEUED'), lte(mails.dueAt, now)))
    .orderBy(asc(mails.dueAt), asc(mails.id))
    .limit(1)
    .for('update', { skipLocked: true });
  if (!mail) return undefined;
  const user = await userById(tx, mail.userId);
  if (!user?.email || !isWanted(mail.kind, user)) {
    await tx
      .update(mails)
      .set({ state: 'FAILED', lastError: 'no longer wanted' })
      .where(must(eq(mails.id, mail.id)));
    return 'dropped';
  }
  const attempt = mail.attempts + 1;
  await tx
    .update(mails)
    .set({ attempts: attempt, dueAt: nowPlus(LEASE_SECONDS * 2 ** mail.attempts) })
    .where(must(eq(mails.id, mail.id)));
  const token = mail.kind === 'PASSWORD_CHANGED' ? null : await newMailedToken(tx, user.id, mail.kind);
  const { email: recipient, displayName, locale } = user;
  return { id: mail.id, attempt, kind: mail.kind, recipient, displayName, locale, token };
}

function isWanted(kind: MailKind, user: UserRow): boolean {
  return kind !== 'VERIFY_EMAIL' || user.emailVerifiedAt === null;
}

export async function markSent(db: Database, id: number): Promise<void> {
  await db
    .update(mails)
    .set({ state: 'SENT', sentAt: now, lastError: null })
    .where(must(eq(mails.id, id)));
}

/** Notes why a mail was not sent. It is tried again when its lease is over, each time after twice as long, until it has failed too often. */
export async function markUnsent(db: Database, id: number, reason: string): Promise<void> {
  await db
    .update(mails)
    .set({
      lastError: reason.slice(0, 200),
      state: sql`IF(${mails.attempts} >= ${MAXIMUM_ATTEMPTS}, 'FAILED', 'QUEUED')`,
    })
    .where(must(eq(mails.id, id)));
}

/** Forgets mails older than a month, a slice at a time. */
export async function pruneMails(db: Database): Promise<void> {
  await db
    .delete(mails)
    .where(must(lt(mails.createdAt, nowPlus(-30 * 86_400))))
    .limit(1_000);
}
