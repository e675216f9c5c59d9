import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type Contract, contracts } from '../contracts.ts';
import type { Graph } from './check.ts';
import type { RegisteredOperation } from './evidence.ts';
import { manifestOperations } from './manifest-operations.ts';
import type { SubgraphSdl } from './subgraph-sdl.ts';

/** A folder of SDL: `_common.graphql`, one `<subgraph>.graphql` for each subgraph, and beside them what is made from those. */
const COMMON = '_common.graphql';
const MADE = new Set(['supergraph.graphql', COMMON]);

/** The graph as it lies in a folder. */
export function graphInFolder(folder: string): Graph {
  const read = (file: string) => readFileSync(join(folder, file), 'utf8');
  return { label: 'the working tree', subgraphs: subgraphsOf(readdirSync(folder), read, folder) };
}

/** The operations that lie beside the SDL of a folder, by contract. */
export function committedManifests(folder: string): { contract: Contract; operations: RegisteredOperation[] }[] {
  return contracts.flatMap((contract) => {
    const file = join(folder, 'manifests', `${contract}.json`);
    if (!existsSync(file)) return [];
    const owner = { contract, client: `operations/${contract}`, version: 'committed' };
    return [{ contract, operations: manifestOperations(readFileSync(file, 'utf8'), owner) }];
  });
}

/**
 * The graph as it was committed, with what clients saw of it and the operations that were registered then.
 *
 * @throws {Error} when git does not know the revision
 */
export function graphAtRevision(folder: string, revision: string): { graph: Graph; operations: RegisteredOperation[] } {
  const commit = commitOf(folder, revision);
  const files = git(folder, ['ls-tree', '-r', '--name-only', commit, './']).split('\n').filter(Boolean);
  const wanted = files.filter((file) => /^[^/]+\.graphql$|^(api|manifests)\//.test(file));
  const texts = readBlobs(folder, commit, wanted);
  const read = (file: string) => texts.get(file) ?? '';
  const graph: Graph = { label: `${revision} (${commit})`, subgraphs: subgraphsOf(wanted, read, folder) };
  const apis = Object.fromEntries(contracts.map((contract) => [contract, read(`api/${contract}.graphql`)]));
  return {
    graph: Object.values(apis).every(Boolean) ? { ...graph, apis: apis as Record<Contract, string> } : graph,
    operations: contracts.flatMap((contract) => {
      const text = texts.get(`manifests/${contract}.json`);
      return text ? manifestOperations(text, { contract, client: `operations/${contract}`, version: commit }) : [];
    }),
  };
}

function commitOf(folder: string, revision: string): string {
  try {
    return git(folder, ['rev-parse', '--short', '--verify', `${revision}^{commit}`]).trim();
  } catch (cause) {
    throw new Error(`git knows no revision "${revision}" here.`, { cause });
  }
}

/** When an operation of a committed manifest was registered first: the commit that brought its id. */
export function registeredAt(folder: string, contract: Contract, text: string): string | null {
  const log = ['log', '--format=%cI', '--reverse', '-S', JSON.stringify(text), '--', `manifests/${contract}.json`];
  return git(folder, log).split('\n')[0] || null;
}

/** Puts the SDL of one subgraph, whole or only its own part, in the place of what a graph has of it. */
export function withSubgraph(graph: Graph, name: string, part: { file: string; text: string }): Graph {
  const isWhole = /extend\s+schema[\s\S]*@link\s*\(/.test(part.text);
  const common = graph.subgraphs.flatMap(({ parts }) => parts.filter(({ file }) => file.endsWith(COMMON))).slice(0, 1);
  const changed: SubgraphSdl = { name, parts: isWhole ? [part] : [...common, part] };
  const isKnown = graph.subgraphs.some((subgraph) => subgraph.name === name);
  return {
    label: `${part.file} in ${graph.label}`,
    subgraphs: isKnown
      ? graph.subgraphs.map((subgraph) => (subgraph.name === name ? changed : subgraph))
      : [...graph.subgraphs, changed],
  };
}

function subgraphsOf(files: readonly string[], read: (file: string) => string, folder: string): SubgraphSdl[] {
  const shown = (file: string) => relative(process.cwd(), join(folder, file)) || file;
  const common = files.includes(COMMON) ? [{ file: shown(COMMON), text: read(COMMON) }] : [];
  return files
    .filter((file) => file.endsWith('.graphql') && !file.includes('/') && !MADE.has(file))
    .sort()
    .map((file) => ({
      name: file.replace(/\.graphql$/, ''),
      parts: [...common, { file: shown(file), text: read(file) }],
    }));
}

/** One process for all files: `git cat-file --batch` answers `<id> blob <size>`, the text, and a line end for each name it is given. */
function readBlobs(folder: string, commit: string, files: readonly string[]): Map<string, string> {
  const input = files.map((file) => `${commit}:./${file}\n`).join('');
  const output = execFileSync('git', ['cat-file', '--batch'], { cwd: folder, input, maxBuffer: 256 * 1024 * 1024 });
  const texts = new Map<string, string>();
  let at = 0;
  for (const file of files) {
    const end = output.indexOf('\n', at);
    const size = Number(output.subarray(at, end).toString().split(' ')[2]);
    texts.set(file, output.subarray(end + 1, end + 1 + size).toString());
    at = end + 1 + size + 1;
  }
  return texts;
}

function git(folder: string, given: string[]): string {
  try {
    return execFileSync('git', given, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    throw new Error(`git ${given[0]} failed: ${(stderr || message).trim()}`, { cause: error });
  }
}
