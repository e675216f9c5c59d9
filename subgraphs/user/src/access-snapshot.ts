import { type Database, nowPlus, type Reader } from '@souk/platform/database';
import { ACCESS_CHANGED_CHANNEL, ACCESS_SNAPSHOT_KEY, type AccessSnapshot } from '@souk/platform/identity';
import type { Sweep } from '@souk/platform/jobs';
import type { Logger } from '@souk/platform/logger';
import type { RedisConnection } from '@souk/platform/redis';
import { and, eq, gt, inArray, isNull, or, type SQL } from 'drizzle-orm';
import { accessBell, currentAccessVersion } from './access-change.ts';
import { liveEntries } from './access-list.ts';
import { doorLimitsRow, effectiveLimits } from './door-limits.ts';
import {
  type AccessEntryRow,
  accessChanges,
  accessEntries,
  roleGrants,
  sessions,
  staffRoles,
  users,
} from './tables.ts';
import { isShutOut } from './user-status.ts';

/** Beyond the life of a token: clocks differ, and a request may be under way. */
const MARGIN_SECONDS = 60;

/**
 * Everything a gateway must hold against a token, from the tables. Only what changed since the oldest living token was issued is listed.
 * The version is read first: what commits meanwhile may be in already, and is announced once more under its own version.
 */
export async function buildAccessSnapshot(db: Reader, tokenLifeSeconds: number): Promise<AccessSnapshot> {
  const version = await currentAccessVersion(db);
  const since = nowPlus(-(tokenLifeSeconds + MARGIN_SECONDS));
  const changes = await db
    .select({ kind: accessChanges.kind, subject: accessChanges.subject })
    .from(accessChanges)
    .where(
      or(
        and(gt(accessChanges.changedAt, since), inArray(accessChanges.kind, ['SESSION', 'USER'])),
        // Who copied a key can sign a new token with it at any time.
        eq(accessChanges.kind, 'KEY'),
      ),
    );
  const changed = (kind: string) => [
    ...new Set(changes.filter((each) => each.kind === kind).map(({ subject }) => subject)),
  ];
  const userIds = changed('USER');
  const grants = await db.select().from(roleGrants);
  const entries = await liveEntries(db);

  const blocked = userIds.length === 0 ? [] : await idsOfShutOut(db, userIds);
  return {
    version,
    revokedSessionIds: changed('SESSION'),
    revokedKeyIds: changed('KEY'),
    blockedUserIds: [...new Set([...blocked, ...(await activeInDeniedDomains(db, entries, since))])],
    userRoles: await rolesOf(db, userIds),
    roleScopes: Object.fromEntries(grants.map(({ role, scopes }) => [role, scopes])),
    accessEntries: entries.map(({ effect, kind, subject, expiresAt }) => {
      return { effect, kind, subject, expiresAt: expiresAt?.toISOString() ?? null };
    }),
    doorLimits: effectiveLimits(await doorLimitsRow(db)),
  };
}

async function idsOfShutOut(db: Reader, userIds: string[]): Promise<string[]> {
  const rows = await db
    .select({ id: users.id })
    .from(users)
    .where(and(inArray(users.id, userIds), isShutOut));
  return rows.map(({ id }) => id);
}

async function rolesOf(db: Reader, userIds: string[]): Promise<Record<string, string[]>> {
  const roles: Record<string, string[]> = Object.fromEntries(userIds.map((id) => [id, ['CUSTOMER']]));
  if (userIds.length === 0) return roles;
  for (const { userId, role } of await db.select().from(staffRoles).where(inArray(staffRoles.userId, userIds))) {
    roles[userId]?.push(role);
  }
  return roles;
}

/**
 * A gateway does not know anybody's e-mail address, so who holds a living token and has one in a denied domain is named.
 * Their tokens are not renewed, so an entry needs this only while it is young.
 */
async function activeInDeniedDomains(db: Reader, entries: AccessEntryRow[], since: SQL): Promise<string[]> {
  const denied = entries.filter(({ kind, effect }) => kind === 'EMAIL_DOMAIN' && effect === 'DENY').map(({ id }) => id);
  if (denied.length === 0) return [];
  const welcome = entries
    .filter(({ kind, effect }) => kind === 'USER' && effect === 'ALLOW')
    .map(({ subject }) => subject);
  const rows = await db
    .selectDistinct({ id: users.id })
    .from(users)
    .innerJoin(sessions, eq(sessions.userId, users.id))
    .innerJoin(accessEntries, and(eq(accessEntries.subject, users.emailDomain), inArray(accessEntries.id, denied)))
    .where(and(gt(accessEntries.createdAt, since), isNull(sessions.revokedAt), gt(sessions.lastSeenAt, since)));
  return rows.map(({ id }) => id).filter((id) => !welcome.includes(id));
}

/** Keeps the copy in Redis, which every gateway follows. */
export interface AccessPublisher {
  /** Renews the copy when it is missing or of another version. */
  publish(): Promise<void>;
  sweep: Sweep;
  close(): Promise<void>;
}

export function createAccessPublisher({
  db,
  redis,
  logger,
  tokenLifeSeconds,
}: AccessPublisherOptions): AccessPublisher {
  async function publish(): Promise<void> {
    const version = await currentAccessVersion(db);
    if ((await publishedVersion(redis)) === version) return;
    const snapshot = await buildAccessSnapshot(db, tokenLifeSeconds);
    await redis.client.set(ACCESS_SNAPSHOT_KEY, JSON.stringify(snapshot));
    await redis.client.publish(ACCESS_CHANGED_CHANNEL, String(snapshot.version));
  }

  // Without Redis the gateways ask this service itself, so a failure here is no news for an operator twice a second.
  const tryToPublish = () =>
    publish().catch((error: unknown) => logger.debug({ err: error }, 'access snapshot not published'));
  const stopListening = accessBell.answer(db, () => void tryToPublish());
  return {
    publish,
    sweep: { name: 'access-snapshot', everyMs: 500, run: tryToPublish },
    close: async () => stopListening(),
  };
}

export interface AccessPublisherOptions {
  db: Database;
  redis: RedisConnection;
  logger: Logger;
  tokenLifeSeconds: number;
}

/** The version stands first in the text, so the rest need not travel. */
async function publishedVersion(redis: RedisConnection): Promise<number | undefined> {
  const beginning = await redis.client.getrange(ACCESS_SNAPSHOT_KEY, 0, 40);
  const [, version] = /^\{"version":(\d+),/.exec(beginning) ?? [];
  return version === undefined ? undefined : Number(version);
}
