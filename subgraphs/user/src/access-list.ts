import { type Database, must, now, type Reader, transaction } from '@souk/platform/database';
import { refuse } from '@souk/platform/errors';
import { newId, parseId, typeOfId } from '@souk/platform/id';
import { canonicalRange, narrowestFor } from '@souk/platform/ip-range';
import { and, count, desc, eq, gt, inArray, isNull, lt, or } from 'drizzle-orm';
import { accessBell, recordAccessChanges } from './access-change.ts';
import { emailDomainOf, emailKeyOf } from './email.ts';
import { type AccessEntryRow, accessEntries } from './tables.ts';
import { readTexts } from './text-input.ts';
import { userById } from './user.ts';

/** The allow and deny list. */

const MAXIMUM_ENTRIES = 500;

export interface NewAccessEntry {
  effect: AccessEntryRow['effect'];
  kind: AccessEntryRow['kind'];
  subject: string;
  reason?: string | null | undefined;
  expiresAt?: Date | null | undefined;
}

/** Whoever adds an entry, who must not shut themselves out by it. */
export interface Author {
  userId: string;
  clientIp: string | null;
}

/** Newest first. */
export function allEntries(db: Reader): Promise<AccessEntryRow[]> {
  return db
    .select()
    .from(accessEntries)
    .orderBy(desc(accessEntries.createdAt), desc(accessEntries.id))
    .limit(MAXIMUM_ENTRIES);
}

/** Those that work now. */
export function liveEntries(db: Reader): Promise<AccessEntryRow[]> {
  return db
    .select()
    .from(accessEntries)
    .where(or(isNull(accessEntries.expiresAt), gt(accessEntries.expiresAt, now)))
    .limit(MAXIMUM_ENTRIES);
}

/**
 * Adds an entry, in force at once.
 *
 * @throws {Refused} INVALID, NOT_FOUND for an unknown user, SELF_NOT_ALLOWED when it would shut out its author, LIMIT_REACHED
 */
export async function addEntry(
  db: Database,
  author: Author,
  input: NewAccessEntry,
): Promise<{ entry: AccessEntryRow }> {
  const { effect, kind, expiresAt = null } = input;
  const { reason } = readTexts(['input'], input, { reason: { maximumLength: 500, optional: true } });
  const subject = canonicalSubject(kind, input.subject);
  const field = ['input', 'subject'];
  if (!subject) refuse('INVALID', expectedSubject[kind], { field });
  if (expiresAt && expiresAt.getTime() <= Date.now()) {
    refuse('INVALID', 'Expected an instant in the future.', { field: ['input', 'expiresAt'] });
  }
  if (kind === 'USER' && !(await userById(db, subject))) refuse('NOT_FOUND', 'There is no such user.', { field });

  const entry = await transaction(db, async (tx) => {
    // Said first, because it lets one addition in at a time: counting, looking and inserting become one step.
    const id = newId('AccessEntry');
    await recordAccessChanges(tx, [{ kind: 'ENTRY', subject: id }]);
    const self = await userById(tx, author.userId);
    const afterwards = [...(await liveEntries(tx)), { effect, kind, subject }];
    if (effect === 'DENY' && self && isDenied(afterwards, { ...author, emailKey: self.emailKey })) {
      refuse('SELF_NOT_ALLOWED', 'This entry would shut yourself out.', { field });
    }
    const [present] = await tx.select({ count: count() }).from(accessEntries);
    if ((present?.count ?? 0) >= MAXIMUM_ENTRIES) {
      refuse('LIMIT_REACHED', `The list holds ${MAXIMUM_ENTRIES} entries. Remove one first, or use wider ranges.`);
    }
    const [taken] = await tx.select().from(accessEntries).where(isEntryOf(kind, subject));
    if (taken) refuse('INVALID', 'There is an entry for this subject already. Remove it first.', { field });
    await tx.insert(accessEntries).values({ id, effect, kind, subject, reason, expiresAt, createdBy: author.userId });
    const [written] = await tx.select().from(accessEntries).where(eq(accessEntries.id, id));
    if (!written) throw new Error('Expected the entry that was just written to be there.');
    return written;
  });
  accessBell.ring(db);
  return { entry };
}

