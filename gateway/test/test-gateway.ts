import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { type DoorLimits, defaultDoorLimits } from '@souk/platform/door-limits';
import type { Logger } from '@souk/platform/logger';
import { createLogger } from '@souk/platform/logger';
import { openRedis } from '@souk/platform/redis';
import { createBrowserOrigins, tellOrigins } from '../src/browser-origins.ts';
import { defaultDocumentLimits } from '../src/document-guard.ts';
import { openRateLimits } from '../src/limits/rate-limits.ts';
import { createPersistedQueries } from '../src/persisted-queries.ts';
import { createPublicServer, openPlainRequests } from '../src/public-server.ts';
import type { RequestScope } from '../src/request-scope.ts';
import { addEndpoint, type Endpoint, type EndpointOptions } from '../src/server.ts';
import type { MutationClock } from '../src/subgraph-client/mutation-clock.ts';
import type { SubgraphClient } from '../src/subgraph-client.ts';
import { openSubscriptions } from '../src/subscriptions/open-subscriptions.ts';
import { defaultSubscriptionLimits, type SubscriptionLimits } from '../src/subscriptions/subscription-limits.ts';
import { defaultSubscriptionPeriods, type SubscriptionPeriods } from '../src/subscriptions/subscription-periods.ts';

export interface TestAnswer {
  status: number;
  headers: Record<string, unknown>;
  /** The body as it came. */
  text: string;
  data: unknown;
  /** Of every error. */
  codes: string[];
  messages: string[];
  extensions: Record<string, unknown> | undefined;
}

export interface TestGateway {
  post(body: object, headers?: Record<string, string>, remoteAddress?: string): Promise<TestAnswer>;
  /** Sends it over a connection, which is kept for the next one. Headers of the answer are in the order and the spelling in which they came. */
  send(body: object | string, headers?: Record<string, string>): Promise<TestAnswer>;
  get(
    parameters: Record<string, string>,
    headers?: Record<string, string>,
    remoteAddress?: string,
  ): Promise<TestAnswer>;
  /** Sends a body as it is; gives the status. */
  postText(body: string, remoteAddress?: string): Promise<number>;
  /** The operations that subgraphs were sent. */
  sent: string[];
  /** Lets clients connect. Returns the address of the endpoint. */
  listen(): Promise<string>;
  /** Keeps subgraphs from answering. Returns how to let them. */
  hold(): () => void;
  close(): Promise<void>;
}

export type TestGatewayOptions = Partial<Endpoint> &
  Partial<EndpointOptions> & {
    redisUrl: string;
    /** What every subgraph answers. */
    answer?: object | ((scope: RequestScope) => object);
    /** What subgraphs say their answers are made from, none for nothing said. Answers are kept where this is given. */
    tags?: readonly string[];
    /** How much is taken before it is refused. */
    doorLimits?: () => DoorLimits;
    /** How many gateways share the limits. */
    instances?: () => number;
    /** How many connections may be open. */
    subscriptionLimits?: Partial<SubscriptionLimits>;
    /** How long is waited for clients with subscriptions. */
    subscriptionPeriods?: Partial<SubscriptionPeriods>;
  };

const schemaFile = (file: string) => new URL(`../../schema/${file}`, import.meta.url).pathname;

