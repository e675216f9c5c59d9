import { setTimeout as delay } from 'node:timers/promises';
import { ACCESS_CHANGED_CHANNEL, ACCESS_SNAPSHOT_KEY, type AccessSnapshot } from '@souk/platform/identity';
import type { Logger } from '@souk/platform/logger';
import type { Peer } from '@souk/platform/peer';
import type { RedisConnection } from '@souk/platform/redis';
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
  close(): Promise<void>;
}

/**
 * Follows the access snapshot: at once when Redis announces a change, every half second in any case, and from the user subgraph itself
 * while Redis is away or was wiped. Never goes back to an older version; keeps the last known one when both are away.
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
    const copy = await redis.client.get(ACCESS_SNAPSHOT_KEY).catch(() => null);
    const text = copy ?? (await userPeer.request(AccessSnapshotQuery, {})).accessSnapshot;
    if (!text) return;
    const found = JSON.parse(text) as AccessSnapshot;
    if (!snapshot || found.version >= snapshot.version) snapshot = found;
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
    async close() {
      stopping.abort();
      unsubscribe();
      await running;
    },
  };
}
