import { defaultDoorLimits } from '@souk/platform/door-limits';
import { createSigner } from '@souk/platform/identity';
import { createLogger } from '@souk/platform/logger';
import { createPeer } from '@souk/platform/peer';
import { openRedis } from '@souk/platform/redis';
import { addHealth, addMetrics, createHttpServer, runService } from '@souk/platform/service';
import { isTraced } from '@souk/platform/telemetry';
import { followAccessState } from './access-state.ts';
import { createAuthenticate } from './authenticate.ts';
import { createBrowserOrigins, tellOrigins } from './browser-origins.ts';
import { defaultDocumentLimits } from './document-guard.ts';
import { readEnv } from './env.ts';
import { countInstances } from './limits/instance-count.ts';
import { openRateLimits } from './limits/rate-limits.ts';
import { createPersistedQueries } from './persisted-queries.ts';
import { joinProcesses } from './processes/worker.ts';
import { createPublicServer, openPlainRequests } from './public-server.ts';
import { addEndpoint, type Endpoint, type EndpointOptions } from './server.ts';
import { createMutationClock } from './subgraph-client/mutation-clock.ts';
import { createSubgraphClient, type SubgraphClient } from './subgraph-client.ts';
import { openSubscriptions } from './subscriptions/open-subscriptions.ts';
import { defaultSubscriptionLimits } from './subscriptions/subscription-limits.ts';
import { openSupergraphs } from './supergraph/open-supergraphs.ts';
import { openUsageRecording } from './usage/open-usage-recording.ts';

const env = readEnv();
const processes = joinProcesses();
const isProduction = env.NODE_ENV === 'production';
const introspection = env.INTROSPECTION ?? !isProduction;
const logger = createLogger('gateway', { level: env.LOG_LEVEL, isBusy: true });
const redis = openRedis({ url: env.REDIS_URL, name: 'gateway', logger });
const signer = createSigner({ service: 'gateway', privateKey: env.SERVICE_PRIVATE_KEY });
const userPeer = createPeer({ audience: 'user', urls: subgraphUrls('user'), signer, logger });
const accessState = followAccessState({ redis, userPeer, logger });
const authenticate = createAuthenticate({
  jwksUrls: env.JWKS_URL,
  issuer: env.TOKEN_ISSUER,
  audience: env.TOKEN_AUDIENCE,
  accessState,
});

const doorLimits = () => accessState.current()?.doorLimits ?? defaultDoorLimits;
const instances = countInstances({ redis, atLeast: env.GATEWAY_INSTANCES * env.GATEWAY_PROCESSES });

const timeouts = { queryTimeoutMs: env.QUERY_TIMEOUT, mutationTimeoutMs: env.MUTATION_TIMEOUT };
const clock = createMutationClock();
const clients = new Map<string, SubgraphClient>();
function subgraphClient(name: string): SubgraphClient {
  const client =
    clients.get(name) ?? createSubgraphClient({ name, urls: subgraphUrls(name), signer, clock, logger, ...timeouts });
  clients.set(name, client);
  return client;
}

function subgraphUrls(name: string): string[] {
  const urls = env.SUBGRAPH_URLS[name];
  if (!urls) throw new Error(`Expected SUBGRAPH_URLS to name the endpoint of the subgraph ${name}.`);
  return urls;
}

const app = createPublicServer(logger, { trustedProxyHops: env.TRUSTED_PROXY_HOPS });
const origins = createBrowserOrigins(env.CORS_ORIGINS, isProduction);
await tellOrigins(app, origins);

const subscriptions = await openSubscriptions(app, {
  redis,
  limits: { ...defaultSubscriptionLimits, ...env.SUBSCRIPTION_LIMITS },
  // Whoever follows what has changed must not join a query that began before.
  onChange: clock.tick,
  logger,
});

// What is traced has its spans from Node's HTTP server.
const plainRequests = env.SHORT_WAY && !isTraced ? openPlainRequests(app) : undefined;

const options: EndpointOptions = {
  authenticate,
  subgraphClient,
  clock,
  introspection,
  compiledExecution: env.COMPILED_EXECUTION,
  shortWay: env.SHORT_WAY,
  documentLimits: { ...defaultDocumentLimits, ...env.DOCUMENT_LIMITS },
  persistedQueries: createPersistedQueries(redis),
  responseCacheIn: env.RESPONSE_CACHE === 'on' ? redis : undefined,
  rateLimits: openRateLimits({ redis, limits: doorLimits, instances: instances.current }),
  subscriptions,
  origins,
  plainRequests,
  trustedProxyHops: env.TRUSTED_PROXY_HOPS,
  isProduction,
  logger,
};
const supergraphs = await openSupergraphs(env, { redis, logger });
const usage = await openUsageRecording(env, logger);
const storefront: Endpoint = {
  path: '/graphql',
  supergraph: supergraphs.follow('storefront', { endpoint: '/graphql', file: env.SUPERGRAPH_STOREFRONT_FILE }),
  defers: true,
  costBudget: env.STOREFRONT_COST_BUDGET,
  safelistMode: env.STOREFRONT_SAFELIST,
  manifestFile: env.STOREFRONT_MANIFEST_FILE,
  countUsage: usage?.counting('storefront'),
};
const admin: Endpoint = {
  path: '/admin/graphql',
  supergraph: supergraphs.follow('admin', { endpoint: '/admin/graphql', file: env.SUPERGRAPH_ADMIN_FILE }),
  defers: false,
  costBudget: env.ADMIN_COST_BUDGET,
  safelistMode: env.ADMIN_SAFELIST,
  manifestFile: env.ADMIN_MANIFEST_FILE,
  countUsage: usage?.counting('admin'),
};
const stopEndpoints = [await addEndpoint(app, storefront, options), await addEndpoint(app, admin, options)];

// Subgraphs are no condition: the gateway serves what is left of the graph when one is away. But it has to have heard once who may not come in.
const health = addHealth(app, { access: accessState.known });
const internal = createHttpServer(logger);
// Strangers need not know which schema is served.
const internalHealth = addHealth(internal, { access: accessState.known }, () => ({ supergraphs: supergraphs.tell() }));
addMetrics(internal, processes.metrics);
if (env.INTERNAL_PORT) {
  // A whole application in itself, loaded only where somebody can open it.
  const { addJobBoard } = await import('./job-board.ts');
  await addJobBoard(internal, { redisUrl: env.REDIS_URL, authenticate, gateway: app, logger });
  await internal.listen({ host: env.HOST, port: env.INTERNAL_PORT });
}

await processes.mayListen(accessState.known);
const service = await runService({
  logger,
  app,
  stopBeingReady() {
    health.stopBeingReady();
    internalHealth.stopBeingReady();
  },
  listen: { host: env.HOST, port: env.PORT },
  noticeMs: env.LEAVE_NOTICE,
  drainTimeoutMs: env.DRAIN_TIMEOUT,
  closers: [
    () => Promise.all(stopEndpoints.map((stop) => stop())),
    () => supergraphs.close(),
    async () => subscriptions.close(),
    async () => usage?.close(),
    () => instances.close(),
    () => accessState.close(),
    () => Promise.all([userPeer, ...clients.values()].map((client) => client.close())),
    () => internal.close(),
    () => redis.close(),
    () => processes.leave(),
  ],
});
processes.join(service);