/** The storefront's endpoint without a shop behind it: what matters is which requests get past the door. */
export async function openTestGateway({
  redisUrl,
  answer = { data: {} },
  doorLimits = () => defaultDoorLimits,
  instances = () => 1,
  tags,
  subscriptionLimits = {},
  subscriptionPeriods = {},
  ...settings
}: TestGatewayOptions): Promise<TestGateway> {
  const logger: Logger = settings.logger ?? createLogger('test', { level: 'silent' });
  const redis = openRedis({ url: redisUrl, name: 'test' });
  await redis.ready();
  const sent: string[] = [];
  let held: PromiseWithResolvers<void> | undefined;
  const subgraph = {
    process: async ({ request, context }: { request: { query?: string }; context: RequestScope }) => {
      const askedAtMs = performance.now();
      sent.push(request.query ?? '');
      await held?.promise;
      context.sources?.note({ tags: tags?.length ? tags : undefined, askedAtMs });
      return structuredClone(typeof answer === 'function' ? answer(context) : answer);
    },
    close: async () => {},
  } as unknown as SubgraphClient;
  const supergraphSdl = readFileSync(schemaFile('gateway/storefront.graphql'), 'utf8');

  const app = createPublicServer(logger);
  const origins = settings.origins ?? createBrowserOrigins(undefined, false);
  await tellOrigins(app, origins);
  const plainRequests = openPlainRequests(app);
  const limits = { ...defaultSubscriptionLimits, ...subscriptionLimits };
  const periods = { ...defaultSubscriptionPeriods, ...subscriptionPeriods };
  const subscriptions = await openSubscriptions(app, { redis, limits, periods, onChange: () => {}, logger });
  const stop = await addEndpoint(
    app,
    {
      path: '/graphql',
      supergraph: { initialize: async () => ({ supergraphSdl }) },
      defers: true,
      costBudget: 5_000,
      safelistMode: 'off',
      manifestFile: schemaFile('manifests/storefront.json'),
      ...settings,
    },
    {
      authenticate: async () => null,
      subgraphClient: () => subgraph,
      // Equal queries have nothing to do with each other, unless a test wants that.
      clock: restless(),
      introspection: true,
      compiledExecution: true,
      shortWay: true,
      documentLimits: defaultDocumentLimits,
      persistedQueries: createPersistedQueries(redis),
      rateLimits: openRateLimits({ redis, limits: doorLimits, instances }),
      responseCacheIn: tags && redis,
      subscriptions,
      plainRequests,
      trustedProxyHops: 0,
      isProduction: false,
      ...settings,
      origins,
      logger,
    },
  );

  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let listening: Promise<string> | undefined;
  function listen(): Promise<string> {
    listening ??= app.listen({ host: '127.0.0.1', port: 0 }).then((address) => `${address}/graphql`);
    return listening;
  }

  return {
    sent,
    listen,
    async send(body, headers = {}) {
      const asked = request(await listen(), { method: 'POST', agent, headers });
      asked.end(typeof body === 'string' ? body : JSON.stringify(body));
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      const names = response.rawHeaders.filter((_, place) => place % 2 === 0);
      return read({
        statusCode: response.statusCode ?? 0,
        headers: Object.fromEntries(names.map((name) => [name, response.headers[name.toLowerCase()]])),
        body: await text(response),
      });
    },
    hold() {
      const hold = Promise.withResolvers<void>();
      held = hold;
      return () => {
        held = undefined;
        hold.resolve();
      };
    },
    post: async (body, headers = {}, remoteAddress = '127.0.0.1') =>
      read(await app.inject({ method: 'POST', url: '/graphql', payload: body, headers, remoteAddress })),
    postText: async (payload, remoteAddress = '127.0.0.1') => {
      const headers = { 'content-type': 'application/json' };
      return (await app.inject({ method: 'POST', url: '/graphql', payload, headers, remoteAddress })).statusCode;
    },
    get: async (parameters, headers = { 'apollo-require-preflight': '1' }, remoteAddress = '127.0.0.1') =>
      read(await app.inject({ method: 'GET', url: '/graphql', query: parameters, headers, remoteAddress })),
    close: async () => {
      agent.destroy();
      await app.close();
      await stop();
      subscriptions.close();
      await redis.close();
    },
  };
}

function restless(): MutationClock {
  let ticks = 0;
  return { now: () => ++ticks, tick: () => {} };
}

interface InjectedAnswer {
  statusCode: number;
  headers: Record<string, unknown>;
  body: string;
}

function read({ statusCode, headers, body }: InjectedAnswer): TestAnswer {
  const isJson = String(headers['content-type']).includes('json') && body !== '';
  const {
    data,
    errors = [],
    extensions,
  } = JSON.parse(isJson ? body : '{}') as {
    data?: unknown;
    errors?: { message: string; extensions: { code: string } }[];
    extensions?: Record<string, unknown>;
  };
  return {
    status: statusCode,
    headers,
    text: body,
    data,
    codes: errors.map((error) => error.extensions.code),
    messages: errors.map(({ message }) => message),
    extensions,
  };
}
