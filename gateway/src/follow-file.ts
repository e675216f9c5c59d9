import { readFile, stat } from 'node:fs/promises';
import type { Logger } from '@souk/platform/logger';

const LOOK_EVERY_MS = 1_000;

export interface FollowedFile {
  /** Set while the file on disk is not what is in use: why it was refused. */
  refusal(): string | null;
  stop(): void;
}

export interface FollowFileOptions {
  path: string;
  /** What the file is, for the log. */
  what: string;
  /** Puts a text to use, or throws with the reason why it cannot. */
  take: (text: string) => void | Promise<void>;
  logger: Logger;
}

/**
 * Puts a file to use now, and again whenever it changes. A change that cannot be used is refused with its reason, and what was last good stays.
 * The file is looked at every second instead of watched, because mounted volumes and replaced symbolic links send no notice.
 *
 * @throws when the file cannot be read or used now: nothing is in use yet that could stay
 */
export async function followFile({ path, what, take, logger }: FollowFileOptions): Promise<FollowedFile> {
  let seen = await fingerprint(path);
  let refused: string | null = null;
  await take(await readFile(path, 'utf8'));

  async function look(): Promise<void> {
    const version = await fingerprint(path);
    if (version === seen) return;
    seen = version;
    try {
      await take(await readFile(path, 'utf8'));
      refused = null;
      logger.info({ path }, `${what} swapped`);
    } catch (error) {
      refused = error instanceof Error ? error.message : String(error);
      logger.error({ path, reason: refused }, `${what} refused; the last good one stays`);
    }
  }

  const timer = setInterval(() => {
    look().catch((error: unknown) =>
      logger.error({ path, err: error }, `${what} cannot be read; the last good one stays`),
    );
  }, LOOK_EVERY_MS);
  timer.unref();
  return { refusal: () => refused, stop: () => clearInterval(timer) };
}

async function fingerprint(path: string): Promise<string> {
  const { mtimeMs, size, ino } = await stat(path);
  return `${mtimeMs} ${size} ${ino}`;
}
