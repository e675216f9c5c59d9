import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessName } from '@souk/dev/services';
import type { RunningService } from '@souk/dev/shop';
import type { Rig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';
import { amidShoppers, type Crowd, shoppersEnv } from '../shoppers.ts';
import { Browse, openVisitor, p99, pacedUntil, type Seen, type Visitor } from '../traffic.ts';

/** Of visitors who look around; those who buy come on top. */
const REQUESTS_PER_SECOND = { few: 50, many: 200 };
const AT_LEAST_MS = 60_000;
/** Two of each subgraph, and the workers of the gateway at once, which replaces them one after another by itself. */
const ALL = 11;

/** Every process is stopped politely and started anew, one after the other, while people look around and shop. */
export const rollingRestart: Scenario = {
  fault: 'Rolling restart of two processes of each service at 200 requests/s and people who shop',
  mustHold: 'no failed request',
  // Restarts.
  rounds: { small: 2, full: ALL },
  instances: 2,
  isDirect: true,
  env: {
    ...shoppersEnv,
    // As it is outside of development, and longer than connections between services rest.
    all: { LEAVE_NOTICE: '3s' },
    gateway: { GATEWAY_PROCESSES: '2' },
  },

  async run(rig, { rounds, random }) {
    const isFull = rounds === ALL;
    const perSecond = isFull ? REQUESTS_PER_SECOND.many : REQUESTS_PER_SECOND.few;
    const visitor = openVisitor(rig);
    try {
      const { result } = await amidShoppers(rig, random, async (crowd) => {
        return watch(visitor, crowd, perSecond, async () => {
          const leastPatience = delay(isFull ? AT_LEAST_MS : 0);
          for (const restart of restartsOf(rig).slice(0, rounds)) {
            await restart();
            crowd.gaveUp.throwIfAborted();
          }
          await leastPatience;
        });
      });
      const { seconds, visits, replies, failures } = result;
      const lost = failures.filter((failure) => !isOfTheMachine(failure));
      if (lost.length > 0) throw new Error(`${lost.length} requests failed, such as:\n${lost.slice(0, 5).join('\n')}`);
      return {
        figures: [
          `${rounds === ALL ? 'all 10 subgraph processes and both workers of the gateway' : `${rounds} services`} restarted in ${seconds} s`,
          `${visits.length} visits and ${replies} requests of shoppers: ${failures.length} failed${failures.length > 0 ? ` (${kindsOf(failures)})` : ''}`,
          `p99 of visits ${Math.round(p99(visits))} ms`,
        ],
        missed:
          failures.length > 0
            ? [`${failures.length} were refused or took too long: load, shop and stores share the same cores`]
            : [],
      };
    } finally {
      await visitor.close();
    }
  },
};

interface Watched {
  seconds: number;
  visits: Seen[];
  /** How many requests of shoppers were answered or not. */
  replies: number;
  /** Why requests of anybody failed. */
  failures: string[];
}

async function watch(visitor: Visitor, crowd: Crowd, perSecond: number, work: () => Promise<void>): Promise<Watched> {
  const enough = new AbortController();
  const startedAt = performance.now();
  const before = crowd.replies.length;
  const visiting = pacedUntil({ perSecond, enough: enough.signal }, () => visitor.send(Browse));
  await work().finally(() => enough.abort());
  const visits = await visiting;
  const replies = crowd.replies.slice(before);
  const failures = [
    ...visits.flatMap(({ status, text }) => (status === 200 && !text.includes('"errors"') ? [] : `${status} ${text}`)),
    ...replies.flatMap((reply) => (reply.kind === 'unknown' || reply.kind === 'later' ? reply.why : [])),
  ];
  return { seconds: Math.round((performance.now() - startedAt) / 1_000), visits, replies: replies.length, failures };
}

/**
 * What comes of too much work for the machine, and not of a process that is missing: of that, the first to ask would hear that it is away, and not only to ask
 * again after a while, as those do who are not let through to one that does not keep up.
 */
function isOfTheMachine(failure: string): boolean {
  return /OVERLOADED|RATE_LIMITED|SUBGRAPH_TIMEOUT|TimeoutError|"retryAfterMs"/.test(failure);
}

/** How often which codes came, such as "2 × RATE_LIMITED". */
function kindsOf(failures: readonly string[]): string {
  const kinds = failures.map((failure) => {
    const codes = new Set([...failure.matchAll(/"code":"(\w+)"/g)].map(([, code]) => code));
    // What never came to an answer is an error's text.
    return codes.size > 0 ? [...codes].join(' ') : failure.slice(0, 80);
  });
  return [...Map.groupBy(kinds, (kind) => kind)].map(([kind, all]) => `${all.length} × ${kind}`).join(', ');
}

const subgraphs: readonly ProcessName[] = ['order', 'catalog', 'user', 'cart', 'payment'];

/** Two at a time of different subgraphs would do, too; one after the other is what a cautious deployment does. */
function restartsOf(rig: Rig): (() => Promise<void>)[] {
  const { services, twins } = rig.shop;
  const both = (name: ProcessName) => [services[name], ...twins.filter((twin) => twin.name === name)];
  const [first, ...others] = subgraphs.flatMap(both).map((service) => () => restart(rig, service));
  return [...(first ? [first] : []), () => replaceWorkers(services.gateway), ...others];
}

/** The rig must not bring back the first of each, which it watches. */
function restart(rig: Rig, service: RunningService): Promise<void> {
  return service === rig.shop.services[service.name] ? rig.restart(service.name) : service.restart();
}

const PATIENCE_MS = 180_000;

async function replaceWorkers({ pid, logFile }: RunningService): Promise<void> {
  const replaced = () => readFileSync(logFile, 'utf8').split('all workers are replaced').length;
  const before = replaced();
  const giveUpAt = Date.now() + PATIENCE_MS;
  process.kill(pid, 'SIGHUP');
  while (replaced() === before) {
    if (Date.now() > giveUpAt) throw new Error(`Expected the gateway to replace its workers within ${PATIENCE_MS} ms.`);
    await delay(100);
  }
}
