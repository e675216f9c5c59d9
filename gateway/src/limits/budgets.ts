import type { RateBudget } from '@souk/platform/door-limits';
import type { RedisConnection } from '@souk/platform/redis';
import { LRUCache } from 'lru-cache';
import { Counter } from 'prom-client';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';

/** Counts what is spent by key, for all gateways together. */
export interface Budgets {
  /**
   * Spends points of a key's budget. One that costs more than the whole budget spends all of it, so that it is let in once in a window and not never.
   *
   * @returns 0 when the points were there, else the milliseconds until the budget is full again
   */
  spend(key: string, budget: RateBudget, points?: number): Promise<number>;
  /** The same without spending anything or asking anybody: 0 unless it is known that the budget is used up. */
  blockedMs(key: string, budget: RateBudget): number;
}

const spendings = new Counter({
  name: 'souk_budget_spendings_total',
  help: 'Spendings of rate budgets by where they were counted: in Redis, or in memory while it is away.',
  labelNames: ['counted'],
});

const MAX_BUDGETS = 500;
const MAX_BLOCKED = 50_000;
/** How long a Redis that does not answer is left alone. */
const RETRY_EVERY_MS = 1_000;

/**
 * Opens budgets that live in Redis. A key that has used its budget up is refused from memory until the window ends. While Redis is away, each gateway grants
 * its part of the budgets, counted in its own memory: together they grant what they always do.
 *
 * @param instances how many gateways there are
 */
export function openBudgets({
  redis: { client },
  instances,
}: {
  redis: RedisConnection;
  instances: () => number;
}): Budgets {
  // A budget that staff have changed is another one, which has blocked nobody yet. What was spent stands in Redis under the same key.
  const counters = new LRUCache<string, BudgetCounter>({ max: MAX_BUDGETS });
  /** Zero while Redis can be relied on. */
  let retryAtMs = 0;

  function counterOf({ points, windowSeconds }: RateBudget): BudgetCounter {
    const name = `${points} in ${windowSeconds}`;
    const present = counters.get(name);
    if (present) return present;
    const options = { keyPrefix: '', points, duration: windowSeconds };
    const counter = {
      shared: new RateLimiterRedis({ ...options, storeClient: client, rejectIfRedisNotReady: true }),
      own: new RateLimiterMemory(options),
      blockedUntilMs: new LRUCache<string, number>({ max: MAX_BLOCKED }),
    };
    counters.set(name, counter);
    return counter;
  }

  async function inRedis({ shared }: BudgetCounter, key: string, points: number): Promise<number | undefined> {
    const now = Date.now();
    if (retryAtMs > now) return undefined;
    // One request finds out whether Redis is back; the others need not wait for that.
    if (retryAtMs > 0) retryAtMs = now + RETRY_EVERY_MS;
    try {
      const retryAfterMs = await consume(shared, key, points);
      retryAtMs = 0;
      spendings.inc({ counted: 'redis' });
      return retryAfterMs;
    } catch {
      retryAtMs = Date.now() + RETRY_EVERY_MS;
      return undefined;
    }
  }

  function inMemory({ own, shared }: BudgetCounter, key: string, points: number): Promise<number> {
    spendings.inc({ counted: 'memory' });
    own.points = Math.max(1, Math.floor(shared.points / instances()));
    return consume(own, key, points);
  }

  const blockedMs = ({ blockedUntilMs }: BudgetCounter, key: string) =>
    Math.max(0, (blockedUntilMs.get(key) ?? 0) - Date.now());

  return {
    blockedMs: (key, budget) => blockedMs(counterOf(budget), key),
    async spend(key, budget, points = 1) {
      const counter = counterOf(budget);
      const blocked = blockedMs(counter, key);
      if (blocked > 0) return blocked;
      const retryAfterMs = (await inRedis(counter, key, points)) ?? (await inMemory(counter, key, points));
      if (retryAfterMs > 0) counter.blockedUntilMs.set(key, Date.now() + retryAfterMs);
      return retryAfterMs;
    },
  };
}

interface BudgetCounter {
  shared: RateLimiterRedis;
  own: RateLimiterMemory;
  /** Until when a key is refused without counting. */
  blockedUntilMs: LRUCache<string, number>;
}

/** @throws when it cannot be counted */
async function consume(limiter: RateLimiterRedis | RateLimiterMemory, key: string, points: number): Promise<number> {
  try {
    await limiter.consume(key, Math.min(points, limiter.points));
    return 0;
  } catch (refusal) {
    if (refusal instanceof RateLimiterRes) return Math.max(1, refusal.msBeforeNext);
    throw refusal;
  }
}
