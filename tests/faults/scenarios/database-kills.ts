import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '@souk/dev/seed/random';
import type { Rig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';
import { amidShoppers, type Crowd, longestWaitMs, shoppersEnv, summaryOf } from '../shoppers.ts';

const TARGET_MS = 5_000;

/** The database dies and comes back while people shop. */
export const databaseKills: Scenario = {
  fault: 'Kills of the database (SIGKILL) under load',
  mustHold: 'no acknowledged write is lost; first success ≤ 5 s after it accepts again',
  rounds: { small: 3, full: 50 },
  env: shoppersEnv,

  async run(rig, { rounds, random }) {
    const { result, history } = await amidShoppers(rig, random, (crowd) =>
      killAgainAndAgain(rig, random, crowd, rounds),
    );
    const slowestMs = Math.round(Math.max(...result));
    const late = result.filter((ms) => ms > TARGET_MS).length;
    return {
      figures: [
        `${rounds} kills`,
        `first success at most ${slowestMs} ms after the database accepted again`,
        summaryOf(history),
        `the longest a client had to ask was ${Math.round(longestWaitMs(history) / 1_000)} s`,
      ],
      missed: late > 0 ? [`after ${late} of ${rounds} kills the first success took longer than 5 s`] : [],
    };
  },
};

const MAX_LIFE_MS = 1_500;

/** Gives how long the first success took after each kill. */
async function killAgainAndAgain(rig: Rig, random: Random, crowd: Crowd, rounds: number): Promise<number[]> {
  const firstSuccessesMs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await delay(random.integer(0, MAX_LIFE_MS), undefined, { signal: crowd.gaveUp });
    await rig.killDatabase();
    const acceptsAt = performance.now();
    await crowd.firstSuccess();
    firstSuccessesMs.push(performance.now() - acceptsAt);
  }
  return firstSuccessesMs;
}
