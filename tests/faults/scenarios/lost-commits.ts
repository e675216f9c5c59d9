import { setTimeout as delay } from 'node:timers/promises';
import { type SubgraphName, subgraphNames } from '@souk/schema/subgraphs';
import { isCommit } from '../is-commit.ts';
import type { Rig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';
import { amidShoppers, longestWaitMs, shoppersEnv, summaryOf } from '../shoppers.ts';

/** A transaction commits, and nobody hears of it: the connection breaks with the answer to its COMMIT. */
export const lostCommits: Scenario = {
  fault: 'COMMITs whose answer is lost, spread over the five databases',
  mustHold: 'nothing is done twice, nothing is lost',
  rounds: { small: 50, full: 500 },
  env: shoppersEnv,

  async run(rig, { rounds, random }) {
    const share = rounds / subgraphNames.length;
    const { history } = await amidShoppers(rig, random, ({ gaveUp }) =>
      Promise.all(subgraphNames.map((subgraph) => loseCommits(rig, subgraph, share, gaveUp))),
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

/** One at a time, so that what is done again is mostly heard of. */
async function loseCommits(
  { network }: Rig,
  subgraph: SubgraphName,
  count: number,
  gaveUp: AbortSignal,
): Promise<void> {
  for (let lost = 0; lost < count; lost++) {
    const left = network.mysql[subgraph].loseReplies(1, isCommit);
    while (left() > 0) await delay(POLL_MS, undefined, { signal: gaveUp });
  }
}
