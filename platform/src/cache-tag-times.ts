import { MEMORY_TTL_MS } from './cache.ts';
import { type RedisConnection, redisKey } from './redis.ts';

/** A change of this tag makes every kept answer stale. It is always there: where it is missing, Redis has forgotten what changed. */
export const EVERYTHING = 'everything';

/** Far longer than any answer is kept. */
const TAG_TTL_SECONDS = 600;
/** One script writes at most this many keys. */
const MAX_KEYS = 500;

/**
 * Answers that begin to be made shortly after a change are not believed either: the process that is asked for them may still have in its memory what there
 * was before.
 */
const NOTE_CHANGES = `
  local time = redis.call('TIME')
  local changed_at = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1]
  for _, key in ipairs(KEYS) do
    redis.call('SET', key, string.format('%.0f', changed_at), 'EX', ARGV[2])
  end
`;

/**
 * Notes that tags have changed, by the clock of Redis.
 *
 * @throws when Redis does not answer; then some of them may have been noted
 */
export async function noteTagChanges({ client }: RedisConnection, tags: readonly string[]): Promise<void> {
  for (let start = 0; start < tags.length; start += MAX_KEYS) {
    const keys = tags.slice(start, start + MAX_KEYS).map(keyOf);
    await client.eval(NOTE_CHANGES, keys.length, ...keys, MEMORY_TTL_MS, TAG_TTL_SECONDS);
  }
}

/** What Redis knows about some tags, in milliseconds of its own clock. */
export interface TagTimes {
  nowMs: number;
  /** When the last of them changed; 0 when none did for as long as an answer could be kept. An answer that began to be made later is good. */
  changedAtMs: number;
}

/**
 * Asks Redis when any of these tags was last changed. A Redis that was wiped says that everything changed now: changes may be among what it lost.
 *
 * @throws when Redis does not answer
 */
export async function readTagTimes({ client }: RedisConnection, tags: readonly string[]): Promise<TagTimes> {
  const keys = [EVERYTHING, ...tags].map(keyOf);
  const results = (await client.pipeline().time().mget(keys).exec()) ?? [];
  const [time, [everything, ...times]] = results.map(([error, result]) => {
    if (error) throw error;
    return result;
  }) as [[string, string], (string | null)[]];
  const nowMs = millisecondsOf(time);
  if (everything) return { nowMs, changedAtMs: Math.max(0, ...[everything, ...times].map(Number)) };
  // An answer that begins to be made in this very moment is good.
  await client.set(keyOf(EVERYTHING), nowMs - 1, 'NX');
  return { nowMs, changedAtMs: nowMs - 1 };
}

function millisecondsOf([seconds, microseconds]: [string, string]): number {
  return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
}

function keyOf(tag: string): string {
  return redisKey('cache-tags', tag);
}
