import { setTimeout as delay } from 'node:timers/promises';
import { type SubgraphName, subgraphNames } from '@souk/schema/subgraphs';
import { isCommit } from '../is-commit.ts';
import type { Rig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';
import { amidShoppers, type Crowd, longestWaitMs, shoppersEnv, summaryOf } from '../shoppers.ts';

/** A transaction commits, and nobody hears of it: the connection breaks with the answer to its COMMIT. */
export const lostCommits: Scenario = {
  fault: 'COMMITs whose answer is lost, spread over the five databases',
  mustHold: 'nothing is done twice, nothing is lost',
  rounds: { small: 50, full: 500 },
  env: shoppersEnv,

  async run(rig, { rounds, random }) {
    const share = rounds / subgraphNames.length;
    const { history } = await amidShoppers(rig, random, (crowd) =>
      Promise.all(subgraphNames.map((subgraph) => loseCommits(rig, subgraph, share, crowd))),
    );
    return {
      figures: [
        `${share} answers lost in each of ${subgraphNames.length} databases`,
        summaryOf(history),
        `the longest a client had to ask was ${Math.round(longestWaitMs(history) / 1_000)} s`,
      ],
      missed: [],
    };
  },
};

const POLL_MS = 20;

/** One at a time, and the next when somebody has got on: so the shop is not only busy with doing again what failed. */
async function loseCommits({ network }: Rig, subgraph: SubgraphName, count: number, crowd: Crowd): Promise<void> {
  const { history, gaveUp } = crowd;
  const until = async (isSo: () => boolean) => {
    while (!isSo()) await delay(POLL_MS, undefined, { signal: gaveUp });
  };
  for (let lost = 0; lost < count; lost++) {
    const begun = history.wishes.length;
    const left = network.mysql[subgraph].loseReplies(1, isCommit);
    await until(() => left() === 0);
    await until(() => history.wishes.length > begun);
  }
}
