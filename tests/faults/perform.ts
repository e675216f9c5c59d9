import { randomFor } from '@souk/dev/seed/random';
import { type Rig, startRig } from './rig.ts';
import { type Report, type Scenario, shopFor } from './scenario.ts';

export type Scale = keyof Scenario['rounds'];

export interface Performance extends Report {
  name: string;
  scenario: Scenario;
  rounds: number;
  tookMs: number;
  /** What went wrong; null when everything held. */
  failure: string | null;
}

/**
 * Runs scenarios one after another, those that need the same shop in the same one, and lets the checker look at it after each: every invariant has to
 * hold when all has settled, and the provider's log has to equal the ledger. A shop that was found broken is not used again.
 *
 * @param hear is told of each scenario as soon as it is over
 */
export async function perform(
  scenarios: Readonly<Record<string, Scenario>>,
  { scale, seed, hear }: { scale: Scale; seed: string; hear?: (performance: Performance) => void },
): Promise<Performance[]> {
  const performances: Performance[] = [];
  const byShop = Map.groupBy(Object.entries(scenarios), ([, scenario]) => JSON.stringify(shopFor(scenario)));
  for (const group of byShop.values()) {
    let rig: Rig | undefined;
    try {
      for (const [name, scenario] of group) {
        rig ??= await startRig(shopFor(scenario));
        const performance = await performOne(rig, name, scenario, { rounds: scenario.rounds[scale], seed });
        performances.push(performance);
        hear?.(performance);
        if (performance.failure !== null) {
          await rig.stop();
          rig = undefined;
        }
      }
    } finally {
      await rig?.stop();
    }
  }
  return performances;
}

/** One scenario in a shop that is whole. */
export async function performOne(
  rig: Rig,
  name: string,
  scenario: Scenario,
  { rounds, seed }: { rounds: number; seed: string },
): Promise<Performance> {
  const startedAt = performance.now();
  let report: Report = { figures: [], missed: [] };
  let failure: string | null = null;
  try {
    report = await scenario.run(rig, { rounds, random: randomFor(`${seed} ${name}`) });
    await rig.settle();
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    failure = `${what}\nThe same choices are made again by --only ${name} --seed '${seed}'.`;
  }
  return { name, scenario, rounds, ...report, tookMs: performance.now() - startedAt, failure };
}
