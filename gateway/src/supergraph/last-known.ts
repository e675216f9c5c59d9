import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PublishedSupergraph, Variant } from '@souk/schema/registry/registry';
import { supergraphHash } from '@souk/schema/supergraph-hash';
import { z } from 'zod';

/** What was taken from the registry last, kept for a start while that is away. */
export interface LastKnown {
  /** @throws when there is none, or what is there is not what was kept */
  read(): Promise<PublishedSupergraph>;
  /** The file has the old one or the new one, whole, whenever the process ends. */
  keep(published: PublishedSupergraph): Promise<void>;
}

export function lastKnownIn(folder: string, variant: Variant): LastKnown {
  const file = join(folder, `${variant}.json`);
  return {
    async read() {
      const { number, hash, supergraph } = shape.parse(JSON.parse(await readFile(file, 'utf8')));
      if (supergraphHash(supergraph) !== hash)
        throw new Error(`Expected ${file} to hold the supergraph that its hash names.`);
      return { number, hash, supergraph };
    },
    async keep({ number, hash, supergraph }) {
      await mkdir(folder, { recursive: true });
      // Of several processes each writes the same, into a file of its own at first.
      const aside = `${file}.${process.pid}`;
      await writeFile(aside, JSON.stringify({ variant, number, hash, supergraph }), { flush: true });
      await rename(aside, file);
    },
  };
}

const shape = z.object({ number: z.int().min(1), hash: z.string(), supergraph: z.string() });
