import { type ApolloServerPlugin, HeaderMap } from '@apollo/server';
import type { DoorLimits, RateBudget } from '@souk/platform/door-limits';
import type { SoukError } from '@souk/platform/errors';
import { redisKey } from '@souk/platform/redis';
import { GraphQLError } from 'graphql';
import type { RequestScope } from '../request-scope.ts';
import type { RootFieldUse } from '../root-fields.ts';
import type { Budgets } from './budgets.ts';
import { clientNetwork } from './client-network.ts';
import { countDecision, RateLimited } from './rate-limited.ts';

/**
 * Counts the root fields of an operation before it is run, at once where it is known without asking whether it may be.
 *
 * @throws {SoukError} RATE_LIMITED when one of them has been used too much
 */
export type RootFieldLimit = (
  client: Pick<RequestScope, 'viewer' | 'clientIp'>,
  uses: readonly RootFieldUse[],
) => void | Promise<void>;

/**
 * Limits how much one user asks of each root field of all gateways together; guests are counted by their address. What is counted is the estimated cost, so a
 * large page costs more than a small one, and each alias costs by itself. Of fields that try a secret, send a mail or move money, uses are counted.
 */
export function createRootFieldLimit({
  budgets,
  limits,
}: {
  budgets: Budgets;
  limits: () => DoorLimits;
}): RootFieldLimit {
  return ({ viewer, clientIp }, uses) => {
    if (uses.length === 0) return;
    const who = viewer ? `user.${viewer.userId}` : `guest.${clientNetwork(clientIp)}`;
    const waits = spendingsOf(uses).map((spending) =>
      budgets.spend(redisKey(`gateway.${who}`, spending.name), budgetOf(spending, limits()), spending.points),
    );
    return waits.every((wait) => typeof wait === 'number') ? decide(waits) : Promise.all(waits).then(decide);
  };
}

function decide(waits: readonly number[]): void {
  const retryAfterMs = Math.max(0, ...waits);
  countDecision('root-field', retryAfterMs > 0 ? 'refused' : 'allowed');
  if (retryAfterMs > 0) throw new RateLimited('root-field', 'You ask for this too often. Wait a little.', retryAfterMs);
}

interface Spending extends Pick<RootFieldUse, 'name' | 'isSensitive'> {
  points: number;
}

/** One for each field, however often it is asked for. */
function spendingsOf(uses: readonly RootFieldUse[]): Spending[] {
  const [sole] = uses;
  if (sole && uses.length === 1) return [{ name: sole.name, isSensitive: sole.isSensitive, points: pointsOf(sole) }];
  const spendings = new Map<string, Spending>();
  for (const use of uses) {
    const { name, isSensitive } = use;
    const spending = spendings.get(name) ?? { name, isSensitive, points: 0 };
    spending.points += pointsOf(use);
    spendings.set(name, spending);
  }
  return [...spendings.values()];
}

function pointsOf({ isSensitive, cost }: RootFieldUse): number {
  return isSensitive ? 1 : Math.max(1, Math.ceil(cost));
}

function budgetOf({ name, isSensitive }: Spending, limits: DoorLimits): RateBudget {
  const own = limits.rootFields.find((budget) => budget.name === name);
  return own ?? (isSensitive ? limits.sensitiveRootField : limits.rootField);
}

/** Holds each operation to the limit once it is known to be valid, and before it is planned. What costs too much to be run at all spends nothing. */
export function limitRootFields({
  limit,
  costBudget,
}: {
  limit: RootFieldLimit;
  costBudget: number;
}): ApolloServerPlugin<RequestScope> {
  return {
    async requestDidStart() {
      return {
        async didResolveOperation({ request: { operationName, variables = {} }, contextValue: scope }) {
          const { document, ahead } = scope;
          if ((document?.cost(operationName, variables) ?? 0) > costBudget) return;
          try {
            if (!ahead) await limit(scope, document?.rootFields(operationName, variables) ?? []);
            else if (ahead.refusal !== undefined) throw ahead.refusal;
          } catch (error) {
            throw asRequestError(error as SoukError);
          }
        },
      };
    },
  };
}

function asRequestError(error: SoukError): GraphQLError {
  const headers = new HeaderMap([['retry-after', String(Math.ceil((error.retryAfterMs ?? 0) / 1_000))]]);
  const extensions: Record<string, unknown> = { ...error.extensions, http: { status: 429, headers } };
  return new GraphQLError(error.message, { originalError: error, extensions });
}
