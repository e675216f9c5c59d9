import { afterAll, describe, expect, it } from 'vitest';
import { performOne } from './perform.ts';
import { type Rig, startRig } from './rig.ts';
import { shopFor } from './scenario.ts';
import { scenarios } from './scenarios.ts';

/** Every scenario, small. One seed, so that a failure can be repeated; other seeds are for `npm run faults -- --seed`. */
const SEED = 'souk';

const byShop = Object.groupBy(Object.entries(scenarios), ([, scenario]) => JSON.stringify(shopFor(scenario)));

describe.each(Object.values(byShop).map((group) => group ?? []))('a shop', (...group) => {
  let rig: Rig | undefined;
  afterAll(() => rig?.stop());

  it.each(group)('survives: %s', { timeout: 180_000 }, async (name, scenario) => {
    rig ??= await startRig(shopFor(scenario));
    const { failure, figures } = await performOne(rig, name, scenario, { rounds: scenario.rounds.small, seed: SEED });
    if (failure !== null) {
      const broken = rig;
      rig = undefined;
      await broken.stop();
    }
    expect(failure).toBeNull();
    expect(figures).not.toEqual([]);
  });
});
