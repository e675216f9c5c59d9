import { loaderByKey, loaderOfMany } from '@souk/platform/batch';
import type { Reader } from '@souk/platform/database';
import { and, asc, desc, inArray } from 'drizzle-orm';
import { isLive } from './session.ts';
import { addresses, type Role, sessions, staffRoles, users } from './tables.ts';

/** Reads by key, each batched over one request. */
export const createLoaders = (db: Reader) => ({
  userById: loaderByKey({
    load: (ids) =>
      db
        .select()
        .from(users)
        .where(inArray(users.id, [...ids])),
    key: ({ id }) => id,
  }),
  /** Roles besides CUSTOMER. */
  staffRolesByUserId: loaderOfMany<{ userId: string; role: Role }>({
    load: (ids) =>
      db
        .select()
        .from(staffRoles)
        .where(inArray(staffRoles.userId, [...ids]))
        .orderBy(asc(staffRoles.role)),
    key: ({ userId }) => userId,
  }),
  addressById: loaderByKey({
    load: (ids) =>
      db
        .select()
        .from(addresses)
        .where(inArray(addresses.id, [...ids])),
    key: ({ id }) => id,
  }),
  /** Newest first. */
  addressesByUserId: loaderOfMany({
    load: (ids) =>
      db
        .select()
        .from(addresses)
        .where(inArray(addresses.userId, [...ids]))
        .orderBy(desc(addresses.id)),
    key: ({ userId }) => userId,
  }),
  defaultAddressByUserId: loaderByKey({
    load: (ids) =>
      db
        .select()
        .from(addresses)
        .where(inArray(addresses.defaultOf, [...ids])),
    key: ({ userId }) => userId,
  }),
  /** Those that may still be used. */
  sessionById: loaderByKey({
    load: (ids) =>
      db
        .select()
        .from(sessions)
        .where(and(inArray(sessions.id, [...ids]), isLive)),
    key: ({ id }) => id,
  }),
  /** Last used first. */
  sessionsByUserId: loaderOfMany({
    load: (ids) =>
      db
        .select()
        .from(sessions)
        .where(and(inArray(sessions.userId, [...ids]), isLive))
        .orderBy(desc(sessions.lastSeenAt), desc(sessions.id)),
    key: ({ userId }) => userId,
  }),
});

export type Loaders = ReturnType<typeof createLoaders>;
