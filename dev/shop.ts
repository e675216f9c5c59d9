import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type SubgraphName, subgraphNames } from '@souk/schema/subgraphs';
import { allByName, byName } from './by-name.ts';
import type { Child } from './child.ts';
import { prepareDatabase } from './databases.ts';
import { freePort } from './free-port.ts';
import { mediaPlaceOf, serveMedia } from './media.ts';
import { Problem } from './problem.ts';
import { forgetData } from './reset.ts';
import { publishWorkingTree, registryOf } from './schema-registry.ts';
import { secretsOf } from './secrets.ts';
import {
  type Environment,
  logFileOf,
  type ProcessName,
  planServices,
  processNames,
  providerLogOf,
  type ServicePlan,
  type StartServiceOptions,
  startService,
  twinOf,
  waitUntilReady,
} from './services.ts';
import { claimFolder } from './shop-lock.ts';
import { openStores, type StoreOptions, type Stores } from './stores.ts';

/**
 * Starts a whole shop as real processes and resolves when every one of them is ready.
 *
 * Stores → five databases, migrated → seed, where wanted → services, all at once. Beside the first of these the schema is published, where wanted. When a step fails, what was started before is stopped again.
 *
 * @throws {Problem} with a sentence for the person who started it
 */
export async function startShop(options: ShopOptions): Promise<Shop> {
  const { folder, host = '127.0.0.1', databasePrefix = 'souk', durability = 'kept', configured = {} } = options;
  const step = options.step ?? ((_name, work) => work(() => {}));
  const logFolder = join(folder, 'logs');
  const undo: (() => Promise<unknown>)[] = [];

  try {
    const ports = await allByName(processNames, (name) => freePort(name === 'gateway' ? options.port : undefined));
    const port = options.port ?? ports.gateway;
    const origin = `http://${host === '0.0.0.0' ? 'localhost' : host}:${port}`;
    const claim = await claimFolder(folder, {
      pid: process.pid,
      gatewayUrl: `${origin}/graphql`,
      testProviderUrl: `http://127.0.0.1:${ports['test-card']}`,
    });
    undo.push(claim.release);
    if (port !== ports.gateway) throw new Problem(portInUse(port));

    const published = options.publishSchema ? publishWorkingTree(folder) : undefined;
    // Whoever waits for it hears of it.
    published?.catch(() => {});

    const secrets = secretsOf(folder);
    const stores = await step('stores', (say) => openStores({ folder, configured, durability, say }));
    undo.push(stores.stop);

    const databaseUrls = await step('databases', async () => {
      if (options.reset) await forgetData(stores, databasePrefix);
      return prepareDatabases(stores, databasePrefix, secrets.databasePasswords);
    });
    const media = await mediaPlaceOf(folder, { host, port });
    const pictures = await serveMedia(media).catch((cause: unknown) => {
      throw new Problem(
        `Port ${media.port} is in use, and this shop's pictures have their addresses there: stop what listens on it, or start over with "npm start -- --reset".`,
        { cause },
      );
    });
    undo.push(pictures.close);
    const { seed } = options;
    if (seed) {
      await step('seed', (say) => seed({ databaseUrls, providerLog: providerLogOf(folder), mediaUrl: media.url, say }));
    }

    if (published) await step('schema', async (say) => say(await published));

    const { between = async ({ port }) => port, instances = 1 } = options;
    const twinPorts = await allByName(subgraphNames, () => freePorts(instances - 1));
    const plans = planServices({
      host,
      ports,
      doors: await allByName(processNames, (name) => between({ name, port: ports[name] })),
      twinPorts,
      gatewayMetricsPort: await freePort(),
      databaseUrls,
      redisUrl: stores.redisUrl,
      ...(published ? { registry: registryOf(folder) } : {}),
      secrets,
      folder,
    });
    const { services, twins } = await step('services', () =>
      startServices(plans, { logFolder, ...options, twinPorts, undo }),
    );

    return {
      gatewayUrl: `${origin}/graphql`,
      adminUrl: `${origin}/admin/graphql`,
      stores,
      mediaUrl: media.url,
      databaseUrls,
      services,
      twins,
      metricsUrls: byName(processNames, (name) => plans[name].metricsUrl),
      stop: () => inReverse(undo),
    };
  } catch (error) {
    await inReverse(undo);
    throw error;
  }
}

async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freePort());
  return ports;
}

async function inReverse(undo: (() => Promise<unknown>)[]): Promise<void> {
  for (let next = undo.pop(); next; next = undo.pop()) await next();
}

function portInUse(port: number): string {
  return `Port ${port} is in use: stop what listens there, or choose another one with "PORT=${port + 1} npm start".`;
}

function prepareDatabases(
  stores: Stores,
  prefix: string,
  passwords: Record<SubgraphName, string>,
): Promise<Record<SubgraphName, string>> {
  return allByName(subgraphNames, (subgraph) =>
    prepareDatabase(stores.mysqlAdminUrl, { subgraph, name: `${prefix}_${subgraph}`, password: passwords[subgraph] }),
  );
}