export async function removeEntry(db: Database, id: string): Promise<{ removedEntryId: string }> {
  parseId('AccessEntry', id);
  await transaction(db, async (tx) => {
    const [entry] = await tx.select().from(accessEntries).where(eq(accessEntries.id, id)).for('update');
    if (!entry) refuse('NOT_FOUND', 'There is no such entry.', { field: ['id'] });
    await tx.delete(accessEntries).where(must(eq(accessEntries.id, id)));
    await recordAccessChanges(tx, [{ kind: 'ENTRY', subject: id }]);
  });
  accessBell.ring(db);
  return { removedEntryId: id };
}

/** Removes entries whose time is over. */
export async function pruneEntries(db: Database): Promise<void> {
  await transaction(db, async (tx) => {
    const over = await tx
      .select({ id: accessEntries.id })
      .from(accessEntries)
      .where(lt(accessEntries.expiresAt, now))
      .limit(100)
      .for('update', { skipLocked: true });
    if (over.length === 0) return;
    const ids = over.map(({ id }) => id);
    await tx.delete(accessEntries).where(must(inArray(accessEntries.id, ids)));
    await recordAccessChanges(
      tx,
      ids.map((id) => ({ kind: 'ENTRY', subject: id })),
    );
  });
}

/** Whom the list is asked about. Somebody who signs up has no id yet. */
export interface Applicant {
  userId: string | null;
  emailKey: string;
  clientIp: string | null;
}

/** @throws {Refused} ACCESS_DENIED for who is shut out */
export async function refuseDenied(db: Reader, applicant: Applicant): Promise<void> {
  if (isDenied(await liveEntries(db), applicant)) {
    refuse('ACCESS_DENIED', 'This is not possible from here. Contact the shop if you think this is a mistake.');
  }
}

type Rule = Pick<AccessEntryRow, 'effect' | 'kind' | 'subject'>;

/** Denied as a person (an entry for the user outweighs one for the domain), or by network (the narrowest range decides). */
function isDenied(entries: readonly Rule[], { userId, emailKey, clientIp }: Applicant): boolean {
  const ofKind = (kind: Rule['kind']) => entries.filter((entry) => entry.kind === kind);
  const person =
    ofKind('USER').find(({ subject }) => subject === userId) ??
    ofKind('EMAIL_DOMAIN').find(({ subject }) => subject === emailDomainOf(emailKey));
  const network = clientIp === null ? undefined : narrowestFor(ofKind('IP_RANGE'), clientIp);
  return person?.effect === 'DENY' || network?.effect === 'DENY';
}

const expectedSubject: Record<AccessEntryRow['kind'], string> = {
  USER: 'Expected the id of a user, which begins with "user_".',
  IP_RANGE: 'Expected an address or a network such as 203.0.113.0/24 or 2001:db8::/32.',
  EMAIL_DOMAIN: 'Expected the part of e-mail addresses after the @, such as example.com.',
};

/** One spelling for each subject, so that the unique index sees what is the same. */
function canonicalSubject(kind: AccessEntryRow['kind'], text: string): string | undefined {
  const subject = text.trim();
  if (kind === 'USER') return typeOfId(subject) === 'User' ? subject : undefined;
  if (kind === 'IP_RANGE') return canonicalRange(subject);
  const domain = emailKeyOf(subject).replace(/^@/, '');
  return domain.length <= 253 && /^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(domain) ? domain : undefined;
}

function isEntryOf(kind: AccessEntryRow['kind'], subject: string) {
  return must(and(eq(accessEntries.kind, kind), eq(accessEntries.subject, subject)));
}
