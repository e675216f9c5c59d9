import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '@souk/dev/seed/random';
import { type ProcessName, processNames } from '@souk/dev/services';
import { openSource } from '../../invariants/source.ts';
import { type PointName, pointNames } from '../points.ts';
import type { Rig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';
import { amidShoppers, longestWaitMs, shoppersEnv, summaryOf } from '../shoppers.ts';
import { shuffled } from '../shuffled.ts';
import { killAt } from '../steps.ts';

const TARGET_SAGA_SECONDS = 60;

/** Processes die without a word while people shop: now at any moment, now between two steps of what they are doing. */
export const kills: Scenario = {
  fault: 'Kills of processes (SIGKILL), alternately at any moment and at each crash point in turn',
  mustHold: 'no invariant breaks; a retry gets the same order; every saga is over within 60 s',
  rounds: { small: 8, full: 200 },
  env: shoppersEnv,

  async run(rig, { rounds, random }) {
    const { result, history } = await amidShoppers(rig, random, ({ gaveUp }) =>
      killInTurn(rig, random, rounds, gaveUp),
    );
    const { byProcess, visited } = result;
    const sagaSeconds = await longestSagaSeconds(rig);
    return {
      figures: [
        `${rounds} kills (${[...byProcess].map(([name, count]) => `${name} ${count}`).join(', ')})`,
        `${visited.size} of ${pointNames.length} crash points visited`,
        summaryOf(history),
        `the longest saga was over after ${sagaSeconds} s`,
        `the longest a client had to ask was ${Math.round(longestWaitMs(history) / 1_000)} s`,
      ],
      missed: sagaSeconds > TARGET_SAGA_SECONDS ? [`a saga took ${sagaSeconds} s > ${TARGET_SAGA_SECONDS} s`] : [],
    };
  },
};

interface Killed {
  byProcess: Map<ProcessName, number>;
  visited: Set<PointName>;
}

/** How long a point is waited for: some are reached only when something expires or is asked again. */
const POINT_PATIENCE_MS = 40_000;
const MAX_MOMENT_MS = 800;

/** @throws when a point was never reached although its turn came */
async function killInTurn(rig: Rig, random: Random, rounds: number, gaveUp: AbortSignal): Promise<Killed> {
  const byProcess = new Map<ProcessName, number>();
  const visited = new Set<PointName>();
  const missed = new Set<PointName>();
  let turns: PointName[] = [];
  const count = (name: ProcessName) => byProcess.set(name, (byProcess.get(name) ?? 0) + 1);

  for (let done = 0; done < rounds; ) {
    if (done % 2 === 0) {
      await delay(random.integer(0, MAX_MOMENT_MS), undefined, { signal: gaveUp });
      const name = random.pick(processNames);
      await rig.kill(name);
      count(name);
      done++;
      continue;
    }
    if (turns.length === 0) turns = shuffled(random, pointNames);
    const point = turns.pop() as PointName;
    const name = await killAt(rig, point, POINT_PATIENCE_MS);
    gaveUp.throwIfAborted();
    if (!name) {
      // Its turn comes again with the next round of all of them; when there is none, it is missing in the end.
      missed.add(point);
      continue;
    }
    visited.add(point);
    count(name);
    done++;
  }
  const never = [...missed].filter((point) => !visited.has(point));
  if (never.length > 0)
    throw new Error(`Nobody came to these points within ${POINT_PATIENCE_MS} ms: ${never.join(', ')}.`);
  return { byProcess, visited };
}

async function longestSagaSeconds(rig: Rig): Promise<number> {
  const orders = await openSource(rig.databaseUrls.order);
  try {
    const [row] = await orders.rows<{ seconds: string | null }>(
      'SELECT MAX(TIMESTAMPDIFF(MICROSECOND, created_at, updated_at)) / 1000000 AS seconds FROM checkouts',
    );
    return Math.round(Number(row?.seconds ?? 0));
  } finally {
    await orders.close();
  }
}
