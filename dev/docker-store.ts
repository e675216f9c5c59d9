import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startChild } from './child.ts';
import { findBinary } from './find-binary.ts';
import { freePort } from './free-port.ts';
import { rememberedStore } from './remembered-store.ts';
import { untilItAnswers } from './started-server.ts';
import type { OpenStore, StoreKind, StoreName, StoreOptions } from './stores.ts';

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
  const name = containerName(folder, kind.name);
  const storage = durability === 'kept' ? ['--volume', `${name}:${data}`] : ['--tmpfs', data];
  say?.(`starting ${image} in Docker`);
  writeFileSync(logFile, '', { mode: 0o600 });
  const child = startChild({
    name: kind.name,
    command: 'docker',
    args: [
      ...['run', '--rm', '--name', name, '--env', kind.container.passwordVariable],
      ...['--publish', `127.0.0.1:${port}:${kind.container.port}`],
      ...storage,
      image,
      ...kind.container.command,
    ],
    // Passed by name only, so that the password stands in no list of processes.
    env: { ...process.env, [kind.container.passwordVariable]: remembered.password },
    logFile,
  });
  const url = kind.container.url(port, remembered.password);
  await untilItAnswers({
    child,
    title: `The ${kind.title} container`,
    logFile,
    timeoutMs: START_TIMEOUT_MS,
    ping: () => kind.check(url),
  });
  return { url, origin: 'docker', stop: () => child.stop(30_000) };
}

/** Forgets what containers kept for the shop in this folder. */
export async function removeVolumes(folder: string): Promise<void> {
  if (!(await engineAnswers())) return;
  await run('docker', ['volume', 'rm', '--force', containerName(folder, 'mysql'), containerName(folder, 'redis')]);
}

function containerName(folder: string, store: StoreName): string {
  return `souk-${store}-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`;
}
