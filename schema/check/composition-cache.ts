import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Composition } from './composition.ts';
import type { SubgraphSdl } from './subgraph-sdl.ts';

/** Changes whenever what is kept, or how it is found, changes: composers and explanations included. */
export const EDITION = '1 @apollo/composition@2.14.4 @theguild/federation-composition@0.27.0';

/**
 * Composes, or takes what the same SDL composed to the last time: composing is most of what a check costs, and only then are the composers loaded.
 *
 * @param folder where results are kept; null to keep nothing
 */
export async function compositionOf(subgraphs: readonly SubgraphSdl[], folder: string | null): Promise<Composition> {
  const file = folder && join(folder, `${hashOf(subgraphs)}.json`);
  const known = file ? readIfThere(file) : undefined;
  if (known) return known;
  const { composeContracts } = await import('./composition.ts');
  const composition = composeContracts(subgraphs);
  if (file) keep(file, composition);
  return composition;
}

/** Names and files too: findings speak of them. */
function hashOf(subgraphs: readonly SubgraphSdl[]): string {
  const text = JSON.stringify([EDITION, ...subgraphs.map(({ name, parts }) => [name, parts])]);
  return createHash('sha256').update(text).digest('hex');
}

function readIfThere(file: string): Composition | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Composition;
  } catch {
    return undefined;
  }
}

/** A cache that cannot be written costs time and nothing else. Renaming keeps another process from reading half a file. */
function keep(file: string, composition: Composition): void {
  try {
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(`${file}.${process.pid}`, JSON.stringify(composition));
    renameSync(`${file}.${process.pid}`, file);
    forgetOldest(join(file, '..'));
  } catch {}
}

/** Each is as large as the supergraphs in it. */
const MOST_KEPT = 20;

function forgetOldest(folder: string): void {
  const files = readdirSync(folder).map((name) => join(folder, name));
  const byAge = files.map((file) => ({ file, at: statSync(file).mtimeMs })).sort((a, b) => b.at - a.at);
  for (const { file } of byAge.slice(MOST_KEPT)) rmSync(file, { force: true });
}
