import { type Connection, countUpTo, type PageArguments, pageOf } from '@souk/platform/connection';
import type { Database, Reader } from '@souk/platform/database';
import { badUserInput } from '@souk/platform/errors';
import type { Viewer } from '@souk/platform/identity';
import { and, inArray } from 'drizzle-orm';
import { type PaymentRow, type PaymentStatus, payments } from './tables.ts';

export function findPayments(reader: Reader, ids: readonly string[]): Promise<PaymentRow[]> {
  return reader
    .select()
    .from(payments)
    .where(inArray(payments.id, [...ids]));
}

/** Whether somebody may see a payment: who pays, and staff. */
export function maySee(viewer: Viewer | null, payment: PaymentRow): boolean {
  return viewer !== null && (viewer.userId === payment.userId || viewer.scopes.has('payment:read'));
}

/** The payments of all customers, newest first. */
export function listPayments(
  db: Database,
  args: PageArguments & { status?: readonly PaymentStatus[] | null | undefined },
): Promise<Connection<PaymentRow>> {
  const statuses = args.status ?? null;
  if (statuses && new Set(statuses).size < statuses.length) throw badUserInput('Expected each status at most once.');
  const ofStatus = statuses ? inArray(payments.status, [...statuses]) : undefined;
  return pageOf<PaymentRow>({
    args,
    name: 'payments',
    filter: statuses && [...statuses].sort(),
    order: [{ column: payments.id, direction: 'desc', value: (row) => row.id }],
    rows: ({ where, orderBy, limit }) =>
      db
        .select()
        .from(payments)
        .where(and(ofStatus, where))
        .orderBy(...orderBy)
        .limit(limit),
    count: (limit) => countUpTo(db, payments, ofStatus, limit),
  });
}
