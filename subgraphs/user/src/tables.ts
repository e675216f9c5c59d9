import { createdAt, instant, now, updatedAt } from '@souk/platform/database';
import type { DoorLimits } from '@souk/platform/door-limits';
import { idColumn } from '@souk/platform/id';
import {
  bigint,
  char,
  customType,
  index,
  int,
  json,
  mysqlTable,
  primaryKey,
  uniqueIndex,
  varchar,
} from 'drizzle-orm/mysql-core';

export { outbox } from '@souk/platform/outbox';

/** Text compared byte by byte: normalised before it is stored, so that no collation decides what is the same. */
const exactText = customType<{ data: string; config: { length: number }; configRequired: true }>({
  dataType: (config) => `varchar(${config.length}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
});

/** Raw bytes, such as a SHA-256. The built-in binary column reads them as text. */
const bytes = customType<{ data: Buffer; config: { length: number; varying?: boolean }; configRequired: true }>({
  dataType: ({ length, varying }) => `${varying ? 'varbinary' : 'binary'}(${length})`,
});

/** Scopes as OAuth writes them (RFC 6749, section 3.3): sorted, a space between two. */
const scopeList = customType<{ data: string[]; driverData: string }>({
  dataType: () => 'varchar(2000) CHARACTER SET ascii COLLATE ascii_bin',
  toDriver: (scopes) => [...new Set(scopes)].sort().join(' '),
  fromDriver: (scopes) => scopes.split(' ').filter(Boolean),
});

/** Everybody who has, or had, an account. A deleted account keeps its row, because orders refer to it, and loses everything personal. */
export const users = mysqlTable(
  'users',
  {
    id: idColumn('User', 'id').primaryKey(),
    /** As the user wrote it; null after deletion. */
    email: varchar('email', { length: 254 }),
    /** The address as it is compared; the user's id after deletion, which is no address and so frees the old one. */
    emailKey: exactText('email_key', { length: 254 }).notNull(),
    emailDomain: exactText('email_domain', { length: 254 }).notNull(),
    emailVerifiedAt: instant('email_verified_at'),
    passwordHash: varchar('password_hash', { length: 255 }),
    displayName: varchar('display_name', { length: 80 }).notNull(),
    phone: varchar('phone', { length: 32 }),
    locale: varchar('locale', { length: 35 }),
    avatarUrl: varchar('avatar_url', { length: 2048 }),
    suspendedAt: instant('suspended_at'),
    /** Null in a suspension without an end. */
    suspendedUntil: instant('suspended_until'),
    suspensionReason: varchar('suspension_reason', { length: 500 }),
    deletedAt: instant('deleted_at'),
    lastSignInAt: instant('last_sign_in_at').notNull().default(now),
    version: int('version').notNull().default(1),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    uniqueIndex('users_by_email').on(table.emailKey),
    index('users_by_display_name').on(table.displayName),
    index('users_by_created').on(table.createdAt, table.id),
    index('users_by_last_sign_in').on(table.lastSignInAt, table.id),
    index('users_by_email_domain').on(table.emailDomain),
    index('users_by_suspension').on(table.suspendedUntil),
  ],
);

/** The roles somebody holds besides CUSTOMER, which everybody holds. */
export const staffRoles = mysqlTable(
  'staff_roles',
  {
    userId: idColumn('User', 'user_id').notNull(),
    role: varchar('role', { length: 24 }).$type<StaffRole>().notNull(),
    grantedAt: instant('granted_at').notNull().default(now),
  },
  (table) => [
    primaryKey({ columns: [table.userId, table.role] }),
    uniqueIndex('staff_roles_by_role').on(table.role, table.userId),
  ],
);

/** What each role may do now. */
export const roleGrants = mysqlTable('role_grants', {
  role: varchar('role', { length: 24 }).$type<Role>().primaryKey(),
  scopes: scopeList('scopes').notNull(),
  version: int('version').notNull().default(1),
  updatedAt: updatedAt(),
});

/** The allow and deny list. */
export const accessEntries = mysqlTable(
  'access_entries',
  {
    id: idColumn('AccessEntry', 'id').primaryKey(),
    effect: varchar('effect', { length: 8 }).$type<'ALLOW' | 'DENY'>().notNull(),
    kind: varchar('kind', { length: 16 }).$type<'USER' | 'IP_RANGE' | 'EMAIL_DOMAIN'>().notNull(),
    /** In its one canonical form. */
    subject: exactText('subject', { length: 255 }).notNull(),
    reason: varchar('reason', { length: 500 }),
    expiresAt: instant('expires_at'),
    createdBy: idColumn('User', 'created_by').notNull(),
    createdAt: createdAt(),
  },
  (table) => [uniqueIndex('access_entries_by_subject').on(table.kind, table.subject)],
);

/** One row: how much gateways take, where staff have set it. */
export const doorLimits = mysqlTable('door_limits', {
  id: int('id').primaryKey(),
  settings: json('settings').$type<Partial<DoorLimits>>().notNull(),
  version: int('version').notNull().default(1),
  updatedBy: idColumn('User', 'updated_by'),
  updatedAt: updatedAt(),
});

/** What changed in force since tokens were issued, in the order it was committed: the recent part goes to every gateway. */
export const accessChanges = mysqlTable(
  'access_changes',
  {
    version: bigint('version', { mode: 'number', unsigned: true }).notNull(),
    kind: varchar('kind', { length: 8 }).$type<'SESSION' | 'USER' | 'ROLE' | 'ENTRY' | 'LIMITS' | 'KEY'>().notNull(),
    subject: varchar('subject', { length: 64 }).notNull(),
    changedAt: instant('changed_at').notNull().default(now),
  },
  (table) => [
    primaryKey({ columns: [table.version, table.kind, table.subject] }),
    index('access_changes_by_age').on(table.changedAt),
  ],
);

/** One row that counts access changes. An AUTO_INCREMENT would number them before they commit, and a reader could pass over a late one. */
export const accessVersion = mysqlTable('access_version', {
  id: int('id').primaryKey(),
  version: bigint('version', { mode: 'number', unsigned: true }).notNull(),
});

/** A sign-in on one device: the family of the refresh tokens that follow from it. */
export const sessions = mysqlTable(
  'sessions',
  {
    id: idColumn('Session', 'id').primaryKey(),
    userId: idColumn('User', 'user_id').notNull(),
    userAgent: varchar('user_agent', { length: 256 }),
    ipCountry: char('ip_country', { length: 2 }),
    createdAt: createdAt(),
    lastSeenAt: instant('last_seen_at').notNull().default(now),
    /** When its newest refresh token ends. */
    expiresAt: instant('expires_at').notNull(),
    /** However often it is refreshed, it ends then. */
    endsAt: instant('ends_at').notNull(),
    revokedAt: instant('revoked_at'),
    revokedBecause: varchar('revoked_because', { length: 24 }).$type<RevocationReason>(),
  },
  (table) => [
    index('sessions_by_user').on(table.userId, table.revokedAt, table.lastSeenAt),
    index('sessions_by_expiry').on(table.expiresAt),
  ],
);

/** Refresh tokens by their SHA-256. */
export const refreshTokens = mysqlTable(
  'refresh_tokens',
  {
    hash: bytes('hash', { length: 32 }).primaryKey(),
    sessionId: idColumn('Session', 'session_id').notNull(),
    expiresAt: instant('expires_at').notNull(),
    usedAt: instant('used_at'),
    successorHash: bytes('successor_hash', { length: 32 }),
    /** The successor, sealed with a key that only the holder of this token can derive; erased when the time of grace is over. */
    sealedSuccessor: bytes('sealed_successor', { length: 128, varying: true }),
    createdAt: createdAt(),
  },
  (table) => [
    index('refresh_tokens_by_session').on(table.sessionId),
    index('refresh_tokens_by_expiry').on(table.expiresAt),
    index('refresh_tokens_by_use').on(table.usedAt),
  ],
);

/** Proofs of an e-mail address that are under way: one for each user and purpose, so a new one replaces the old. */
export const mailedTokens = mysqlTable(
  'mailed_tokens',
  {
    userId: idColumn('User', 'user_id').notNull(),
    purpose: varchar('purpose', { length: 16 }).$type<MailedTokenPurpose>().notNull(),
    hash: bytes('hash', { length: 32 }).notNull(),
    expiresAt: instant('expires_at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.userId, table.purpose] }),
    uniqueIndex('mailed_tokens_by_hash').on(table.hash),
  ],
);

/** Mails to be sent. A token is made at the moment of sending, so none ever stands here. */
export const mails = mysqlTable(
  'mails',
  {
    id: bigint('id', { mode: 'number', unsigned: true }).autoincrement().primaryKey(),
    userId: idColumn('User', 'user_id').notNull(),
    kind: varchar('kind', { length: 24 }).$type<MailKind>().notNull(),
    state: varchar('state', { length: 8 }).$type<'QUEUED' | 'SENT' | 'FAILED'>().notNull(),
    attempts: int('attempts').notNull().default(0),
    /** Not before then; whoever sends it moves this forward first, and so holds it for a while. */
    dueAt: instant('due_at').notNull().default(now),
    lastError: varchar('last_error', { length: 200 }),
    createdAt: createdAt(),
    sentAt: instant('sent_at'),
  },
  (table) => [index('mails_by_due').on(table.state, table.dueAt), index('mails_by_age').on(table.createdAt)],
);

/** How often something was tried for one account, whether or not that account exists. */
export const attempts = mysqlTable(
  'attempts',
  {
    kind: varchar('kind', { length: 16 }).$type<AttemptKind>().notNull(),
    /** SHA-256 of the account's e-mail address. */
    subject: bytes('subject', { length: 32 }).notNull(),
    count: int('count').notNull(),
    blockedUntil: instant('blocked_until').notNull(),
    lastAt: instant('last_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.kind, table.subject] }), index('attempts_by_age').on(table.lastAt)],
);

/** What access tokens are signed with. */
export const signingKeys = mysqlTable(
  'signing_keys',
  {
    kid: varchar('kid', { length: 64 }).primaryKey(),
    /** One key signs, one is published ahead of its turn; null when it is retired and only verifies. */
    slot: varchar('slot', { length: 8 }).$type<'ACTIVE' | 'NEXT'>(),
    /** The public point, base64url (RFC 8037). */
    publicKey: varchar('public_key', { length: 64 }).notNull(),
    sealedPrivateKey: bytes('sealed_private_key', { length: 255, varying: true }).notNull(),
    createdAt: createdAt(),
    activatedAt: instant('activated_at'),
    retiredAt: instant('retired_at'),
  },
  (table) => [uniqueIndex('signing_keys_by_slot').on(table.slot)],
);

/** Address books. */
export const addresses = mysqlTable(
  'addresses',
  {
    id: idColumn('Address', 'id').primaryKey(),
    userId: idColumn('User', 'user_id').notNull(),
    /** The user whose default it is, so that the unique index allows one for each; null otherwise. */
    defaultOf: idColumn('User', 'default_of'),
    recipient: varchar('recipient', { length: 100 }).notNull(),
    phone: varchar('phone', { length: 32 }),
    line1: varchar('line1', { length: 200 }).notNull(),
    line2: varchar('line2', { length: 200 }),
    city: varchar('city', { length: 100 }).notNull(),
    region: varchar('region', { length: 100 }),
    postalCode: varchar('postal_code', { length: 20 }),
    countryCode: char('country_code', { length: 2 }).notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    index('addresses_by_user').on(table.userId, table.id),
    uniqueIndex('addresses_by_default').on(table.defaultOf),
  ],
);

export type Role = 'CUSTOMER' | StaffRole;
export type StaffRole = 'SUPPORT' | 'CATALOG_MANAGER' | 'ORDER_MANAGER' | 'ADMIN';
export type RevocationReason = 'SIGNED_OUT' | 'CROWDED_OUT' | 'TOKEN_REUSED' | 'PASSWORD_SET' | 'SUSPENDED' | 'DELETED';
export type MailedTokenPurpose = 'VERIFY_EMAIL' | 'RESET_PASSWORD';
export type MailKind = MailedTokenPurpose | 'PASSWORD_CHANGED';
export type AttemptKind = 'CREDENTIALS' | MailedTokenPurpose;
export type UserRow = typeof users.$inferSelect;
export type AddressRow = typeof addresses.$inferSelect;
export type SessionRow = typeof sessions.$inferSelect;
export type RoleGrantRow = typeof roleGrants.$inferSelect;
export type AccessEntryRow = typeof accessEntries.$inferSelect;
export type DoorLimitsRow = typeof doorLimits.$inferSelect;
export type SigningKeyRow = typeof signingKeys.$inferSelect;
