import { readTagTimes, type TagTimes } from '@souk/platform/cache-tag-times';
import { type RedisConnection, redisKey } from '@souk/platform/redis';
import { WrittenData } from '../execution/written-data.ts';
import type { KeptAnswer } from './kept-answer.ts';

/** Answers in Redis, which all gateways share. */
export interface RedisAnswers {
  /** What is kept under a key, good or not; null when nothing is, undefined while Redis cannot be asked. */
  find(key: string): Promise<KeptAnswer | null | undefined>;
  /** When any of these tags changed, and what time it is; undefined while Redis cannot be asked. */
  tagTimes(tags: readonly string[]): Promise<TagTimes | undefined>;
  /** Keeps an answer, if it is not too large. Nobody waits for it. */
  keep(key: string, answer: KeptAnswer): void;
}

/** Redis also holds the queues and must never evict anything, so answers may fill only so many places of it: 128 MiB at the very most. */
const PLACES = 2_048;
const MAX_BYTES = 64 * 1024;
/** A Redis that hangs would cost every request its time limit, so after one it is left alone for a while. */
const LEFT_ALONE_MS = 2_000;

/** Each key has one of a fixed number of places, where the newest answer takes the place of an older one. */
export function openRedisAnswers(redis: RedisConnection): RedisAnswers {
  const { client } = redis;
  let leftAloneUntilMs = 0;

  async function unlessAway<Value>(ask: () => Promise<Value>): Promise<Value | undefined> {
    if (client.status !== 'ready' || Date.now() < leftAloneUntilMs) return undefined;
    try {
      return await ask();
    } catch {
      leftAloneUntilMs = Date.now() + LEFT_ALONE_MS;
      return undefined;
    }
  }

  return {
    find: (key) => unlessAway(async () => read(key, await client.get(placeOf(key)))),
    tagTimes: (tags) => unlessAway(() => readTagTimes(redis, tags)),
    keep(key, answer) {
      const text = write(key, answer);
      if (Buffer.byteLength(text) > MAX_BYTES) return;
      void unlessAway(() => client.set(placeOf(key), text, 'EX', answer.maxAgeSeconds));
    },
  };
}

function placeOf(key: string): string {
  const place = Buffer.from(key.slice(0, 8), 'base64url').readUInt32BE() % PLACES;
  return redisKey('gateway.response-cache', String(place));
}

/** First everything but the data, as JSON in one line; the data as they are sent after it, so that they need not be parsed. */
function write(key: string, { data, ...about }: KeptAnswer): string {
  return `${JSON.stringify({ key, ...about })}\n${data.text}`;
}

/** The place may be another answer's by now. */
function read(key: string, text: string | null): KeptAnswer | null {
  if (text === null) return null;
  const end = text.indexOf('\n');
  const { key: found, ...about } = JSON.parse(text.slice(0, end)) as { key: string } & Omit<KeptAnswer, 'data'>;
  return found === key ? { ...about, data: WrittenData.of(text.slice(end + 1)) } : null;
}
