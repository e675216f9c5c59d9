import { join } from 'node:path';
import type { ServiceName } from '@souk/platform/identity';
import { type SubgraphName, subgraphNames } from '@souk/schema/subgraphs';
import { byName } from './by-name.ts';
import { type Child, startChild } from './child.ts';
import { publicKeysOf, type Secrets } from './secrets.ts';
import { untilItAnswers } from './started-server.ts';
import { root, workspaceOf } from './workspaces.ts';

/** The processes of a shop: the services, and the provider of test cards, which stands for the outside world. */
export const processNames = ['gateway', ...subgraphNames, 'test-card'] as const;
export type ProcessName = (typeof processNames)[number];

export type Environment = Record<string, string>;

/** How one process of a shop is run. */
export interface ServicePlan {
  name: ProcessName;
  folder: string;
  main: string;
  /** Where it answers, without a path. */
  url: string;
  /** Where it tells its counters. */
  metricsUrl: string;
  environment: Environment;
}

export interface ServiceFacts {
  host: string;
  ports: Record<ProcessName, number>;
  /** Where the processes reach each other: their ports, unless something stands between. */
  doors: Record<ProcessName, number>;
  /** Where further instances of each subgraph listen and are reached. Default: there is one instance of each. */
  twinPorts?: Record<SubgraphName, readonly number[]>;
  /** Where the gateway tells its counters, which are not for the public. */
  gatewayMetricsPort: number;
  databaseUrls: Record<SubgraphName, string>;
  redisUrl: string;
  /** The registry of schemas that the gateway follows. Default: none. */
  registry?: string;
  secrets: Secrets;
  /** Where the shop keeps everything. */
  folder: string;
}

/** Turns the facts of a shop into what each of its processes is told. A service is configured by its environment and by nothing else. */
export function planServices(facts: ServiceFacts): Record<ProcessName, ServicePlan> {
  const { ports, doors, twinPorts, secrets } = facts;
  const at = (name: ProcessName, path = '') => `http://127.0.0.1:${ports[name]}${path}`;
  const to = (name: ProcessName, path = '') => `http://127.0.0.1:${doors[name]}${path}`;
  const toAll = (name: SubgraphName, path: string) =>
    [doors[name], ...(twinPorts?.[name] ?? [])].map((port) => `http://127.0.0.1:${port}${path}`);
  const peers = Object.fromEntries(
    subgraphNames.map((name) => [`${name.toUpperCase()}_URL`, toAll(name, '/graphql').join()]),
  );
  const publicKeys = JSON.stringify(publicKeysOf(secrets));

  const common = (name: ServiceName): Environment => ({
    NODE_ENV: 'development',
    OTEL_SERVICE_NAME: name,
    HOST: '127.0.0.1',
    PORT: String(ports[name]),
    REDIS_URL: facts.redisUrl,
    SERVICE_PRIVATE_KEY: JSON.stringify(secrets.serviceKeys[name]),
    SERVICE_PUBLIC_KEYS: publicKeys,
    // Nobody waits for a deployment here: a stopped shop should be gone at once.
    LEAVE_NOTICE: '0s',
    DRAIN_TIMEOUT: '5s',
    ...peers,
  });
  const subgraph = (name: SubgraphName, own: Environment = {}): ServicePlan => ({
    name,
    folder: workspaceOf(name),
    main: 'src/main.ts',
    url: at(name),
    metricsUrl: at(name, '/metrics'),
    environment: { ...common(name), DATABASE_URL: facts.databaseUrls[name], ...own },
  });

  return {
    gateway: {
      name: 'gateway',
      folder: workspaceOf('gateway'),
      main: 'src/main.ts',
      url: `http://${facts.host === '0.0.0.0' ? '127.0.0.1' : facts.host}:${ports.gateway}`,
      metricsUrl: `http://127.0.0.1:${facts.gatewayMetricsPort}/metrics`,
      environment: {
        ...common('gateway'),
        HOST: facts.host,
        INTERNAL_PORT: String(facts.gatewayMetricsPort),
        SUBGRAPH_URLS: JSON.stringify(byName(subgraphNames, (name) => toAll(name, '/graphql'))),
        JWKS_URL: toAll('user', '/.well-known/jwks.json').join(),
        SOUK_REGISTRY: facts.registry ?? '',
        // Who publishes from a terminal has announced nothing.
        SCHEMA_LOOK_EVERY: '1s',
        LAST_KNOWN_SCHEMA_FOLDER: join(facts.folder, 'last-known-schema'),
      },
    },
    user: subgraph('user', {
      KEY_ENCRYPTION_SECRET: secrets.keyEncryptionSecret,
      MAIL_OUTBOX_FILE: join(facts.folder, 'mail.jsonl'),
    }),
    catalog: subgraph('catalog'),
    cart: subgraph('cart'),
    order: subgraph('order'),
    payment: subgraph('payment', {
      TEST_PROVIDER_URL: to('test-card'),
      TEST_PROVIDER_SECRET: secrets.testProviderSecret,
    }),
    'test-card': {
      name: 'test-card',
      folder: workspaceOf('payment'),
      main: 'test-provider/main.ts',
      url: at('test-card'),
      metricsUrl: at('test-card', '/metrics'),
      environment: {
        HOST: '127.0.0.1',
        PORT: String(ports['test-card']),
        WEBHOOK_URL: to('payment', '/webhooks/test-card'),
        TEST_PROVIDER_SECRET: secrets.testProviderSecret,
        TEST_PROVIDER_LOG: providerLogOf(facts.folder),
      },
    },
  };
}

