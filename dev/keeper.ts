/**
 * Stops what its parent left behind.
 *
 * A shop is several processes, and whoever started them may be killed in a way that leaves no time to clean up. This small process holds the
 * other end of a pipe from that parent. As long as the parent lives it only listens; when the pipe closes, for whatever reason, it stops the
 * processes it was told of, the newest first, and removes the folders it was told of.
 *
 * It reads one JSON value per line: `{"watch": pid}`, `{"forget": pid}`, `{"remove": folder}`.
 */
import { readFileSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

/** Long enough for a store to write its last page; after it a process is killed. */
const GRACE_MS = 8_000;
const POLL_MS = 25;

const watched = new Set<number>();
const folders = new Set<string>();

// The parent decides when this process ends, not the terminal both may share.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as { watch?: number; forget?: number; remove?: string };
  if (order.watch !== undefined) watched.add(order.watch);
  if (order.forget !== undefined) watched.delete(order.forget);
  if (order.remove !== undefined) folders.add(order.remove);
}
for (const pid of [...watched].reverse()) await stop(pid);
for (const folder of folders) rmSync(folder, { recursive: true, force: true });

async function stop(pid: number): Promise<void> {
  // A process that was frozen with SIGSTOP obeys nothing until it is woken.
  send(pid, 'SIGCONT');
  send(pid, 'SIGTERM');
  for (let waitedMs = 0; waitedMs < GRACE_MS; waitedMs += POLL_MS) {
    if (!send(pid, 0) || isZombie(pid)) return;
    await delay(POLL_MS);
  }
  send(pid, 'SIGKILL');
}

/** An orphan that has ended keeps its number until the system's first process collects it, which may take a while. */
function isZombie(pid: number): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\)/, ''));
  } catch {
    return false;
  }
}

/** Sends a signal; false when there is no such process any more. */
function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
