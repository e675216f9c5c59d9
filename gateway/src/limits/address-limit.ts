import type { DoorLimits } from '@souk/platform/door-limits';
import { redisKey } from '@souk/platform/redis';
import { LRUCache } from 'lru-cache';
import type { Budgets } from './budgets.ts';
import { clientNetwork } from './client-network.ts';
import { countDecision, RateLimited } from './rate-limited.ts';

/** Limits how many requests one network sends to all gateways together. */
export interface AddressLimit {
  /**
   * Refuses an address of which it is known that it has sent too much. Costs nothing, so it comes first.
   *
   * @throws {SoukError} RATE_LIMITED
   */
  refuseBlocked(clientIp: string): void;
  /**
   * Counts a request, at once where it is known without asking whether it may come in.
   *
   * @throws {SoukError} RATE_LIMITED when it is one too many
   */
  count(clientIp: string): void | Promise<void>;
}

const MAX_KEYS = 10_000;

export function createAddressLimit({ budgets, limits }: { budgets: Budgets; limits: () => DoorLimits }): AddressLimit {
  const keys = new LRUCache<string, string>({ max: MAX_KEYS });

  function keyOf(clientIp: string): string {
    const known = keys.get(clientIp);
    if (known !== undefined) return known;
    const key = redisKey(`gateway.address.${clientNetwork(clientIp)}`, 'requests');
    keys.set(clientIp, key);
    return key;
  }

  return {
    refuseBlocked(clientIp) {
      const retryAfterMs = budgets.blockedMs(keyOf(clientIp), limits().address);
      if (retryAfterMs > 0) throw refused(retryAfterMs);
    },
    count(clientIp) {
      const retryAfterMs = budgets.spend(keyOf(clientIp), limits().address);
      return typeof retryAfterMs === 'number' ? decide(retryAfterMs) : retryAfterMs.then(decide);
    },
  };
}

function decide(retryAfterMs: number): void {
  if (retryAfterMs > 0) throw refused(retryAfterMs);
  countDecision('address', 'allowed');
}

function refused(retryAfterMs: number): RateLimited {
  countDecision('address', 'refused');
  return new RateLimited('address', 'Too many requests come from this address. Wait a little.', retryAfterMs);
}