async function startServices(
  plans: Record<ProcessName, ServicePlan>,
  { logFolder, inherit = {}, env = {}, twinPorts, onEnd, undo }: StartServicesOptions,
): Promise<Pick<Shop, 'services' | 'twins'>> {
  const optionsOf = (name: ProcessName, folder: string) => {
    return { logFolder: folder, inherit, overrides: { ...env.all, ...env[name] } };
  };
  const services = byName(processNames, (name) => runService(plans[name], optionsOf(name, logFolder), onEnd));
  const twins = subgraphNames.flatMap((name) =>
    twinPorts[name].map((port, index) =>
      runService(twinOf(plans[name], port), optionsOf(name, join(logFolder, `instance-${index + 2}`)), onEnd),
    ),
  );
  // The door closes first, then the subgraphs finish what is under way; the outside world goes on until nobody calls it any more.
  undo.push(() => services['test-card'].stop());
  undo.push(() => allByName(subgraphNames, (name) => services[name].stop()));
  undo.push(() => Promise.all(twins.map((twin) => twin.stop())));
  undo.push(() => services.gateway.stop());
  await allByName(processNames, (name) => services[name].ready());
  await Promise.all(twins.map((twin) => twin.ready()));
  return { services, twins };
}

/** Keeps one process of the shop under one name, however often it is started. */
function runService(plan: ServicePlan, options: StartServiceOptions, onEnd: ShopOptions['onEnd']): RunningService {
  const logFile = logFileOf(plan.name, options.logFolder);
  mkdirSync(options.logFolder, { recursive: true });
  writeFileSync(logFile, '');

  let current = startService(plan, options);
  /** A process whose end is news: it was ready, and nobody has asked it to stop. */
  let expectedToRun: Child | undefined;
  const service: RunningService = {
    name: plan.name,
    url: plan.url,
    logFile,
    get pid() {
      return current.pid;
    },
    isRunning: () => current.isRunning(),
    async ready() {
      const child = current;
      await waitUntilReady(plan, child, options.logFolder);
      expectedToRun = child;
      void child.ended.then((how) => expectedToRun === child && onEnd?.(service, how));
    },
    async stop() {
      expectedToRun = undefined;
      await current.stop();
    },
    async another(env = {}) {
      const twin = twinOf(plan, await freePort());
      const child = startService(twin, { ...options, overrides: { ...options.overrides, ...env } });
      await waitUntilReady(twin, child, options.logFolder);
      return child;
    },
    async restart(env = {}) {
      await service.stop();
      current = startService(plan, { ...options, overrides: { ...options.overrides, ...env } });
      await service.ready();
    },
  };
  return service;
}

export interface ShopOptions {
  /** Everything the shop keeps lives under here; one shop at a time. */
  folder: string;
  /** Where the gateway listens. A free port when not given. */
  port?: number;
  /** Default 127.0.0.1. */
  host?: string;
  /** Stores that are there already. */
  configured?: StoreOptions['configured'];
  durability?: StoreOptions['durability'];
  /** Databases and their accounts are called `<prefix>_<subgraph>`. Default `souk`. */
  databasePrefix?: string;
  /** Forget what the stores hold of this shop first. */
  reset?: boolean;
  /** Keep a registry of schemas, publish the working tree there, and have the gateway follow it. Otherwise the gateway serves the committed files. */
  publishSchema?: boolean;
  /** How many processes there are of each subgraph, all of which the others know. Default 1. */
  instances?: number;
  /** Fills a shop that has nothing yet. */
  seed?: SeedShop;
  /** Puts something between a process and those who call it: gives the port that they shall use. */
  between?: (target: { name: ProcessName; port: number }) => Promise<number>;
  /** Environment variables for every process, where the shop itself decides nothing else. */
  inherit?: Environment;
  /** Environment variables for all processes or for one, whatever the shop decides. */
  env?: Partial<Record<ProcessName | 'all', Environment>>;
  /** Wraps each step of the start, to report it. */
  step?: Step;
  /** Hears of a process that ended although nobody stopped it. */
  onEnd?: (service: RunningService, how: string) => void;
}

export type Step = <Result>(name: string, work: (say: (text: string) => void) => Promise<Result>) => Promise<Result>;

export type SeedShop = (target: {
  databaseUrls: Record<SubgraphName, string>;
  /** What the provider of test cards knows of the past. */
  providerLog: string;
  /** What the addresses of pictures begin with. */
  mediaUrl: string;
  /** Tells how far it is. */
  say: (text: string) => void;
}) => Promise<void>;

export interface Shop {
  /** The storefront's endpoint. */
  gatewayUrl: string;
  /** The staff's endpoint. */
  adminUrl: string;
  /** What the addresses of the demo's pictures begin with. */
  mediaUrl: string;
  stores: Stores;
  databaseUrls: Record<SubgraphName, string>;
  services: Record<ProcessName, RunningService>;
  /** Further instances of the subgraphs. */
  twins: readonly RunningService[];
  /** Where each process tells its counters, as Prometheus text. */
  metricsUrls: Record<ProcessName, string>;
  /** Stops everything that was started, in order: gateway, subgraphs, the provider of test cards, stores. */
  stop(): Promise<void>;
}

export interface RunningService {
  name: ProcessName;
  url: string;
  readonly pid: number;
  logFile: string;
  isRunning(): boolean;
  /** Resolves when it can work. */
  ready(): Promise<void>;
  stop(): Promise<void>;
  /** Starts it anew with the same port and environment, and with `env` on top for this time; also after it was killed from outside. */
  restart(env?: Environment): Promise<void>;
  /** Starts one more process that shares its work, with a port of its own that nobody is told. It is its starter's to stop. */
  another(env?: Environment): Promise<Child>;
}

interface StartServicesOptions extends Pick<ShopOptions, 'inherit' | 'env' | 'onEnd'> {
  logFolder: string;
  twinPorts: Record<SubgraphName, readonly number[]>;
  undo: (() => Promise<unknown>)[];
}
