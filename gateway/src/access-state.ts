import { setTimeout as delay } from 'node:timers/promises';
import { defaultDoorLimits, doorLimitsShape } from '@souk/platform/door-limits';
import { ACCESS_CHANGED_CHANNEL, ACCESS_SNAPSHOT_KEY, type AccessSnapshot } from '@souk/platform/identity';
import { canonicalRange } from '@souk/platform/ip-range';
import type { Logger } from '@souk/platform/logger';
import type { Peer } from '@souk/platform/peer';
import type { RedisConnection } from '@souk/platform/redis';
import { z } from 'zod';
import { user } from './generated/user/gql.ts';

const AccessSnapshotQuery = user(`
  query AccessSnapshot {
    accessSnapshot
  }
`);

const LOOK_EVERY_MS = 500;

/** What has changed since tokens were issued. */
export interface AccessState {
  /** Undefined until the first answer: without it nobody can be trusted, because a revocation might be missing. */
  current(): AccessSnapshot | undefined;
  /** Rejects until then. For readiness. */
  known(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Follows the access snapshot: at once when Redis announces a change, every half second in any case, and from the user subgraph itself
 * while Redis is away, was wiped, or holds something older or broken. Keeps the last known one when both are away.
 */
export function followAccessState({
  redis,
  userPeer,
  logger,
}: {
  redis: RedisConnection;
  userPeer: Peer;
  logger: Logger;
}): AccessState {
  let snapshot: AccessSnapshot | undefined;
  const stopping = new AbortController();
  let waker = Promise.withResolvers<void>();
  const unsubscribe = redis.subscribe(ACCESS_CHANGED_CHANNEL, () => waker.resolve());

  async function look(): Promise<void> {
    const text = await redis.client.get(ACCESS_SNAPSHOT_KEY).catch(() => null);
    const copy = text === null ? undefined : parseSnapshot(text, logger);
    const isNewEnough = copy && copy.version >= (snapshot?.version ?? 0);
    // What stands in Redis may be missing, broken or of yesterday. The user subgraph has the truth, even where that is an older one: its database was restored.
    snapshot = isNewEnough ? copy : ((await askUser()) ?? snapshot);
  }

  async function askUser(): Promise<AccessSnapshot | undefined> {
    const { accessSnapshot } = await userPeer.request(AccessSnapshotQuery, {});
    return accessSnapshot ? parseSnapshot(accessSnapshot, logger) : undefined;
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      waker = Promise.withResolvers();
      await look().catch((error: unknown) => logger.debug({ err: error }, 'access state not refreshed'));
      await Promise.race([waker.promise, delay(LOOK_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => {})]);
    }
  }

  const running = run();
  return {
    current: () => snapshot,
    async known() {
      if (!snapshot) throw new Error('Nothing has told yet whose access is revoked.');
    },
    async close() {
      stopping.abort();
      unsubscribe();
      await running;
    },
  };
}

const snapshotShape = z.object({
  version: z.number(),
  revokedSessionIds: z.array(z.string()),
  // A user subgraph that is not yet of this version does not tell.
  revokedKeyIds: z.array(z.string()).default([]),
  blockedUserIds: z.array(z.string()),
  userRoles: z.record(z.string(), z.array(z.string())),
  roleScopes: z.record(z.string(), z.array(z.string())),
  accessEntries: z.array(
    z.object({
      effect: z.enum(['ALLOW', 'DENY']),
      kind: z.enum(['USER', 'IP_RANGE', 'EMAIL_DOMAIN']),
      subject: z.string(),
      expiresAt: z.string().nullable(),
    }),
  ),
  // Limits that cannot be read must not cost the revocations beside them.
  doorLimits: doorLimitsShape.catch(defaultDoorLimits),
}) satisfies z.ZodType<AccessSnapshot>;

/** A snapshot that can be relied on with every request, or undefined. One range that is none must not cost the whole. */
function parseSnapshot(text: string, logger: Logger): AccessSnapshot | undefined {
  try {
    const snapshot = snapshotShape.parse(JSON.parse(text));
    const accessEntries = snapshot.accessEntries.filter(
      ({ kind, subject }) => kind !== 'IP_RANGE' || canonicalRange(subject) === subject,
    );
    const ignored = snapshot.accessEntries.length - accessEntries.length;
    if (ignored > 0) logger.warn({ ignored }, 'access entries without a valid range are ignored');
    return { ...snapshot, accessEntries };
  } catch (error) {
    logger.warn({ err: error }, 'access snapshot is broken');
    return undefined;
  }
}
