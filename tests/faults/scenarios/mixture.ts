import { setTimeout as delay } from 'node:timers/promises';
import { randomFor } from '@souk/dev/seed/random';
import type { Rig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';
import { amidShoppers, longestWaitMs, shoppersEnv } from '../shoppers.ts';
import { drawSteps, longFreeze, type Step } from '../steps.ts';

const STEPS = 6;

/** Everything that can break, two things at a time, in an order that nobody thought of. */
export const mixture: Scenario = {
  fault: 'Random mixtures of kills, freezes, lost databases, Redis and networks, two at a time under load',
  mustHold: 'no invariant breaks, everything is as clients were told',
  // Each from a seed of its own, with two rows of so many steps.
  rounds: { small: 1, full: 20 },
  env: shoppersEnv,

  async run(rig, { rounds, random }) {
    let wishes = 0;
    let longestMs = 0;
    for (let round = 1; round <= rounds; round++) {
      const chance = randomFor(String(random.integer(0, 2 ** 31 - 1)));
      const rows = [drawSteps(chance, STEPS), drawSteps(chance, STEPS)];
      // In a short run there is no time for it.
      if (rounds > 1 && chance.chance(25)) rows[0]?.push(longFreeze(chance));
      try {
        const { history } = await amidShoppers(rig, chance, ({ gaveUp }) =>
          Promise.all(rows.map((steps) => walk(rig, steps, gaveUp))),
        );
        wishes += history.wishes.length;
        longestMs = Math.max(longestMs, longestWaitMs(history));
      } catch (error) {
        throw new Error(`In round ${round} of ${rounds}: ${messageOf(error)}\n${storyOf(rows)}`, { cause: error });
      }
    }
    return {
      figures: [
        `${rounds} mixtures of ${2 * STEPS} steps`,
        `${wishes} wishes, all as clients were told`,
        `the longest a client had to ask was ${Math.round(longestMs / 1_000)} s`,
      ],
      missed: [],
    };
  },
};

const PAUSE_MS = 200;

async function walk(rig: Rig, steps: readonly Step[], gaveUp: AbortSignal): Promise<void> {
  for (const step of steps) {
    gaveUp.throwIfAborted();
    await step.run(rig);
    await delay(PAUSE_MS);
  }
}

function storyOf(rows: readonly Step[][]): string {
  return rows
    .map((steps, row) => [`The steps of row ${row + 1}:`, ...steps.map(({ says }) => `  ${says}`)].join('\n'))
    .join('\n');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
