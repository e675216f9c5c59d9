import type { RateBudget } from '@souk/platform/door-limits';
import { createCounter } from '@souk/platform/metrics';
import type { RedisConnection } from '@souk/platform/redis';
import { LRUCache } from 'lru-cache';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';

/** Counts what is spent by key, for all gateways together. */
export interface Budgets {
  /**
   * Spends points of a key's budget. One that costs more than the whole budget spends all of it, so that it is let in once in a window and not never.
   *
   * @returns 0 when the points were there, else the milliseconds until the budget is full again; at once where that is known without asking
   */
  spend(key: string, budget: RateBudget, points?: number): number | Promise<number>;
  /** The same without spending anything or asking anybody: 0 unless it is known that the budget is used up. */
  blockedMs(key: string, budget: RateBudget): number;
}

const spendings = createCounter({
  name: 'souk_budget_spendings_total',
  help: 'Spendings of rate budgets by where they were counted, several together where there is room: in Redis, or in memory while it is away.',
  labelNames: ['counted'],
});

const MAX_BUDGETS = 500;
const MAX_BLOCKED = 50_000;
/** Up to this part of a budget is granted at once, and Redis is told afterwards. */
const GRANTED_AT_ONCE = 0.5;
/** Of what Redis has not been told, all gateways together have no more than this part of a budget. */
const UNTOLD = 0.1;
const TOLD_AFTER_MS = 50;
/** How long a Redis that does not answer is left alone. */
const RETRY_EVERY_MS = 1_000;

/**
 * Opens budgets that live in Redis. While not half of one is spent, gateways grant what is asked of it at once and tell Redis together what several requests
 * have spent; from then on each is asked for, so that what is let in is exact where it matters, to a tenth of the budget at the very worst. A key that has used
 * its budget up is refused from memory until the window ends. While Redis is away, each gateway grants
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
  const counterByBudget = new WeakMap<RateBudget, BudgetCounter>();
  const untold = new Map<Account, { counter: BudgetCounter; key: string }>();
  /** Zero while Redis can be relied on. */
  let retryAtMs = 0;

  function counterOf(budget: RateBudget): BudgetCounter {
    const known = counterByBudget.get(budget);
    if (known) return known;
    const counter = openCounter(budget);
    counterByBudget.set(budget, counter);
    return counter;
  }

  function openCounter({ points, windowSeconds }: RateBudget): BudgetCounter {
    const name = `${points} in ${windowSeconds}`;
    const present = counters.get(name);
    if (present) return present;
    const options = { keyPrefix: '', points, duration: windowSeconds };
    const counter = {
      shared: new RateLimiterRedis({ ...options, storeClient: client, rejectIfRedisNotReady: true }),
      own: new RateLimiterMemory(options),
      blockedUntilMs: new LRUCache<string, number>({ max: MAX_BLOCKED }),
      accounts: new LRUCache<string, Account>({ max: MAX_BLOCKED }),
    };
    counters.set(name, counter);
    return counter;
  }

  /** Grants points that are there by far, as far as is known. */
  function grantsAtOnce({ shared: { points: all } }: BudgetCounter, account: Account, points: number): boolean {
    if (retryAtMs > 0 || account.endsAtMs <= Date.now()) return false;
    const untoldPoints = account.untold + account.onTheWay + points;
    return account.spent + untoldPoints <= all * GRANTED_AT_ONCE && untoldPoints <= (all * UNTOLD) / instances();
  }

  function tellLater(counter: BudgetCounter, key: string, account: Account): void {
    if (untold.size === 0) setTimeout(tell, TOLD_AFTER_MS).unref();
    untold.set(account, { counter, key });
  }

  function tell(): void {
    const all = [...untold];
    untold.clear();
    for (const [account, { counter, key }] of all) if (account.untold > 0) void settle(counter, key, 0);
  }

  /** Spends points together with those that Redis has not been told of. */
  async function settle(counter: BudgetCounter, key: string, points: number): Promise<number> {
    const account = counter.accounts.get(key);
    const told = account?.untold ?? 0;
    if (account) {
      account.untold = 0;
      account.onTheWay += told;
    }
    const retryAfterMs = (await inRedis(counter, key, points + told)) ?? (await inMemory(counter, key, points + told));
    if (account) account.onTheWay -= told;
    if (retryAfterMs > 0) counter.blockedUntilMs.set(key, Date.now() + retryAfterMs);
    return retryAfterMs;
  }

  async function inRedis(counter: BudgetCounter, key: string, points: number): Promise<number | undefined> {
    const now = Date.now();
    if (retryAtMs > now) return undefined;
    // One request finds out whether Redis is back; the others need not wait for that.
    if (retryAtMs > 0) retryAtMs = now + RETRY_EVERY_MS;
    try {
      const { isRefused, consumedPoints: spent, msBeforeNext } = await consume(counter.shared, key, points);
      retryAtMs = 0;
      spendings.labels('redis').inc();
      const account = counter.accounts.get(key);
      const endsAtMs = Date.now() + msBeforeNext;
      if (account) Object.assign(account, { spent, endsAtMs });
      else counter.accounts.set(key, { spent, untold: 0, onTheWay: 0, endsAtMs });
      return isRefused ? Math.max(1, msBeforeNext) : 0;
    } catch {
      retryAtMs = Date.now() + RETRY_EVERY_MS;
      return undefined;
    }
  }

  async function inMemory({ own, shared }: BudgetCounter, key: string, points: number): Promise<number> {
    spendings.labels('memory').inc();
    own.points = Math.max(1, Math.floor(shared.points / instances()));
    const { isRefused, msBeforeNext } = await consume(own, key, points);
    return isRefused ? Math.max(1, msBeforeNext) : 0;
  }

  const blockedMs = ({ blockedUntilMs }: BudgetCounter, key: string) =>
    Math.max(0, (blockedUntilMs.get(key) ?? 0) - Date.now());

  return {
    blockedMs: (key, budget) => blockedMs(counterOf(budget), key),
    spend(key, budget, points = 1) {
      const counter = counterOf(budget);
      const blocked = blockedMs(counter, key);
      if (blocked > 0) return blocked;
      const account = counter.accounts.get(key);
      if (!account || !grantsAtOnce(counter, account, points)) return settle(counter, key, points);
      account.untold += points;
      tellLater(counter, key, account);
      return 0;
    },
  };
}

interface BudgetCounter {
  shared: RateLimiterRedis;
  own: RateLimiterMemory;
  /** Until when a key is refused without counting. */
  blockedUntilMs: LRUCache<string, number>;
  accounts: LRUCache<string, Account>;
}

/** What is known here of one key's budget. */
interface Account {
  /** What all gateways had spent when Redis last said so. */
  spent: number;
  /** What was granted here, and Redis has not been told; and what it is being told. */
  untold: number;
  onTheWay: number;
  /** When the window ends. */
  endsAtMs: number;
}

type Consumption = Pick<RateLimiterRes, 'consumedPoints' | 'msBeforeNext'> & { isRefused: boolean };

/** @throws when it cannot be counted */
async function consume(
  limiter: RateLimiterRedis | RateLimiterMemory,
  key: string,
  points: number,
): Promise<Consumption> {
  try {
    const { consumedPoints, msBeforeNext } = await limiter.consume(key, Math.min(points, limiter.points));
    return { consumedPoints, msBeforeNext, isRefused: false };
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    const { consumedPoints, msBeforeNext } = refusal;
    return { consumedPoints, msBeforeNext, isRefused: true };
  }
}
