import type { Logger } from '@souk/platform/logger';
import { supergraphHash } from '@souk/schema/supergraph-hash';
import { type FollowedFile, followFile } from '../follow-file.ts';
import type { FollowedSupergraph, ServedSupergraph } from './followed-supergraph.ts';
import { countSwap } from './metrics.ts';

export interface FileSupergraphOptions {
  /** Path of the endpoint, for metrics. */
  endpoint: string;
  path: string;
  logger: Logger;
}

/** A supergraph that lives in a file and is swapped when the file changes. A file that does not load is refused with its reason; what was last good stays. */
export function fromFile({ endpoint, path, logger }: FileSupergraphOptions): FollowedSupergraph {
  let file: FollowedFile | undefined;
  let served: ServedSupergraph | undefined;
  return {
    status: () => ({ variant: null, served, refusal: file?.refusal() ?? null, answeredAt: null }),
    async initialize({ update }) {
      let supergraphSdl = '';
      const followed = await followFile({
        path,
        what: 'supergraph',
        logger,
        async take(text) {
          // The gateway loads the first one by itself, and is told of those after it.
          if (supergraphSdl) await countSwap(endpoint, async () => update(text));
          else supergraphSdl = text;
          served = { source: 'file', number: null, hash: supergraphHash(text), since: new Date() };
        },
      });
      file = followed;
      return { supergraphSdl, cleanup: async () => followed.stop() };
    },
  };
}
