import { z } from 'zod';

/**
 * How much gateways take before they refuse. Staff set it at run time: the user subgraph keeps it in its tables, and gateways follow it together with the
 * access snapshot.
 */
export interface DoorLimits {
  /** Requests from one IPv4 address or one IPv6 /64 network. */
  address: RateBudget;
  /** Estimated cost of one root field, for one user or for the address of a guest. */
  rootField: RateBudget;
  /** Uses of one sensitive root field, by one user or from the address of a guest. */
  sensitiveRootField: RateBudget;
  /** Budgets of single root fields instead of the general one, counted as it is. */
  rootFields: RootFieldBudget[];
  instance: InstanceLimits;
}

/** So many points from the first request on until the window ends. */
export interface RateBudget {
  points: number;
  windowSeconds: number;
}

export interface RootFieldBudget extends RateBudget {
  name: string;
}

/** What one gateway works on at a time. */
export interface InstanceLimits {
  minimumInFlight: number;
  maximumInFlight: number;
  /** How much longer than usual operations may take before less is let in. */
  delayMs: number;
  /** The part of the requests in flight that only checkout and payment may be. */
  reservedPercent: number;
}

/**
 * What holds where staff have set nothing. Many honest people can have one address, a school or a mobile network for example, so the budgets of addresses are
 * wide; passwords have a limit for each account besides.
 */
export const defaultDoorLimits: DoorLimits = {
  address: { points: 3_000, windowSeconds: 10 },
  rootField: { points: 50_000, windowSeconds: 10 },
  sensitiveRootField: { points: 120, windowSeconds: 60 },
  // Every signed-in client does this every few minutes, and nobody guesses 256 bits.
  rootFields: [{ name: 'tokenRefresh', points: 6_000, windowSeconds: 60 }],
  instance: { minimumInFlight: 32, maximumInFlight: 1_000, delayMs: 100, reservedPercent: 20 },
};

const budget = z.object({ points: whole(10, 100_000_000), windowSeconds: whole(1, 3_600) });

const rootFields = z
  .array(budget.extend({ name: z.string().regex(/^[_a-z]\w{0,99}$/i, 'Expected the name of a root field.') }))
  .max(100, 'Expected at most 100 budgets.')
  .refine((fields) => new Set(fields.map(({ name }) => name)).size === fields.length, 'Expected each name once.');

const instance = z
  .object({
    minimumInFlight: whole(8, 10_000),
    maximumInFlight: whole(8, 10_000),
    delayMs: whole(5, 10_000),
    reservedPercent: whole(0, 90),
  })
  .refine(({ minimumInFlight, maximumInFlight }) => minimumInFlight <= maximumInFlight, {
    path: ['maximumInFlight'],
    message: 'Expected a maximum that is not below the minimum.',
  });

/** Checks limits, wherever they come from. None can be set that would keep staff from setting another. */
export const doorLimitsShape = z.object({
  address: budget,
  rootField: budget,
  sensitiveRootField: budget,
  rootFields,
  instance,
}) satisfies z.ZodType<DoorLimits>;

function whole(minimum: number, maximum: number) {
  const expected = `Expected a whole number from ${minimum} to ${maximum}.`;
  return z.int(expected).min(minimum, expected).max(maximum, expected);
}
