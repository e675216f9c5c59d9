import { randomUUID } from 'node:crypto';
import { deserialize, serialize } from 'node:v8';
import { createCounter } from './metrics.ts';
import { type RedisConnection, redisKey } from './redis.ts';

export interface Cache {
  /**
   * The value under `key`, from memory, from Redis, or else from `load`. Callers that ask at the same time share one `load`; what it throws is passed on and not kept.
   * Values survive as they are (Date, bigint, Map, undefined); take them as read-only, since others get the same object.
   *
   * @param options.ttlSeconds how long Redis keeps it, a tenth more or less so that entries made together do not expire together
   * @param options.tags       what the value was made from, such as `product:prod_…`; always the same tags for the same key
   */
  getOrSet<Value>(
    key: string,
    options: { ttlSeconds: number; tags?: readonly string[] },
    load: () => Promise<Value>,
  ): Promise<Value>;
  /** Makes every value with one of these tags stale: here at once, in other processes within a second. Call it after the commit. Never rejects. */
  deleteTags(tags: readonly string[]): Promise<void>;
}

/** A process may serve a value from its own memory this long, so this bounds how late it notices an invalidation by another. */
export const MEMORY_TTL_MS = 1_000;
const MEMORY_ENTRIES = 2_000;
const TAG_TTL_SECONDS = 24 * 60 * 60;
const LEFT_ALONE_MS = 2_000;
const RETRY_MS = 500;

const requests = createCounter({
  name: 'souk_cache_requests_total',
  help: 'Cache look-ups by cache and by where the value came from.',
  labelNames: ['cache', 'source'],
});

interface Remembered {
  value: unknown;
  tags: readonly string[];
  expiresAtMs: number;
}
interface Flight {
  promise: Promise<unknown>;
  tags: readonly string[];
}

/**
 * A cache in two levels: the process's memory for a second, Redis for as long as the caller says. Without Redis it still spares repeated loads
 * within that second, and nothing fails.
 *
 * A tag has a random version in Redis, and a value is kept together with the versions its tags had *before* it was loaded. It is good while they are
 * still the same; so a new version makes all values of a tag stale, those under way included, and there is nothing to lock or to list.
 * A version that Redis has dropped counts as changed.
 */
export function createCache({ redis, name }: { redis: RedisConnection; name: string }): Cache {
  const { client } = redis;
  const memory = new Map<string, Remembered>();
  const flights = new Map<string, Flight>();
  /** Tags that could not be invalidated while Redis was away: not served from it, and tried again until it is back. */
  const owed = new Set<string>();
  let retry: NodeJS.Timeout | undefined;
  /** A Redis that hangs would cost every look-up its time limit, so after one it is left alone for a while. */
  let hangsUntilMs = 0;

  const keyOf = (key: string) => redisKey(`cache.${name}`, 'value', key);
  const tagKeyOf = (tag: string) => redisKey(`cache.${name}`, 'tag', tag);

  async function find(
    key: string,
    ttlSeconds: number,
    tags: readonly string[],
    load: () => Promise<unknown>,
  ): Promise<unknown> {
    const stored = tags.some((tag) => owed.has(tag)) ? undefined : await readStored(key, tags);
    if (stored?.hit) {
      requests.labels(name, 'redis').inc();
      return stored.value;
    }
    requests.labels(name, 'load').inc();
    const versions = stored && (await completeVersions(tags, stored.versions));
    const value = await load();
    if (versions) {
      const ttlMs = Math.max(1, Math.round(ttlSeconds * 1_000 * (0.9 + Math.random() / 5)));
      // Nobody waits for the write, and nobody misses it.
      client.set(keyOf(key), serialize([versions, value]), 'PX', ttlMs).catch(() => {});
    }
    return value;
  }

  /** What Redis holds: a good value, or the current versions of the tags; undefined when Redis is away. */
  async function readStored(key: string, tags: readonly string[]) {
    if (client.status !== 'ready' || Date.now() < hangsUntilMs) return undefined;
    const found = await client.mgetBuffer(keyOf(key), ...tags.map(tagKeyOf)).catch(() => undefined);
    if (!found) {
      hangsUntilMs = Date.now() + LEFT_ALONE_MS;
      return undefined;
    }
    const versions = found.slice(1).map((version) => version?.toString());
    const [storedVersions, value] = parseStored(found[0]);
    const hit =
      storedVersions !== undefined && versions.every((version, index) => version && version === storedVersions[index]);
    return { hit, value, versions };
  }

  async function completeVersions(tags: readonly string[], versions: readonly (string | undefined)[]) {
    const complete = versions.map((version) => version ?? randomUUID());
    const missing = tags.flatMap((tag, index) => (versions[index] ? [] : [[tag, complete[index] ?? ''] as const]));
    return (await writeVersions(missing)) ? complete : undefined;
  }

  async function invalidate(tags: readonly string[]): Promise<void> {
    const written = await writeVersions(tags.map((tag) => [tag, randomUUID()]));
    for (const tag of tags) {
      if (written) owed.delete(tag);
      else owed.add(tag);
    }
    clearTimeout(retry);
    if (owed.size > 0) retry = setTimeout(() => void invalidate([...owed]), RETRY_MS).unref();
  }

  async function writeVersions(versions: readonly (readonly [tag: string, version: string])[]): Promise<boolean> {
    if (versions.length === 0) return true;
    const pipeline = client.pipeline();
    for (const [tag, version] of versions) pipeline.set(tagKeyOf(tag), version, 'EX', TAG_TTL_SECONDS);
    const results = await pipeline.exec().catch(() => null);
    return results?.every(([error]) => !error) ?? false;
  }

  function remember(key: string, value: unknown, tags: readonly string[]): void {
    memory.delete(key);
    memory.set(key, { value, tags, expiresAtMs: Date.now() + MEMORY_TTL_MS });
    const [oldest] = memory.keys();
    if (memory.size > MEMORY_ENTRIES && oldest !== undefined) memory.delete(oldest);
  }

  return {
    async getOrSet<Value>(
      key: string,
      options: { ttlSeconds: number; tags?: readonly string[] },
      load: () => Promise<Value>,
    ): Promise<Value> {
      const { ttlSeconds, tags = [] } = options;
      const remembered = memory.get(key);
      if (remembered && remembered.expiresAtMs > Date.now()) {
        requests.labels(name, 'memory').inc();
        return remembered.value as Value;
      }
      const underWay = flights.get(key);
      if (underWay) return underWay.promise as Promise<Value>;

      const flight: Flight = { promise: find(key, ttlSeconds, tags, load), tags };
      flights.set(key, flight);
      try {
        const value = (await flight.promise) as Value;
        // An invalidation may have taken this flight off the list meanwhile; then its value is old already.
        if (flights.get(key) === flight) remember(key, value, tags);
        return value;
      } finally {
        if (flights.get(key) === flight) flights.delete(key);
      }
    },

    async deleteTags(tags: readonly string[]): Promise<void> {
      const isStale = (entry: { tags: readonly string[] }) => entry.tags.some((tag) => tags.includes(tag));
      for (const [key, entry] of memory) if (isStale(entry)) memory.delete(key);
      for (const [key, flight] of flights) if (isStale(flight)) flights.delete(key);
      await invalidate(tags);
    },
  };
}

/** A value that another release wrote in a form this one cannot read is no value. */
function parseStored(bytes: Buffer | null | undefined): [versions: readonly string[] | undefined, value: unknown] {
  try {
    return bytes ? (deserialize(bytes) as [string[], unknown]) : [undefined, undefined];
  } catch {
    return [undefined, undefined];
  }
}
