import type { DoorLimits } from '@souk/platform/door-limits';
import type { RedisConnection } from '@souk/platform/redis';
import { type AddressLimit, createAddressLimit } from './address-limit.ts';
import { openBudgets } from './budgets.ts';
import { createInstanceLimit, type InstanceLimit } from './instance-limit.ts';
import { createRootFieldLimit, type RootFieldLimit } from './root-field-limit.ts';

/** What holds back those who ask too much, in the order a request meets it. */
export interface RateLimits {
  address: AddressLimit;
  instance: InstanceLimit;
  rootField: RootFieldLimit;
}

/**
 * Opens the limits of a gateway, for all its endpoints together.
 *
 * @param limits    what holds now: asked for with every request, so that a change needs no restart
 * @param instances how many gateways share the budgets
 */
export function openRateLimits(options: {
  redis: RedisConnection;
  limits: () => DoorLimits;
  instances: () => number;
}): RateLimits {
  const { limits } = options;
  const budgets = openBudgets(options);
  return {
    address: createAddressLimit({ budgets, limits }),
    instance: createInstanceLimit(limits),
    rootField: createRootFieldLimit({ budgets, limits }),
  };
}
