import { documentHash } from '@souk/platform/document-hash';
import { type RedisConnection, redisKey } from '@souk/platform/redis';
import { LRUCache } from 'lru-cache';

/** Documents that clients have sent once, so as to send only their hash from then on. */
export interface PersistedQueries {
  /** The document of a SHA-256 hash; undefined when it is not known, or not any more. */
  find(hash: string): Promise<string | undefined>;
  /** The same, as far as it is known without asking anybody. */
  peek(hash: string): string | undefined;
  /** Keeps a document, if it is not too long. Nobody waits for it. */
  remember(hash: string, text: string): void;
}

const MAX_TEXT_LENGTH = 16 * 1024;
const MEMORY_CHARACTERS = 8 * 1024 * 1024;
const TTL_SECONDS = 24 * 60 * 60;
/** Redis also holds the queues and must never evict anything, so strangers may fill only so many places of it: 64 MiB at the very most. */
const REDIS_SLOTS = 4_096;

/**
 * Remembers documents in memory, and in Redis for the other gateways and after a restart. While Redis is away memory does.
 * In Redis each hash has one of a fixed number of places, where the newest document takes the place of an older one.
 */
export function createPersistedQueries({ client }: RedisConnection): PersistedQueries {
  const memory = new LRUCache<string, string>({ maxSize: MEMORY_CHARACTERS, sizeCalculation: ({ length }) => length });

  return {
    async find(hash) {
      const remembered = memory.get(hash);
      if (remembered !== undefined || client.status !== 'ready') return remembered;
      const stored = await client.get(slotOf(hash)).catch(() => null);
      // The place may be another document's by now.
      if (stored === null || documentHash(stored) !== hash) return undefined;
      memory.set(hash, stored);
      return stored;
    },
    peek: (hash) => memory.get(hash),
    remember(hash, text) {
      if (text.length > MAX_TEXT_LENGTH || memory.has(hash)) return;
      memory.set(hash, text);
      client.set(slotOf(hash), text, 'EX', TTL_SECONDS).catch(() => {});
    },
  };
}

function slotOf(hash: string): string {
  return redisKey('gateway.persisted-queries', String(Number.parseInt(hash.slice(0, 8), 16) % REDIS_SLOTS));
}
