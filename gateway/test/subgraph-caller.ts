import type { Viewer } from '@souk/platform/identity';
import { createLogger } from '@souk/platform/logger';
import type { TokenCustody } from '@souk/platform/token-custody';
import type { GraphQLFormattedError } from 'graphql';
import { register } from 'prom-client';
import { openRecord } from '../src/accounting/request-record.ts';
import { prepareOperation } from '../src/execution/subgraph-request.ts';
import type { RequestScope } from '../src/request-scope.ts';
import { createMutationClock } from '../src/subgraph-client/mutation-clock.ts';
import { createSubgraphClient, type SubgraphClient, type SubgraphClientOptions } from '../src/subgraph-client.ts';

const logger = createLogger('test', { level: 'silent' });
export const QUERY = '{ order { id } }';
export const MUTATION = 'mutation { orderCancel { id } }';

/** Limits for tests of what becomes of requests that take too long. */
export const hasty = { queryTimeoutMs: 300, mutationTimeoutMs: 600 };

/** What asks a subgraph in tests: the gateway's client, with limits that nothing reaches, and what it tells about itself. */
export interface SubgraphCaller {
  ask(
    query?: string,
    options?: {
      variables?: Record<string, unknown>;
      hungUp?: AbortSignal;
      custody?: TokenCustody;
      viewer?: Viewer;
      /** Written down, as the compiled executor does it: such a query may be shared. */
      isText?: boolean;
    },
  ): Promise<SubgraphAnswer>;
  /** The codes of the errors of so many queries sent at once; `answered` for those without. */
  askAtOnce(count: number, query?: string): Promise<string[]>;
  /** By address: whether it gets requests. */
  breakers(): Promise<Record<string, number>>;
  /** How many requests ended like this. */
  outcomes(outcome: string): Promise<number>;
  queueLength(): Promise<number>;
  /** How many requests were sent again, out of the budget for that. */
  retries(): Promise<number>;
  close(): Promise<void>;
}

export interface SubgraphAnswer {
  data?: Record<string, unknown> | null;
  errors?: GraphQLFormattedError[];
}

let callers = 0;

export function openSubgraphCaller(
  urls: readonly string[],
  options: Partial<SubgraphClientOptions> = {},
): SubgraphCaller {
  // Counters are told apart by it.
  const name = `order-${++callers}`;
  const client = createSubgraphClient({
    name,
    urls,
    queryTimeoutMs: 10_000,
    mutationTimeoutMs: 10_000,
    signer: {
      assertion: async (audience, viewer) => `signed for ${audience}${viewer ? ` and ${viewer.userId}` : ''}`,
    },
    clock: createMutationClock(),
    logger,
    ...options,
  });
  const values = async (metric: string) => {
    const { values: all = [] } = (await register.getSingleMetric(metric)?.get()) ?? {};
    return all.filter(({ labels }) => labels['subgraph'] === name);
  };

  const caller: SubgraphCaller = {
    ask: async (query = QUERY, options = {}) => {
      const { variables = {}, hungUp = new AbortController().signal, custody, viewer = null, isText } = options;
      const context: RequestScope = {
        requestId: 'request-1',
        viewer,
        clientIp: '192.0.2.7',
        clientAgent: 'test',
        custody,
        log: () => logger,
        record: openRecord({ headers: {}, clientIp: '192.0.2.7' }),
        hungUp,
        caching: {},
      };
      if (isText) {
        const written = { operation: prepareOperation(query), variables: JSON.stringify(variables) };
        const { data, errors } = await client.send(written, context);
        return { data, errors } as SubgraphAnswer;
      }
      const asked = { kind: 'incoming operation', request: { query, variables }, context };
      return (await client.process(asked as unknown as Parameters<SubgraphClient['process']>[0])) as SubgraphAnswer;
    },
    async askAtOnce(count, query) {
      const answers = await Promise.all(Array.from({ length: count }, () => caller.ask(query)));
      return answers.map(({ errors }) => String(errors?.[0]?.extensions?.['code'] ?? 'answered'));
    },
    breakers: async () =>
      Object.fromEntries(
        (await values('souk_subgraph_breaker_state')).map(({ labels, value }) => [labels['address'], value]),
      ),
    outcomes: async (outcome) =>
      (await values('souk_subgraph_requests_total')).find(({ labels }) => labels['outcome'] === outcome)?.value ?? 0,
    retries: async () => (await values('souk_subgraph_retries_total')).reduce((sum, { value }) => sum + value, 0),
    queueLength: async () => (await values('souk_subgraph_queue_length'))[0]?.value ?? 0,
    close: client.close,
  };
  return caller;
}
