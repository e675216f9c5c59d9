import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** A process that never outlives the one that started it, not even when that one is killed with `kill -9`. */
export interface Child {
  name: string;
  pid: number;
  /** Resolves when the process has ended, to the words that say how. */
  ended: Promise<string>;
  isRunning(): boolean;
  /** SIGTERM, then SIGKILL when it takes longer than `graceMs`. Resolves when the process is gone. */
  stop(graceMs?: number): Promise<void>;
  kill(): void;
  signal(name: NodeJS.Signals): void;
}

export interface ChildOptions {
  name: string;
  command: string;
  args: string[];
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Where its output goes, both streams, appended. */
  logFile: string;
}

const DEFAULT_GRACE_MS = 10_000;
const running = new Set<Child>();

export function startChild({ name, command, args, cwd, env, logFile }: ChildOptions): Child {
  const log = openSync(logFile, 'a');
  const child = spawn(command, args, {
    cwd,
    env: env ?? process.env,
    stdio: ['ignore', log, log],
    // In its own session, so that Ctrl-C in the terminal reaches the parent alone, which then stops its children in order.
    detached: true,
  });
  closeSync(log);
  const ended = endOf(child);
  const { pid } = child;
  // A command that cannot be started has no pid; `ended` tells why.
  if (pid === undefined)
    return { name, pid: -1, ended, isRunning: () => false, stop: async () => {}, kill() {}, signal() {} };

  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const started: Child = {
    name,
    pid,
    ended,
    isRunning,
    async stop(graceMs = DEFAULT_GRACE_MS) {
      if (!isRunning()) return;
      child.kill('SIGCONT');
      child.kill('SIGTERM');
      const patience = new AbortController();
      const tooLong = delay(graceMs, 'too long' as const, { signal: patience.signal }).catch(() => undefined);
      if ((await Promise.race([ended, tooLong])) === 'too long') child.kill('SIGKILL');
      await ended;
      patience.abort();
    },
    kill: () => void child.kill('SIGKILL'),
    signal: (name) => void child.kill(name),
  };
  running.add(started);
  tellKeeper({ watch: pid });
  void ended.then(() => {
    running.delete(started);
    tellKeeper({ forget: pid });
  });
  return started;
}

/** Stops whatever this process started and has not stopped yet, the newest first: services before the stores they stand on. */
export async function stopAllChildren(): Promise<void> {
  for (const child of [...running].reverse()) await child.stop();
}

/** Ends them without asking; for those who cannot wait. */
export function killAllChildren(): void {
  for (const child of running) child.kill();
}

/** Asks for a folder to be removed once this process is gone, however it goes. */
export function removeFolderAfterwards(folder: string): void {
  tellKeeper({ remove: folder });
}

async function endOf(child: ChildProcess): Promise<string> {
  try {
    const [code, signal] = await once(child, 'exit');
    return signal ? `was ended by ${signal}` : `ended with exit code ${code}`;
  } catch (error) {
    return `could not be started (${error instanceof Error ? error.message : error})`;
  }
}

let keeper: ChildProcess | undefined;

function tellKeeper(order: { watch: number } | { forget: number } | { remove: string }): void {
  keeper ??= startKeeper();
  keeper.stdin?.write(`${JSON.stringify(order)}\n`);
}

function startKeeper(): ChildProcess {
  const child = spawn(process.execPath, [fileURLToPath(new URL('keeper.ts', import.meta.url))], {
    stdio: ['pipe', 'ignore', 'inherit'],
    detached: true,
    env: {},
  });
  // It must not keep this process alive: its whole use begins when this process ends.
  child.unref();
  child.stdin.on('error', () => {});
  if ('unref' in child.stdin && typeof child.stdin.unref === 'function') child.stdin.unref();
  return child;
}
