import { ask, type Client } from './client.ts';
import { graphql } from './generated/gql.ts';
import type { DoorLimitsSetInput } from './generated/graphql.ts';

const DoorLimits = graphql(`query DoorLimits { doorLimits { version } }`);
const DoorLimitsSet = graphql(`
  mutation DoorLimitsSet($input: DoorLimitsSetInput!) {
    doorLimitsSet(input: $input) { userErrors { code field message } }
  }
`);

/** Sets limits of the gateways, which follow within a second. */
export async function setDoorLimits(admin: Client, limits: Omit<DoorLimitsSetInput, 'expectedVersion'>): Promise<void> {
  const { doorLimits } = await ask(admin, DoorLimits);
  const { doorLimitsSet } = await ask(admin, DoorLimitsSet, {
    input: { ...limits, expectedVersion: doorLimits?.version ?? 0 },
  });
  const [error] = doorLimitsSet?.userErrors ?? [];
  if (error) throw new Error(`Expected the limits to be set, got ${JSON.stringify(error)}.`);
}

const plenty = { points: 100_000_000, windowSeconds: 1 };

const budgets = { address: plenty, rootField: plenty, sensitiveRootField: plenty, rootFields: [] };

/** Lets one address ask for as much as it likes: tests are many customers at one. */
export async function liftBudgets(admin: Client): Promise<void> {
  await setDoorLimits(admin, budgets);
}

/** The same, and nothing is refused because the machine is slow. */
export async function liftLimits(admin: Client): Promise<void> {
  const instance = { minimumInFlight: 1_000, maximumInFlight: 1_000, delayMs: 10_000, reservedPercent: 0 };
  await setDoorLimits(admin, { ...budgets, instance });
}
