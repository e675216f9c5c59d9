import type { DoorLimits } from '@souk/platform/door-limits';
import { redisKey } from '@souk/platform/redis';
import type { Budgets } from './budgets.ts';
import { clientNetwork } from './client-network.ts';
import { countDecision, rateLimited } from './rate-limited.ts';

/**
 * Counts a request from an address.
 *
 * @throws {SoukError} RATE_LIMITED
 */
export type AddressLimit = (clientIp: string) => Promise<void>;

/** Limits how many requests one network sends to all gateways together, before anything of them is read. */
export function createAddressLimit({ budgets, limits }: { budgets: Budgets; limits: () => DoorLimits }): AddressLimit {
  return async (clientIp) => {
    const key = redisKey(`gateway.address.${clientNetwork(clientIp)}`, 'requests');
    const retryAfterMs = await budgets.spend(key, limits().address);
    countDecision('address', retryAfterMs > 0 ? 'refused' : 'allowed');
    if (retryAfterMs > 0) throw rateLimited('Too many requests come from this address. Wait a little.', retryAfterMs);
  };
}
