import { mkdirSync } from 'node:fs';
import { installPackages, packagesCanBeInstalled } from './distribution-packages.ts';
import { engineAnswers, startInDocker } from './docker-store.ts';
import { findBinary } from './find-binary.ts';
import { mysqlStore } from './mysql-store.ts';
import { Problem } from './problem.ts';
import { redisStore } from './redis-store.ts';

/**
 * Finds the two stores a shop stands on, or starts them.
 *
 * Each store is looked for in the same order: a configured URL; a server of this machine, started privately under the shop's folder;
 * a container, when a Docker engine answers; the distribution's package, installed and then started privately.
 */
export async function openStores(options: StoreOptions): Promise<Stores> {
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  const kinds: StoreKind[] = [mysqlStore, redisStore];

  const missing = kinds.filter((kind) => !options.configured[kind.name] && !findBinary(kind.binaries));
  const contained = missing.length > 0 && (await engineAnswers()) ? missing : [];
  if (missing.length > contained.length) await install(missing, options);

  const outcomes = await Promise.allSettled(kinds.map((kind) => open(kind, contained.includes(kind), options)));
  const opened = outcomes.filter((outcome) => outcome.status === 'fulfilled').map((outcome) => outcome.value);
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  const stop = async () => void (await Promise.all(opened.map((store) => store.stop())));
  const [mysql, redis] = opened;
  if (failure || !mysql || !redis) {
    await stop();
    throw failure?.reason;
  }
  return { mysqlAdminUrl: mysql.url, redisUrl: redis.url, origin: { mysql: mysql.origin, redis: redis.origin }, stop };
}

async function open(kind: StoreKind, inDocker: boolean, options: StoreOptions): Promise<OpenStore> {
  const url = options.configured[kind.name];
  if (url) {
    await kind.check(url);
    return { url, origin: 'configured', stop: async () => {} };
  }
  if (inDocker) return startInDocker(kind, options);
  return kind.startPrivately(options);
}

async function install(missing: StoreKind[], { say }: StoreOptions): Promise<void> {
  const packages = missing.flatMap((kind) => kind.packages);
  const names = missing.map((kind) => kind.title).join(' and ');
  if (!(await packagesCanBeInstalled(packages, names))) {
    throw new Problem(
      `No ${names} was found on this machine: install ${missing.length > 1 ? 'them' : 'it'} (on Debian or Ubuntu: ` +
        `sudo apt-get install ${packages.join(' ')}), start Docker, or set ${missing.map((kind) => kind.configuredBy).join(' and ')}.`,
    );
  }
  say?.(`installing ${packages.join(', ')} from the distribution's packages`);
  await installPackages(packages);
}

export interface StoreOptions {
  /** Everything a store writes lives under here. */
  folder: string;
  /** URLs of stores that are there already. */
  configured: Partial<Record<StoreName, string | undefined>>;
  /**
   * `kept`: an acknowledged write survives the death of the store's process, as a shop needs.
   * `disposable`: nothing is ever forced to the disk, as tests like it; a killed process still loses nothing.
   */
  durability: 'kept' | 'disposable';
  /** Hears of steps that take long enough to be told. */
  say?: (text: string) => void;
}

export interface Stores {
  /** An account that may create databases and accounts; no database is named in it. */
  mysqlAdminUrl: string;
  redisUrl: string;
  origin: Record<StoreName, StoreOrigin>;
  /** Stops what was started here; leaves alone what was there before. */
  stop(): Promise<void>;
}

export type StoreName = 'mysql' | 'redis';
export type StoreOrigin = 'configured' | 'private' | 'docker';

export interface OpenStore {
  url: string;
  origin: StoreOrigin;
  /** Of a server that was started here as a process. */
  pid?: number;
  stop(): Promise<void>;
}

/** What the search has to know of one kind of store. */
export interface StoreKind {
  name: StoreName;
  title: string;
  /** The environment variable that names one that is there already. */
  configuredBy: string;
  /** Programs that serve it, the preferred one first. */
  binaries: string[];
  /** Debian packages that bring the first of them. */
  packages: string[];
  /** @throws {Problem} when nothing usable answers at `url` */
  check(url: string): Promise<void>;
  startPrivately(options: StoreOptions): Promise<OpenStore>;
  container: {
    image: string;
    port: number;
    /** The environment variable that gives the container its password. */
    passwordVariable: string;
    command: string[];
    url(port: number, password: string): string;
    /** Where the image keeps its data. */
    data: string;
  };
}
