import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '@souk/dev/seed/random';
import { type ProcessName, processNames } from '@souk/dev/services';
import { subgraphNames } from '@souk/schema/subgraphs';
import type { TcpProxy } from '../../platform/test/tcp-proxy.ts';
import { isCommit } from './is-commit.ts';
import { type PointName, pointNames } from './points.ts';
import type { Rig } from './rig.ts';

/** One thing that a nemesis does to a shop. `says` names it, so that a list of steps tells the whole story. */
export interface Step {
  says: string;
  /** Does it and takes it back. */
  run(rig: Rig): Promise<void>;
}

/** Draws steps. The same random numbers give the same steps. */
export function drawSteps(random: Random, count: number): Step[] {
  return Array.from({ length: count }, () => random.pick(kinds)(random));
}

/** A process that is frozen longer than its leases has been given up by everybody when it goes on. */
export function longFreeze(random: Random): Step {
  return freezing(random.pick(['order', 'payment', 'catalog'] as const), random.integer(32_000, 36_000));
}

/** Each as often as it stands here. */
const kinds: readonly ((random: Random) => Step)[] = [
  killing,
  killing,
  killingAtPoint,
  killingAtPoint,
  (random) => freezing(random.pick(processNames), random.integer(200, 4_000)),
  killingDatabase,
  wipingRedis,
  (random) => onNetwork(random, 'Redis'),
  (random) => onNetwork(random, 'a database'),
  (random) => onNetwork(random, 'a database'),
  (random) => onNetwork(random, 'a process'),
  (random) => onNetwork(random, 'a process'),
  losingCommits,
  losingReplies,
];

function killing(random: Random): Step {
  const name = random.pick(processNames);
  return {
    says: `kill ${name}`,
    async run(rig) {
      await rig.back(name);
      await rig.kill(name);
    },
  };
}

/** Longer than most points are waited for under load; the others have their turn in `kills`. */
const POINT_PATIENCE_MS = 3_000;

function killingAtPoint(random: Random): Step {
  const point = random.pick(pointNames);
  return { says: `kill at ${point}`, run: async (rig) => void (await killAt(rig, point, POINT_PATIENCE_MS)) };
}

/** Kills the first process that reaches a point, just there. Gives its name, or null when none came in time. */
export async function killAt(rig: Rig, point: PointName, patienceMs: number): Promise<ProcessName | null> {
  const held = await rig.hold(point);
  const reached = await Promise.race([held.reached, delay(patienceMs, null)]);
  if (!reached) {
    held.release();
    return null;
  }
  const name = processNames.find((each) => rig.shop.services[each].pid === reached.pid);
  // Somebody else has killed it.
  if (!name) return null;
  await rig.kill(name);
  return name;
}

function freezing(name: ProcessName, forMs: number): Step {
  return {
    says: `freeze ${name} for ${forMs} ms`,
    async run(rig) {
      await rig.back(name);
      const thaw = rig.freeze(name);
      await delay(forMs);
      thaw();
    },
  };
}

function killingDatabase(): Step {
  return { says: 'kill the database', run: (rig) => alone('the database', () => rig.killDatabase()) };
}

function wipingRedis(): Step {
  return { says: 'wipe Redis', run: (rig) => rig.wipeRedis() };
}

const MAX_TROUBLE_MS = 2_500;

/** A network that is cut, resets, hangs or is slow for a while. */
function onNetwork(random: Random, what: 'Redis' | 'a database' | 'a process'): Step {
  const forMs = random.integer(100, MAX_TROUBLE_MS);
  const delayMs = random.integer(20, 400);
  const subgraph = random.pick(subgraphNames);
  const name = random.pick(processNames.filter((each) => each !== 'gateway'));
  const proxyOf = ({ network }: Rig): TcpProxy => {
    if (what === 'Redis') return network.redis;
    return what === 'a database' ? network.mysql[subgraph] : network.processes[name];
  };
  const [doing, trouble] = random.pick<[string, (proxy: TcpProxy) => unknown]>([
    ['cut', (proxy) => proxy.cut()],
    ['reset', (proxy) => proxy.reset()],
    ['hang', (proxy) => proxy.freeze()],
    [`slow by ${delayMs} ms`, (proxy) => proxy.slow(delayMs)],
  ]);
  const place = { Redis: 'Redis', 'a database': `the database of ${subgraph}`, 'a process': name }[what];
  return {
    says: `${doing} the way to ${place} for ${forMs} ms`,
    run: (rig) =>
      alone(place, async () => {
        const proxy = proxyOf(rig);
        await trouble(proxy);
        await delay(forMs);
        await proxy.heal();
      }),
  };
}

const busy = new Map<string, Promise<void>>();

/** What is broken is not broken again before it is whole. */
async function alone(place: string, work: () => Promise<void>): Promise<void> {
  while (busy.has(place)) await busy.get(place);
  const working = work().finally(() => busy.delete(place));
  busy.set(place, working);
  await working;
}

function losingCommits(random: Random): Step {
  const subgraph = random.pick(subgraphNames);
  const count = random.integer(1, 5);
  return {
    says: `lose the answers to ${count} COMMITs of ${subgraph}`,
    run: ({ network }) => lose(network.mysql[subgraph], count, isCommit),
  };
}

/** What was asked is done, and nobody hears of it: from one process to another, to the provider or back from it. */
function losingReplies(random: Random): Step {
  const name = random.pick(processNames.filter((each) => each !== 'gateway'));
  const count = random.integer(1, 3);
  return {
    says: `lose ${count} answers of ${name}`,
    run: ({ network }) => lose(network.processes[name], count, (bytes) => bytes.subarray(0, 5).equals(post)),
  };
}

const post = Buffer.from('POST ');

async function lose(proxy: TcpProxy, count: number, isRequest: (bytes: Buffer) => boolean): Promise<void> {
  const left = proxy.loseReplies(count, isRequest);
  const giveUpAt = Date.now() + MAX_TROUBLE_MS;
  while (left() > 0 && Date.now() < giveUpAt) await delay(20);
  proxy.loseReplies(0, isRequest);
}
