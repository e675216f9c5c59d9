import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ServiceName } from '@souk/platform/identity';
import { type SubgraphName, subgraphNames } from '@souk/schema/subgraphs';
import { byName } from './by-name.ts';
import { type Child, startChild } from './child.ts';
import { lastWords } from './log-tail.ts';
import { Problem } from './problem.ts';
import { publicKeysOf, type Secrets } from './secrets.ts';
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
  port: number;
  /** Where it tells its counters. */
  metricsUrl: string;
  environment: Environment;
}

export interface ServiceFacts {
  host: string;
  ports: Record<ProcessName, number>;
  /** Where the gateway tells its counters, which are not for the public. */
  gatewayMetricsPort: number;
  databaseUrls: Record<SubgraphName, string>;
  redisUrl: string;
  secrets: Secrets;
  /** Where the shop keeps everything. */
  folder: string;
}

/** Turns the facts of a shop into what each of its processes is told. A service is configured by its environment and by nothing else. */
export function planServices(facts: ServiceFacts): Record<ProcessName, ServicePlan> {
  const { ports, secrets } = facts;
  const at = (name: ProcessName, path: string) => `http://127.0.0.1:${ports[name]}${path}`;
  const peers = Object.fromEntries(subgraphNames.map((name) => [`${name.toUpperCase()}_URL`, at(name, '/graphql')]));
  const publicKeys = JSON.stringify(publicKeysOf(secrets));

  const common = (name: ServiceName): Environment => ({
    NODE_ENV: 'development',
    HOST: '127.0.0.1',
    PORT: String(ports[name]),
    REDIS_URL: facts.redisUrl,
    SERVICE_PRIVATE_KEY: JSON.stringify(secrets.serviceKeys[name]),
    SERVICE_PUBLIC_KEYS: publicKeys,
    // Nobody waits for a deployment here: a stopped shop should be gone at once.
    DRAIN_TIMEOUT: '5s',
    ...peers,
  });
  const subgraph = (name: SubgraphName, own: Environment = {}): ServicePlan => ({
    name,
    folder: workspaceOf(name),
    main: 'src/main.ts',
    port: ports[name],
    metricsUrl: at(name, '/metrics'),
    environment: { ...common(name), DATABASE_URL: facts.databaseUrls[name], ...own },
  });

  return {
    gateway: {
      name: 'gateway',
      folder: workspaceOf('gateway'),
      main: 'src/main.ts',
      port: ports.gateway,
      metricsUrl: `http://127.0.0.1:${facts.gatewayMetricsPort}/metrics`,
      environment: {
        ...common('gateway'),
        HOST: facts.host,
        INTERNAL_PORT: String(facts.gatewayMetricsPort),
        SUBGRAPH_URLS: JSON.stringify(byName(subgraphNames, (name) => at(name, '/graphql'))),
        JWKS_URL: at('user', '/.well-known/jwks.json'),
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
      TEST_PROVIDER_URL: at('test-card', ''),
      TEST_PROVIDER_SECRET: secrets.testProviderSecret,
    }),
    'test-card': {
      name: 'test-card',
      folder: workspaceOf('payment'),
      main: 'test-provider/main.ts',
      port: ports['test-card'],
      metricsUrl: at('test-card', '/metrics'),
      environment: {
        HOST: '127.0.0.1',
        PORT: String(ports['test-card']),
        WEBHOOK_URL: at('payment', '/webhooks/test-card'),
        TEST_PROVIDER_SECRET: secrets.testProviderSecret,
        TEST_PROVIDER_LOG: providerLogOf(facts.folder),
      },
    },
  };
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
    args: ['--import', '@souk/platform/telemetry', plan.main],
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
const POLL_MS = 50;

/** Waits until a process says that it can work. @throws {Problem} when it ends first, with the end of its log, or takes too long */
export async function waitUntilReady(plan: ServicePlan, child: Child, logFolder: string): Promise<void> {
  const log = logFileOf(plan.name, logFolder);
  const died = child.ended.then((how) => {
    throw new Problem(
      `The ${plan.name} service ${how} before it was ready. Its log ${log} ends with:\n${lastWords(log)}`,
    );
  });
  died.catch(() => {});
  const stop = new AbortController();
  try {
    await Promise.race([answersReady(plan, log, stop.signal), died]);
  } finally {
    stop.abort();
  }
}

async function answersReady(plan: ServicePlan, log: string, signal: AbortSignal): Promise<void> {
  const giveUpAt = Date.now() + READY_TIMEOUT_MS;
  while (!signal.aborted) {
    const answer = await fetch(`http://127.0.0.1:${plan.port}/readyz`, { signal: AbortSignal.timeout(2_000) }).catch(
      () => undefined,
    );
    await answer?.body?.cancel();
    if (answer?.ok) return;
    if (Date.now() > giveUpAt) {
      throw new Problem(
        `The ${plan.name} service was not ready within ${READY_TIMEOUT_MS / 1000} s. Its log ${log} ends with:\n${lastWords(log)}`,
      );
    }
    await delay(POLL_MS);
  }
}