/** One more instance of what a plan is about, at a port of its own. */
export function twinOf(plan: ServicePlan, port: number): ServicePlan {
  const url = new URL(plan.url);
  url.port = String(port);
  const metricsUrl = new URL(plan.metricsUrl);
  metricsUrl.port = String(port);
  const environment = { ...plan.environment, PORT: String(port) };
  return { ...plan, url: url.origin, metricsUrl: metricsUrl.href, environment };
}

/** Code that one process has compiled need not be compiled by the next: a third of what a start costs. https://nodejs.org/api/module.html#module-compile-cache */
const NODE_COMPILE_CACHE = join(root, 'node_modules/.cache/souk');

/** Variables of this machine that a process needs to run at all; everything else it is told on purpose. */
const inherited = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'NODE_EXTRA_CA_CERTS'];

/** Starts one process. Its output is appended to `<logFolder>/<name>.log`. */
export function startService(plan: ServicePlan, { logFolder, inherit, overrides }: StartServiceOptions): Child {
  return startChild({
    name: plan.name,
    command: process.execPath,
    args: ['--import', '@souk/platform/preload', plan.main],
    cwd: plan.folder,
    env: { ...fromThisMachine(), NODE_COMPILE_CACHE, ...inherit, ...plan.environment, ...overrides },
    logFile: logFileOf(plan.name, logFolder),
  });
}

export interface StartServiceOptions {
  logFolder: string;
  /** Settings that hold where the shop decides nothing else. */
  inherit: Environment;
  /** Settings that hold whatever the shop decides. */
  overrides: Environment;
}

function fromThisMachine(): Environment {
  return Object.fromEntries(inherited.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

/** The log of the provider of test cards: what really happened to the money, told by somebody other than the shop. */
export function providerLogOf(folder: string): string {
  return join(folder, 'test-provider.jsonl');
}

export function logFileOf(name: ProcessName, logFolder: string): string {
  return join(logFolder, `${name}.log`);
}

const READY_TIMEOUT_MS = 60_000;

/** Waits until a process says that it can work. @throws {Problem} with the end of its log when it ends first or takes too long */
export function waitUntilReady(plan: ServicePlan, child: Child, logFolder: string): Promise<void> {
  const logFile = logFileOf(plan.name, logFolder);
  const title = `The ${plan.name} service`;
  return untilItAnswers({ child, title, logFile, timeoutMs: READY_TIMEOUT_MS, ping: () => readiness(plan.url) });
}

async function readiness(url: string): Promise<void> {
  const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
}
