import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startChild } from './child.ts';
import { findBinary } from './find-binary.ts';
import { freePort } from './free-port.ts';
import { lastLines, Problem } from './problem.ts';
import { rememberedStore } from './remembered-store.ts';
import type { OpenStore, StoreKind, StoreOptions } from './stores.ts';

const run = promisify(execFile);
/** A first start may have to pull the image. */
const START_TIMEOUT_MS = 300_000;

/** Whether a Docker engine runs here; the client alone is not enough. */
export async function engineAnswers(): Promise<boolean> {
  const docker = findBinary(['docker']);
  if (!docker) return false;
  return run(docker, ['version', '--format', '{{.Server.Version}}'], { timeout: 5_000 }).then(
    () => true,
    () => false,
  );
}

/**
 * Runs one store as a container on a port of this machine. The container runs in the foreground of a child process and is removed with it,
 * so it ends with the shop like every other child; a named volume keeps its data where the shop keeps any.
 */
export async function startInDocker(kind: StoreKind, { folder, durability, say }: StoreOptions): Promise<OpenStore> {
  const home = join(folder, kind.name);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const logFile = join(home, 'server.log');
  const remembered = rememberedStore(home);
  const port = await freePort(remembered.port);
  remembered.keep(port);

  const { image, data } = kind.container;
  const name = `souk-${kind.name}-${createHash('sha256').update(home).digest('hex').slice(0, 12)}`;
  const storage = durability === 'kept' ? ['--volume', `${name}:${data}`] : ['--tmpfs', data];
  say?.(`starting ${image} in Docker`);
  writeFileSync(logFile, '', { mode: 0o600 });
  const child = startChild({
    name: kind.name,
    command: 'docker',
    args: [
      ...['run', '--rm', '--name', name, '--publish', `127.0.0.1:${port}:${kind.container.port}`, ...storage],
      ...kind.container.options(remembered.password),
      image,
      ...kind.container.command(remembered.password),
    ],
    logFile,
  });
  const url = kind.container.url(port, remembered.password);
  const died = child.ended.then((how) => {
    throw new Problem(`The ${kind.title} container ${how}; it said:\n${lastLines(readFileSync(logFile, 'utf8'))}`);
  });
  died.catch(() => {});
  try {
    await Promise.race([answers(kind, url), died]);
  } catch (error) {
    await child.stop();
    throw error;
  }
  return { url, origin: 'docker', stop: () => child.stop(30_000) };
}

async function answers(kind: StoreKind, url: string): Promise<void> {
  const giveUpAt = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      return await kind.check(url);
    } catch (error) {
      if (Date.now() > giveUpAt) throw error;
      await delay(200);
    }
  }
}
