import type { SupergraphManager } from '@apollo/gateway';
import type { Logger } from '@souk/platform/logger';
import { type FollowedFile, followFile } from './follow-file.ts';

export interface SupergraphFile extends SupergraphManager {
  /** Set while the file on disk is not what is served: why it was refused. */
  refusal(): string | null;
}

/** A supergraph that lives in a file and is swapped when the file changes. A file that does not load is refused with its reason; what was last good stays. */
export function supergraphFile(path: string, logger: Logger): SupergraphFile {
  let file: FollowedFile | undefined;
  return {
    refusal: () => file?.refusal() ?? null,
    async initialize({ update }) {
      let supergraphSdl = '';
      const followed = await followFile({
        path,
        what: 'supergraph',
        logger,
        async take(text) {
          // The gateway loads the first one by itself, and is told of those after it.
          // An update may take its time, and what it throws then is a refusal as well.
          if (supergraphSdl) await update(text);
          else supergraphSdl = text;
        },
      });
      file = followed;
      return { supergraphSdl, cleanup: async () => followed.stop() };
    },
  };
}
