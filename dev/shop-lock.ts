import { mkdirSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join, relative } from 'node:path';
import { Problem } from './problem.ts';

/** What a running shop tells whoever asks. */
export interface RunningShop {
  pid: number;
  gatewayUrl: string;
  /** Where the provider of test cards tells what happened to the money. */
  testProviderUrl?: string;
}

/**
 * Claims a folder for one shop at a time. The claim is a socket, not a file with a number in it: the operating system ends it with the process,
 * so a shop that was killed leaves nothing that must be cleared by hand.
 *
 * @throws {Problem} when a shop runs there already
 */
export async function claimFolder(folder: string, shop: RunningShop): Promise<{ release(): Promise<void> }> {
  const running = await askRunningShop(folder);
  if (running) {
    throw new Problem(
      `A shop is running already at ${running.gatewayUrl}: stop it with Ctrl-C where it was started, or with "kill ${running.pid}".`,
    );
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = socketPath(folder);
  rmSync(path, { force: true });
  const server = createServer((socket) => socket.on('error', () => {}).end(JSON.stringify(shop)));
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
  server.unref();
  return { release: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** The shop that runs in this folder, if one does. */
export function askRunningShop(folder: string): Promise<RunningShop | undefined> {
  return new Promise((resolve) => {
    let answer = '';
    connect(socketPath(folder))
      .on('error', () => resolve(undefined))
      .on('data', (chunk) => {
        answer += chunk;
      })
      .on('end', () => resolve(answer ? (JSON.parse(answer) as RunningShop) : undefined));
  });
}

/** The path of a socket may not be longer than about a hundred bytes; seen from here it is usually shorter. */
function socketPath(folder: string): string {
  const full = join(folder, 'shop.sock');
  const seenFromHere = relative(process.cwd(), full);
  return seenFromHere.length < full.length ? seenFromHere : full;
}
