import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { manifestOperations } from '../check/manifest-operations.ts';
import {
  type ClientManifest,
  type Publication,
  type PublicationHead,
  partsOf,
  type Registry,
  type Stage,
  StalePublicationError,
  type UsageCount,
} from './registry.ts';
import { type DayOfUsage, firstDayKept, usageOverDays } from './usage-days.ts';

/**
 * A registry in a folder, for one machine, a shared volume or a repository of its own:
 *
 *     publications/production/000012.json     one file each, never changed
 *     manifests/storefront/web/1.4.0.json     the operations of a client version
 *     usage/2026-11-21/<process>.json         what clients asked one process of a gateway for that day; no other writes there
 *
 * Every file appears whole or not at all, and a publication only where none is.
 */
export function directoryRegistry(folder: string, now: () => Date = () => new Date()): Registry {
  const publications = (stage: Stage) => join(folder, 'publications', stage);
  const fileOf = (stage: Stage, number: number) => join(publications(stage), `${String(number).padStart(6, '0')}.json`);
  const numbers = async (stage: Stage) =>
    (await namesIn(publications(stage))).map((name) => Number.parseInt(name, 10)).sort((a, b) => b - a);
  const publication = (stage: Stage, number: number) => readJson<Publication>(fileOf(stage, number));
  /** What is published never changes, so its hash is read once. */
  const hashes = new Map<string, string>();
  const usage = join(folder, 'usage');
  const daysOfUsage = async () => (await readdir(usage).catch(() => [])).sort();

  return {
    publication,
    async latest(stage) {
      const [newest] = await numbers(stage);
      return newest === undefined ? null : publication(stage, newest);
    },
    async supergraph(variant, knownHash) {
      const { contract, stage } = partsOf(variant);
      const [newest] = await numbers(stage);
      if (newest === undefined) return null;
      const key = `${variant} ${newest}`;
      if (knownHash !== null && hashes.get(key) === knownHash) return null;
      const published = (await publication(stage, newest))?.contracts[contract];
      if (!published) return null;
      hashes.clear();
      hashes.set(key, published.hash);
      return published.hash === knownHash
        ? null
        : { number: newest, hash: published.hash, supergraph: published.supergraph };
    },
    async history(stage, limit) {
      const heads: PublicationHead[] = [];
      // One after the other: each is as large as its supergraphs.
      for (const number of (await numbers(stage)).slice(0, limit)) {
        const found = await publication(stage, number);
        if (found) heads.push(headOf(found));
      }
      return heads;
    },
    async append(added) {
      const { stage, number } = added;
      const [newest = 0] = await numbers(stage);
      if (number !== newest + 1) throw new StalePublicationError(added);
      await writeOnce(fileOf(stage, number), JSON.stringify(added), () => new StalePublicationError(added));
    },

    async registerManifest(manifest) {
      const file = manifestFile(folder, manifest);
      const known = await readJson<ClientManifest>(file);
      const registeredAt = known?.registeredAt ?? manifest.registeredAt;
      await write(file, JSON.stringify({ ...manifest, registeredAt }));
    },
    async retireManifest(key) {
      const file = manifestFile(folder, key);
      const isKnown = (await readJson(file)) !== null;
      await rm(file, { force: true });
      return isKnown;
    },
    async operations() {
      const files = await namesIn(join(folder, 'manifests'), { recursive: true });
      const manifests = await Promise.all(
        files.sort().map((file) => readJson<ClientManifest>(join(folder, 'manifests', file))),
      );
      return manifests.filter((manifest) => manifest !== null).flatMap(operationsOf);
    },

    async recordUsage({ source, sequence, day, usage: counts }) {
      const file = join(usage, day, `${encodeName(source)}.json`);
      const known = await readJson<UsageOfSource>(file);
      if (known && known.sequence >= sequence) return;
      await write(file, JSON.stringify({ sequence, usage: added(known?.usage ?? [], counts) } satisfies UsageOfSource));
      if (known) return;
      for (const old of await daysOfUsage()) {
        if (old < firstDayKept(now())) await rm(join(usage, old), { recursive: true, force: true });
      }
    },
    async usageSince(since) {
      const counted: DayOfUsage[] = [];
      for (const day of await daysOfUsage()) {
        if (day < since) continue;
        for (const file of await namesIn(join(usage, day))) {
          const { usage: counts = [] } = (await readJson<UsageOfSource>(join(usage, day, file))) ?? {};
          counted.push(...counts.map((count) => ({ ...count, day })));
        }
      }
      return usageOverDays(counted);
    },
    daysRecorded: async (since) => (await daysOfUsage()).filter((day) => day >= since),
    close: async () => {},
  };
}

/** All that one process has counted on one day, and the last batch of it. */
interface UsageOfSource {
  sequence: number;
  usage: UsageCount[];
}

function headOf({ subgraphs: _subgraphs, contracts: _contracts, ...head }: Publication): PublicationHead {
  return head;
}

export function operationsOf({ contract, client, version, registeredAt, operations }: ClientManifest) {
  const text = JSON.stringify({ format: 'apollo-persisted-query-manifest', operations });
  return manifestOperations(text, { contract, client, version, since: registeredAt });
}

/** Names of clients come from outside: they must not lead out of the folder. */
function manifestFile(
  folder: string,
  { contract, client, version }: Pick<ClientManifest, 'contract' | 'client' | 'version'>,
) {
  return join(folder, 'manifests', contract, encodeName(client), `${encodeName(version)}.json`);
}

function encodeName(name: string): string {
  return encodeURIComponent(name).replaceAll('.', '%2E');
}

function added(known: readonly UsageCount[], more: readonly UsageCount[]): UsageCount[] {
  const counts = new Map<string, UsageCount>();
  for (const count of [...known, ...more]) {
    const key = JSON.stringify([count.contract, count.client, count.version, count.coordinate]);
    counts.set(key, { ...count, requests: count.requests + (counts.get(key)?.requests ?? 0) });
  }
  return [...counts.values()];
}

async function namesIn(folder: string, { recursive = false } = {}): Promise<string[]> {
  const names = await readdir(folder, { recursive }).catch(() => []);
  return names.filter((name) => name.endsWith('.json'));
}

async function readJson<Content>(file: string): Promise<Content | null> {
  const text = await readFile(file, 'utf8').catch(() => null);
  return text === null ? null : (JSON.parse(text) as Content);
}

async function write(file: string, text: string): Promise<void> {
  await rename(await writeAside(file, text), file);
}

/** A link, unlike a renaming, fails where something is: of two who write the same file, one is told. */
async function writeOnce(file: string, text: string, taken: () => Error): Promise<void> {
  const aside = await writeAside(file, text);
  try {
    await link(aside, file);
  } catch (error) {
    throw (error as { code?: string }).code === 'EEXIST' ? taken() : error;
  } finally {
    await rm(aside, { force: true });
  }
}

async function writeAside(file: string, text: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true });
  const aside = `${file}.${randomUUID()}`;
  await writeFile(aside, text, { flush: true });
  return aside;
}
