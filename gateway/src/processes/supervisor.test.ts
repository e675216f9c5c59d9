import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '@souk/dev/free-port';
import { isAlive } from '@souk/dev/is-alive';
import { Agent, Pool, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

/** Two workers behind one port (test/several-processes.ts), which these tests kill, replace and stop. */
const program = fileURLToPath(new URL('../../test/several-processes.ts', import.meta.url));
const NOTICE_MS = 1_000;
const patience = { timeout: 60_000, interval: 50 };
let supervisor: ChildProcess;
let log = '';
let origin: string;
let metricsUrl: string;

beforeAll(async () => {
  const [port, internalPort] = [await freePort(), await freePort()];
  origin = `http://127.0.0.1:${port}`;
  metricsUrl = `http://127.0.0.1:${internalPort}/metrics`;
  supervisor = start(port, internalPort);
  await vi.waitFor(() => expect(workers()).toHaveLength(2), patience);
}, 60_000);

afterAll(() => void supervisor.kill('SIGKILL'));

function start(...numbers: number[]): ChildProcess {
  const child = spawn(process.execPath, [program, ...[...numbers, NOTICE_MS].map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout?.on('data', (text) => {
    log += text;
  });
  return child;
}

/** The workers that have said that they work, and still run. */
function workers(): number[] {
  return [...log.matchAll(/"pid":(\d+),"msg":"a worker works"/g)].map(([, pid]) => Number(pid)).filter(isAlive);
}

/** Asks on a connection of its own, so that whichever worker is next in turn answers: gives its pid. */
async function askAnew(): Promise<number> {
  const agent = new Agent();
  try {
    const { body } = await request(origin, { dispatcher: agent });
    return Number(await body.text());
  } finally {
    await agent.close();
  }
}

async function askOften(count: number): Promise<Set<number>> {
  const answers = new Set<number>();
  for (let asked = 0; asked < count; asked++) answers.add(await askAnew());
  return answers;
}

async function metric(start: string): Promise<number> {
  const text = await (await fetch(metricsUrl)).text();
  const line = text.split('\n').find((each) => each.startsWith(start)) ?? '';
  return Number(line.slice(line.lastIndexOf(' ') + 1));
}

const answered = () => metric('souk_http_request_duration_seconds_count{route="/",');

describe('several processes behind one port', { timeout: 120_000 }, () => {
  it('all answer, and what they have counted is added up whoever is asked', async () => {
    expect(await askOften(10)).toEqual(new Set(workers()));
    for (let looks = 0; looks < 4; looks++) expect(await answered()).toBe(10);
    expect(await metric('souk_gateway_workers ')).toBe(2);
  });

  it('go on when one of them is killed, and soon are as many again', async () => {
    const [victim = 0, other = 0] = workers();
    process.kill(victim, 'SIGKILL');
    // One connection may be on its way to the dead one: whoever opened it is told at once, and does not wait.
    const atThatMoment = await Promise.allSettled(Array.from({ length: 10 }, askAnew));
    const lost = atThatMoment.filter(({ status }) => status === 'rejected').length;
    expect(lost).toBeLessThanOrEqual(1);
    await vi.waitFor(() => expect(isAlive(victim)).toBe(false), patience);
    expect(await askOften(10)).toEqual(new Set([other]));
    await vi.waitFor(() => expect(workers()).toHaveLength(2), patience);
    expect(await askOften(10)).toEqual(new Set(workers()));
    // What the dead one had counted when somebody last looked is not forgotten.
    expect(await answered()).toBe(40 - lost);
    expect(await metric('souk_gateway_workers_replaced_total')).toBe(1);
  });

  it('are all replaced on SIGHUP, and nobody who asks notices', async () => {
    const before = workers();
    const counted = await answered();
    // A client that lets its connections rest for less than the notice of those who leave, as a load balancer should.
    const pool = new Pool(origin, { connections: 10, keepAliveMaxTimeout: NOTICE_MS / 2 });
    const onKept = async () => (await pool.request({ path: '/', method: 'GET' })).body.text();
    const readiness = async () => {
      const { status, body } = await fetch(`${origin}/readyz`);
      await body?.cancel();
      if (status !== 200) throw new Error(`/readyz said ${status}`);
    };
    const lost: unknown[] = [];
    let asked = 0;
    let isOver = false;
    const keepAsking = async (ask: () => Promise<unknown>) => {
      while (!isOver) {
        await ask().catch((error: unknown) => lost.push(error));
        await delay(10);
      }
    };
    const counting = (ask: () => Promise<unknown>) => () => {
      asked++;
      return ask();
    };
    const clients = [
      ...Array.from({ length: 4 }, () => keepAsking(counting(onKept))),
      keepAsking(counting(askAnew)),
      keepAsking(readiness),
    ];
    supervisor.kill('SIGHUP');
    await vi.waitFor(() => {
      expect(before.filter(isAlive)).toEqual([]);
      expect(workers()).toHaveLength(2);
    }, patience);
    isOver = true;
    await Promise.all(clients);
    await pool.close();
    expect(lost).toEqual([]);
    expect(asked).toBeGreaterThan(100);
    expect(await answered()).toBe(counted + asked);
    expect(log).toContain('all workers are replaced');
  });

  it('stop together on SIGTERM, after what is under way', async () => {
    const all = workers();
    const slow = fetch(`${origin}/slow`);
    await delay(100);
    supervisor.kill('SIGTERM');
    expect(await (await slow).text()).toBe('at last');
    expect(await once(supervisor, 'exit')).toEqual([0, null]);
    expect(all.filter(isAlive)).toEqual([]);
  });

  it('end with exit code 1 when they cannot listen', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const late = start((other.address() as AddressInfo).port, await freePort());
    expect(await once(late, 'exit')).toEqual([1, null]);
    expect(log).toContain('the workers cannot be started');
    other.close();
  });
});
