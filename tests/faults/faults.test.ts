import { afterAll, describe, expect, it } from 'vitest';
import { performOne } from './perform.ts';
import { type Rig, startRig } from './rig.ts';
import { scenarios } from './scenarios.ts';

/** Every scenario, small. One seed, so that a failure can be repeated; other seeds are for `npm run faults -- --seed`. */
const SEED = 'souk';

const byEnv = Object.groupBy(Object.entries(scenarios), ([, { env }]) => JSON.stringify(env ?? {}));

describe.each(Object.values(byEnv).map((group) => group ?? []))('a shop', (...group) => {
  let rig: Rig | undefined;
  afterAll(() => rig?.stop());

  it.each(group)('survives: %s', { timeout: 180_000 }, async (name, scenario) => {
    rig ??= await startRig({ env: scenario.env ?? {} });
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
