import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { allByName, byName } from '@souk/dev/by-name';
import { removeFolderAfterwards } from '@souk/dev/child';
import { isAlive } from '@souk/dev/is-alive';
import { lastWords } from '@souk/dev/log-tail';
import { mysqlStore, serverLogOf } from '@souk/dev/mysql-store';
import { redisStore } from '@souk/dev/redis-store';
import { secretsOf } from '@souk/dev/secrets';
import { seedShop } from '@souk/dev/seed-shop';
import { type Environment, type ProcessName, processNames } from '@souk/dev/services';
import { type Shop, startShop } from '@souk/dev/shop';
import type { OpenStore, StoreOptions } from '@souk/dev/stores';
import { type SubgraphName, subgraphNames } from '@souk/schema/subgraphs';
import { Redis } from 'ioredis';
import { startTcpProxy, type TcpProxy } from '../../platform/test/tcp-proxy.ts';
import { type Person, staff } from '../client.ts';
import { liftBudgets } from '../door-limits.ts';
import { check, type Finding } from '../invariants/check.ts';
import { openProviderLog, type ProviderLog } from '../invariants/provider-log.ts';
import { tableOf } from '../invariants/report.ts';
import { untilSettled } from '../invariants/settled.ts';
import { openSources } from '../invariants/shop.ts';
import { type Control, openControl } from './control.ts';
import type { GuardName } from './guards.ts';

/**
 * A shop of one's own to break: real processes and real stores, something breakable between every two of them, agents in all of them that hold them at
 * points (control.ts), somebody who starts again what died, and the checker of invariants who has the last word.
 */
export interface Rig extends Pick<Control, 'hold'> {
  shop: Shop;
  /** A member of staff who may do everything. Stays signed in. */
  admin: Person;
  network: Network;
  /** Kills a process of the shop, which is started again at once: resolves when it is ready. */
  kill(name: ProcessName): Promise<void>;
  /** Resolves when a process that was killed by whomever works again. */
  back(name: ProcessName): Promise<void>;
  /** Starts a process anew, with these settings on top until it is started the next time. */
  restart(name: ProcessName, env?: Environment): Promise<void>;
  /** Stops a process in its tracks, as a long pause of the machine would; returns what lets it go on. */
  freeze(name: ProcessName): () => void;
  /** Kills MySQL and starts it again on its data: resolves when it accepts connections. */
  killDatabase(): Promise<void>;
  /** Redis forgets everything. */
  wipeRedis(): Promise<void>;
  /** Direct ways to the databases, past everything that can break. */
  databaseUrls: Record<SubgraphName, string>;
  /** What the payment provider says, past everything that can break. */
  providerLog: ProviderLog;
  /** How many of a variant all buyers together wanted: whoever counts, says it here, and the checker wants as many sold as there were. */
  demand: Map<string, number>;
  /** Waits until nothing is under way any more, and gives what the checker found then. */
  findings(timeoutMs?: number): Promise<Finding[]>;
  /** The same, where everything has to hold. @throws with the table of invariants when one is broken */
  settle(timeoutMs?: number): Promise<void>;
  stop(): Promise<void>;
}

/** What stands between the parts of the shop. */
export interface Network {
  /** Before each subgraph's own database. */
  mysql: Record<SubgraphName, TcpProxy>;
  redis: TcpProxy;
  /** Before each process. Customers come to the gateway directly. */
  processes: Record<ProcessName, TcpProxy>;
}

export interface RigOptions {
  /** How many products the shop begins with. It has no past. */
  products?: number;
  env?: Partial<Record<ProcessName | 'all', Environment>>;
  /** How many processes there are of each subgraph. Only the first of each has something breakable before it, and is started again when it dies. */
  instances?: number;
  /** Whether all reach one another directly, past the network: it takes connections for a process that has closed its port, too, where a real one refuses them. */
  isDirect?: boolean;
  guardsOff?: readonly GuardName[];
}

