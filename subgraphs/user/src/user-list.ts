import { type Connection, countUpTo, type Order, type PageArguments, pageOf } from '@souk/platform/connection';
import type { Reader } from '@souk/platform/database';
import { badUserInput } from '@souk/platform/errors';
import { and, eq, exists, isNull, like, or, type SQL, sql } from 'drizzle-orm';
import { emailKeyOf } from './email.ts';
import { type Role, staffRoles, type UserRow, users } from './tables.ts';
import { hasStatus, type UserStatus } from './user-status.ts';

export type UserSortKey = 'CREATED_AT' | 'EMAIL' | 'LAST_SIGN_IN_AT';

export interface UserFilter {
  query?: string | null | undefined;
  status?: UserStatus | null | undefined;
  role?: Role | null | undefined;
}

export interface UserListArguments extends PageArguments {
  sortKey?: UserSortKey | null | undefined;
  reverse?: boolean | null | undefined;
  filter?: UserFilter | null | undefined;
}

const MAXIMUM_QUERY_LENGTH = 254;

/** A page of all users, for staff: newest first, unless sorted otherwise. */
export function pageOfUsers(
  db: Reader,
  { sortKey, reverse, filter, ...args }: UserListArguments,
): Promise<Connection<UserRow>> {
  const where = matches(db, filter ?? {});
  return pageOf<UserRow>({
    args,
    name: 'users',
    filter,
    order: orderOf(sortKey ?? 'CREATED_AT', reverse ?? false),
    rows: ({ where: beyond, orderBy, limit }) =>
      db
        .select()
        .from(users)
        .where(and(where, beyond))
        .orderBy(...orderBy)
        .limit(limit),
    count: (limit) => countUpTo(db, users, where, limit),
  });
}

function orderOf(key: UserSortKey, reverse: boolean): Order<UserRow> {
  const turn = (natural: 'asc' | 'desc') => ((natural === 'asc') !== reverse ? 'asc' : 'desc');
  const byId = (direction: 'asc' | 'desc') => ({ column: users.id, direction, value: (row: UserRow) => row.id });
  switch (key) {
    case 'CREATED_AT':
      return [{ column: users.createdAt, direction: turn('desc'), value: (row) => row.createdAt }, byId(turn('desc'))];
    case 'LAST_SIGN_IN_AT':
      return [
        { column: users.lastSignInAt, direction: turn('desc'), value: (row) => row.lastSignInAt },
        byId(turn('desc')),
      ];
    case 'EMAIL':
      return [{ column: users.emailKey, direction: turn('asc'), value: (row) => row.emailKey }];
  }
}

function matches(db: Reader, { query, status, role }: UserFilter): SQL | undefined {
  return and(
    query ? beginsWith(query) : undefined,
    status ? hasStatus[status] : undefined,
    role ? holds(db, role) : undefined,
  );
}

function beginsWith(query: string): SQL | undefined {
  if (query.length > MAXIMUM_QUERY_LENGTH) {
    throw badUserInput(`Expected a query of at most ${MAXIMUM_QUERY_LENGTH} characters, got ${query.length}.`);
  }
  const prefix = (text: string) => `${text.replace(/[\\%_]/g, '\\$&')}%`;
  return or(like(users.displayName, prefix(query.trim())), like(users.emailKey, prefix(emailKeyOf(query))));
}

function holds(db: Reader, role: Role): SQL {
  // Everybody with an account is a customer.
  if (role === 'CUSTOMER') return isNull(users.deletedAt);
  const held = db
    .select({ one: sql`1` })
    .from(staffRoles)
    .where(and(eq(staffRoles.role, role), eq(staffRoles.userId, users.id)));
  return exists(held);
}
