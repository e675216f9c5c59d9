import { readFile, stat } from 'node:fs/promises';
import type { SupergraphManager, SupergraphSdlUpdateFunction } from '@apollo/gateway';
import type { Logger } from '@souk/platform/logger';

const LOOK_EVERY_MS = 1_000;

export interface SupergraphFile extends SupergraphManager {
  /** Set while the file on disk is not what is served: why it was refused. */
  refusal(): string | null;
}

/**
 * A supergraph that lives in a file and is swapped when the file changes. A file that does not load is refused with its reason; what was last good stays.
 * The file is looked at every second instead of watched, because mounted volumes and replaced symbolic links send no notice.
 */
export function supergraphFile(path: string, logger: Logger): SupergraphFile {
  let seen = '';
  let refused: string | null = null;
  let timer: NodeJS.Timeout | undefined;

  async function look(update: SupergraphSdlUpdateFunction): Promise<void> {
    const version = await fingerprint(path);
    if (version === seen) return;
    seen = version;
    try {
      update(await readFile(path, 'utf8'));
      refused = null;
      logger.info({ path }, 'supergraph swapped');
    } catch (error) {
      refused = error instanceof Error ? error.message : String(error);
      logger.error({ path, reason: refused }, 'supergraph refused; the last good one stays');
    }
  }

  return {
    refusal: () => refused,
    async initialize({ update }) {
      seen = await fingerprint(path);
      const supergraphSdl = await readFile(path, 'utf8');
      timer = setInterval(() => {
        look(update).catch((error: unknown) =>
          logger.error({ path, err: error }, 'supergraph file cannot be read; the last good one stays'),
        );
      }, LOOK_EVERY_MS);
      timer.unref();
      return { supergraphSdl, cleanup: async () => clearInterval(timer) };
    },
  };
}

async function fingerprint(path: string): Promise<string> {
  const { mtimeMs, size, ino } = await stat(path);
  return `${mtimeMs} ${size} ${ino}`;
}