export async function startRig({
  products = 20,
  env = {},
  instances = 1,
  isDirect = false,
  guardsOff = [],
}: RigOptions = {}): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), 'souk-faults-'));
  removeFolderAfterwards(folder);
  const undo: (() => Promise<unknown>)[] = [async () => rmSync(folder, { recursive: true, force: true })];
  const stop = async () => {
    for (let next = undo.pop(); next; next = undo.pop()) await next();
  };
  try {
    return await build();
  } catch (error) {
    await stop();
    throw error;
  }

  async function build(): Promise<Rig> {
    const storeOptions: StoreOptions = { folder, configured: {}, durability: 'disposable' };
    let mysql = await mysqlStore.startPrivately(storeOptions);
    undo.push(() => mysql.stop());
    const redis = await redisStore.startPrivately(storeOptions);
    undo.push(() => redis.stop());
    const proxied = async (port: number) => {
      const proxy = await startTcpProxy({ host: '127.0.0.1', port });
      undo.push(proxy.close);
      return proxy;
    };
    const network: Network = {
      mysql: await allByName(subgraphNames, () => proxied(portOf(mysql))),
      redis: await proxied(portOf(redis)),
      processes: {} as Network['processes'],
    };
    const control = await openControl();
    undo.push(control.close);

    const { databasePasswords, testProviderSecret } = secretsOf(folder);
    const wayTo = (port: number, proxy: TcpProxy) => (isDirect ? port : proxy.port);
    const databaseUrl = (name: SubgraphName) =>
      `mysql://souk_${name}:${databasePasswords[name]}@127.0.0.1:${wayTo(portOf(mysql), network.mysql[name])}/souk_${name}`;
    /** Names of processes that nobody shall start again, because the rig itself is at it. */
    const inHand = new Set<ProcessName>();
    const comingBack = new Map<ProcessName, Promise<void>>();
    let stopping = false;
    const shop = await startShop({
      folder,
      configured: { mysql: mysql.url, redis: redis.url },
      durability: 'disposable',
      seed: (target) => seedShop(target, { products, hasPast: false }),
      instances,
      async between({ name, port }) {
        const proxy = await proxied(port);
        network.processes[name] = proxy;
        return wayTo(port, proxy);
      },
      env: {
        ...byName(processNames, (name) => ({ ...env[name] })),
        // What is broken and measured is the way to the subgraphs, so nothing is answered from what was read before.
        gateway: { RESPONSE_CACHE: 'off', ...env.gateway },
        ...byName(subgraphNames, (name) => ({ DATABASE_URL: databaseUrl(name), ...env[name] })),
        all: {
          NODE_OPTIONS: `--import ${pathToFileURL(join(import.meta.dirname, 'agent.ts')).href}`,
          FAULT_CONTROL: String(control.port),
          GUARDS_OFF: guardsOff.join(','),
          REDIS_URL: through(redis.url, wayTo(portOf(redis), network.redis)),
          ...env.all,
        },
      },
      onEnd: (service) => {
        const { name } = service;
        if (!stopping && !inHand.has(name) && service === shop.services[name]) void bringBack(name);
      },
    });
    undo.push(shop.stop, async () => {
      stopping = true;
      await Promise.allSettled(comingBack.values());
    });

    function bringBack(name: ProcessName): Promise<void> {
      const known = comingBack.get(name);
      if (known) return known;
      const back = shop.services[name].restart().finally(() => comingBack.delete(name));
      // Whoever asks for it hears of a failure; the rig notices a process that stays away when it settles.
      back.catch(() => {});
      comingBack.set(name, back);
      return back;
    }

    const databaseUrls = byName(subgraphNames, (name) => `${mysql.url}/souk_${name}`);
    const demand = new Map<string, number>();
    const providerLog = openProviderLog({ url: shop.services['test-card'].url, secret: testProviderSecret });

    async function findings(timeoutMs = 60_000): Promise<Finding[]> {
      await Promise.all(processNames.map((name) => back(name)));
      await using sources = await openSources({ databaseUrls, providerLog });
      const unsettled = await untilSettled(sources, { timeoutMs });
      if (unsettled.length > 0)
        throw new Error(`After ${timeoutMs} ms this was still under way:\n${JSON.stringify(unsettled, null, 2)}`);
      return await check({ ...sources, demand: demand.size > 0 ? demand : null }, { isSettled: true });
    }

    async function back(name: ProcessName): Promise<void> {
      if (!shop.services[name].isRunning()) await bringBack(name);
      await comingBack.get(name);
    }

    const admin = await staff(shop.adminUrl, 'ADMIN');
    undo.push(keepSignedIn(admin, shop.adminUrl));
    await liftBudgets(admin);

    return {
      shop,
      admin,
      network,
      databaseUrls,
      providerLog,
      demand,
      hold: control.hold,
      back,
      async kill(name) {
        signal(shop.services[name].pid, 'SIGKILL');
        await bringBack(name);
      },
      async restart(name, overrides) {
        inHand.add(name);
        await shop.services[name].restart(overrides).finally(() => inHand.delete(name));
      },
      freeze(name) {
        const { pid } = shop.services[name];
        signal(pid, 'SIGSTOP');
        return () => signal(pid, 'SIGCONT');
      },
      async killDatabase() {
        if (mysql.pid === undefined) throw new Error('Expected a MySQL of the rig’s own.');
        const wasAlive = isAlive(mysql.pid);
        signal(mysql.pid, 'SIGKILL');
        await mysql.stop();
        // A database that falls by itself is no fault of this rig's making, and its log is gone with the next start.
        if (!wasAlive) throw new Error(`MySQL had ended by itself; its log:\n${lastWords(serverLogOf(folder), 200)}`);
        mysql = await mysqlStore.startPrivately(storeOptions);
      },
      async wipeRedis() {
        const client = new Redis(redis.url);
        await client.flushall();
        await client.quit();
      },
      findings,
      async settle(timeoutMs) {
        const found = await findings(timeoutMs);
        const broken = found.filter(({ outcome }) => outcome === 'broken' || outcome === 'failed');
        if (broken.length > 0) throw new Error(`${tableOf(broken, 0)}`);
      },
      stop,
    };
  }
}

/** Somebody else may have killed it meanwhile. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Well before an access token expires, and again soon when the shop could not answer. */
const SIGN_IN_EVERY_MS = 60_000;

/** Scenarios may take longer than an access token lasts. Gives what ends this. */
function keepSignedIn(person: Person, adminUrl: string): () => Promise<void> {
  const renew = () => staff(adminUrl, 'ADMIN').then((fresh) => Object.assign(person, fresh));
  const timer = setInterval(() => void renew().catch(() => {}), SIGN_IN_EVERY_MS);
  return async () => clearInterval(timer);
}

function portOf({ url }: OpenStore): number {
  return Number(new URL(url).port);
}

function through(url: string, port: number): string {
  const other = new URL(url);
  other.port = String(port);
  return other.href;
}
