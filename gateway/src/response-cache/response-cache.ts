import type { TagTimes } from '@souk/platform/cache-tag-times';
import type { Variables } from '@souk/platform/cost';
import type { RedisConnection } from '@souk/platform/redis';
import type { GraphQLError } from 'graphql';
import { LRUCache } from 'lru-cache';
import { Errand } from '../errand.ts';
import type { WrittenData } from '../execution/written-data.ts';
import { createFlights } from '../flights.ts';
import type { RequestScope } from '../request-scope.ts';
import type { KeptAnswer } from './kept-answer.ts';
import { type CacheResult, cacheRequests } from './metrics.ts';
import { openRedisAnswers } from './redis-answers.ts';
import { collectSources } from './sources.ts';

/**
 * Answers what is the same for everybody from what was answered before.
 *
 * Words. An answer is *good* when nothing it was made from has changed since it began to be made. It is *trusted* for a second after that was last known, and
 * then it is asked again whether it is good; so a change shows within a second of the moment Redis was told of it.
 */
export interface ResponseCache {
  /**
   * The question a request puts, if its answer is the same for everybody; undefined otherwise. Ask for operations that are valid, that have been counted, and
   * that the client may run: an answer that is kept is nobody's to refuse any more.
   */
  question(scope: RequestScope, operationName: string | undefined, variables: Variables): Question | undefined;
  /**
   * Answers a question from memory, from Redis, together with others who are asking it now, or else by `run`. Notes in the scope where the answer came from.
   *
   * @param run executes the operation in the scope it is given, which is not that of one request: it ends only when nobody waits any more
   */
  answer(question: Question, scope: RequestScope, run: (scope: RequestScope) => Promise<Answer>): Promise<Answer>;
}

/** Where the answer to a request came from, and for how many seconds everybody may keep it; nothing until there is one, or when nobody may. */
export interface Caching {
  result?: CacheResult;
  freshForSeconds?: number | undefined;
}

export interface Question {
  key: string;
  maxAgeSeconds: number;
}

/** What an operation comes to. */
export interface Answer {
  /** Undefined when the request was refused. */
  data: WrittenData | null | undefined;
  errors?: readonly GraphQLError[] | undefined;
}

export interface ResponseCacheOptions {
  /** Path of the endpoint. */
  endpoint: string;
  redis: RedisConnection;
}

/** Who asks, where the answer is the same for everybody. */
const FOR_ALL = '';
const TRUSTED_MS = 1_000;
const MAX_ANSWERS = 5_000;
const MEMORY_BYTES = 32 * 1024 * 1024;
const MAX_ANSWER_BYTES = 256 * 1024;

/** An answer in memory; times by `performance.now()`. */
interface Remembered extends KeptAnswer {
  trustedUntilMs: number;
  expiresAtMs: number;
}

/** What a flight comes to: an answer for everybody, or one that is not kept. */
interface Landing {
  answer: Answer;
  kept?: Remembered;
  result: CacheResult;
}

/** Keeps answers in memory and, for the other gateways and after a restart, in Redis. While Redis is away, memory is trusted for its second. */
export function createResponseCache({ endpoint, redis }: ResponseCacheOptions): ResponseCache {
  const stored = openRedisAnswers(redis);
  const flights = createFlights<Landing>({ boardingMs: TRUSTED_MS });
  const memory = new LRUCache<string, Remembered>({
    max: MAX_ANSWERS,
    maxSize: MEMORY_BYTES,
    maxEntrySize: MAX_ANSWER_BYTES,
    sizeCalculation: ({ data }) => data.size,
  });

  async function find({ key, maxAgeSeconds }: Question, scope: RequestScope, run: Run): Promise<Landing> {
    const askedAtMs = performance.now();
    const known = memory.get(key) ?? (await stored.find(key)) ?? undefined;
    const times = await stored.tagTimes(known?.tags ?? []);
    const good = known && times && whenGood(known, times, askedAtMs);
    if (good) {
      memory.set(key, good);
      return { answer: { data: good.data }, kept: good, result: 'hit-redis' };
    }
    const toldAtMs = performance.now();
    const sources = collectSources();
    const answer = await run({ ...scope, sources });
    const tags = sources.tags();
    if (!answer.data || answer.errors?.length || !tags) return { answer, result: 'miss' };
    const beganAtMs = Math.min(askedAtMs, sources.oldestMs());
    // What others had asked for before may be older than the time Redis told.
    const madeAtMs = times && times.nowMs - Math.ceil(Math.max(0, toldAtMs - sources.oldestMs()));
    const kept = {
      ...{ data: answer.data.kept(), tags, madeAtMs, maxAgeSeconds },
      trustedUntilMs: beganAtMs + TRUSTED_MS,
      expiresAtMs: beganAtMs + maxAgeSeconds * 1_000,
    };
    memory.set(key, kept);
    if (madeAtMs !== undefined) stored.keep(key, { data: answer.data, tags, madeAtMs, maxAgeSeconds });
    return { answer, kept, result: 'miss' };
  }

  function note(scope: RequestScope, result: CacheResult, kept?: Remembered): void {
    cacheRequests.labels(endpoint, result).inc();
    const freshForSeconds = kept && Math.max(0, Math.floor((kept.expiresAtMs - performance.now()) / 1_000));
    Object.assign(scope.caching, { result, freshForSeconds });
    scope.record.cache = result;
  }

  return {
    question(scope, operationName, variables) {
      const operation = isForEverybody(scope) ? scope.document?.cacheable(operationName) : undefined;
      const key = operation?.keyFor(variables);
      if (operation && key) return { key, maxAgeSeconds: operation.maxAgeSeconds };
      note(scope, 'uncacheable');
      return undefined;
    },

    async answer(question, scope, run) {
      const { key } = question;
      const known = memory.get(key);
      if (known && known.trustedUntilMs > performance.now()) {
        note(scope, 'hit-memory', known);
        return { data: known.data };
      }
      const { landing, isShared } = flights.board(new Errand(FOR_ALL, '', key), scope.hungUp, (wish, result) => {
        const hangUp = new AbortController();
        wish.listener = { abandoned: (reason) => hangUp.abort(reason) };
        find(question, { ...scope, hungUp: hangUp.signal }, run).then(
          (landed) => result.answered(landed),
          (error: unknown) => result.failed(error),
        );
      });
      const { answer, kept, result } = await landing;
      note(scope, isShared ? 'shared' : result, kept);
      return answer;
    },
  };
}

/** Whether the answer to a request was there already. */
export function isFromCache({ caching: { result } }: RequestScope): boolean {
  return result !== undefined && result !== 'miss' && result !== 'uncacheable';
}

type Run = Parameters<ResponseCache['answer']>[2];

/**
 * Where the client has a refresh token kept, it is somebody, even before the token was exchanged. Who looks at how an answer is made gets one that is made. What
 * may come in parts is kept for nobody.
 */
function isForEverybody({ viewer, custody, debug, parts }: RequestScope): boolean {
  return viewer === null && custody === undefined && debug === undefined && parts === undefined;
}

function whenGood(known: KeptAnswer, { nowMs, changedAtMs }: TagTimes, askedAtMs: number): Remembered | undefined {
  const { madeAtMs, maxAgeSeconds } = known;
  if (madeAtMs === undefined || madeAtMs <= changedAtMs) return undefined;
  const expiresAtMs = askedAtMs + maxAgeSeconds * 1_000 - (nowMs - madeAtMs);
  return expiresAtMs > askedAtMs ? { ...known, trustedUntilMs: askedAtMs + TRUSTED_MS, expiresAtMs } : undefined;
}
