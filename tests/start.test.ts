import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '@souk/dev/free-port';
import { isAlive } from '@souk/dev/is-alive';
import { root } from '@souk/dev/workspaces';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newCustomer, PASSWORD, signIn } from './client.ts';

/** `npm start` as a person at a terminal sees it. The three starts share one folder, as they would on that person's machine. */
describe('npm start', { timeout: 180_000 }, () => {
  let folder: string;
  let port: number;
  let url: string;
  let email: string;
  const started: Start[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'souk-start-'));
    port = await freePort();
    url = `http://127.0.0.1:${port}/graphql`;
  });
  afterAll(async () => {
    for (const shop of started) {
      shop.process.kill('SIGTERM');
      await shop.ended;
    }
    rmSync(folder, { recursive: true, force: true });
  });

  function start(...args: string[]): Start {
    const run = runStart(args, { SOUK_FOLDER: folder, PORT: String(port) });
    started.push(run);
    return run;
  }

  it('takes an empty machine to a shop that answers, and tells where', async () => {
    const shop = start('--no-seed');
    await shop.ready();
    expect(shop.output()).toContain(url);
    expect(shop.output()).toMatch(/Ready in \d+\.\d s/);
    expect(shop.output()).toMatch(/schema +\d+\.\d s +publication 1, new/);
    ({ email } = await newCustomer(url));
  });

  it('is refused beside the running shop, and told where that one is', async () => {
    const second = start('--no-seed');
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain(`A shop is running already at ${url}`);
  });

  it('is refused on a port that is in use, and told how to choose another', async () => {
    const other = mkdtempSync(join(tmpdir(), 'souk-start-'));
    const second = runStart(['--no-seed'], { SOUK_FOLDER: other, PORT: String(port) });
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain(`Port ${port} is in use`);
    rmSync(other, { recursive: true });
  });

  it('stops at Ctrl-C and leaves no process', async () => {
    expect(descendantsOf(started[0]?.process.pid)).toHaveLength(FAMILY);
    await expectNothingLeft(started[0], 'SIGINT');
    expect(await started[0]?.ended).toBe(0);
  });

  it('finds its data again the next time', async () => {
    const shop = start('--no-seed');
    await shop.ready();
    expect(shop.output()).toMatch(/schema +\d+\.\d s +publication 1$/m);
    expect(await signIn(url, email, PASSWORD)).toMatchObject({ email });
  });

  it('starts a service again that died', async () => {
    const [, pid] = /cart +http\S+ process (\d+)/.exec(started.at(-1)?.output() ?? '') ?? [];
    process.kill(Number(pid), 'SIGKILL');
    await expect
      .poll(() => started.at(-1)?.output(), { timeout: 10_000 })
      .toContain('The cart service was ended by SIGKILL and is started again.');
    await expect.poll(() => descendantsOf(started.at(-1)?.process.pid).length, { timeout: 10_000 }).toBe(FAMILY);
  });

  it('leaves no process when it is killed', async () => {
    await expectNothingLeft(started.at(-1), 'SIGKILL');
  });

  it('forgets everything with --reset', async () => {
    const shop = start('--no-seed', '--reset');
    await shop.ready();
    await expect(signIn(url, email, PASSWORD)).rejects.toThrow('Expected a session');
    await expectNothingLeft(shop, 'SIGTERM');
  });
});

interface Start {
  process: ChildProcess;
  output(): string;
  /** Resolves when the shop says that it is ready; rejects when it ends first. */
  ready(): Promise<void>;
  /** Its exit code. */
  ended: Promise<number | null>;
}

function runStart(args: string[], environment: Record<string, string>): Start {
  // The command `env` adds to the environment and becomes the program.
  const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const child = spawn('env', [...settings, process.execPath, join(root, 'dev/start.ts'), ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk) => (text += chunk));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const untilReady = async () => {
    while (!text.includes('Ctrl-C stops everything')) await delay(50);
  };
  return {
    process: child,
    output: () => text,
    ended,
    ready: () =>
      Promise.race([untilReady(), ended.then((code) => Promise.reject(new Error(`ended with ${code}:\n${text}`)))]),
  };
}

async function expectNothingLeft(shop: Start | undefined, signal: NodeJS.Signals): Promise<void> {
  const family = descendantsOf(shop?.process.pid);
  shop?.process.kill(signal);
  await expect.poll(() => family.filter(isAlive), { timeout: 30_000 }).toEqual([]);
}

/** Seven services, two stores, and the process that stops them when nobody else can. */
const FAMILY = 10;

function descendantsOf(pid: number | undefined): number[] {
  const children = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((other) => new RegExp(`^PPid:\\s+${pid}$`, 'm').test(statusOf(other)));
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

function statusOf(pid: number): string {
  const file = `/proc/${pid}/status`;
  try {
    return existsSync(file) ? readFileSync(file, 'latin1') : '';
  } catch {
    return '';
  }
}
