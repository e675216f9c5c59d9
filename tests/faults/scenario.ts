import type { Random } from '@souk/dev/seed/random';
import type { Rig, RigOptions } from './rig.ts';

/**
 * One thing that goes wrong in real life, done to a shop on purpose, with what has to hold all the same. Each is a file of its own in `scenarios/`;
 * the tests run it small, and `npm run faults -- --full` as large as it is said to be survived.
 */
export interface Scenario {
  /** As in the table of the report. */
  fault: string;
  mustHold: string;
  /** How often it is done, or how much of it. */
  rounds: { small: number; full: number };
  /** What the shop has to be started with. Scenarios that need nothing share one. */
  env?: NonNullable<RigOptions['env']>;
  /** How many processes of each subgraph it needs. Default 1. */
  instances?: number;
  /** Whether nothing is to stand between the processes and the stores. */
  isDirect?: boolean;
  /**
   * Does it, and leaves the rig whole. What must never happen is thrown; how well it went is told. The same seed makes the same choices.
   * Whether all invariants hold afterwards is asked by whoever runs it.
   */
  run(rig: Rig, context: { rounds: number; random: Random }): Promise<Report>;
}

export interface Report {
  /** What was counted and measured, each in a few words: `exactly 100 sold in 20 of 20 runs`. */
  figures: string[];
  /** Targets that were missed though nothing is wrong, each with its reason. They depend on the machine, so no test fails for them. */
  missed: string[];
}

/** What a scenario has to be given as its shop. Scenarios that need the same may share one. */
export function shopFor({
  env = {},
  instances = 1,
  isDirect = false,
}: Scenario): Pick<RigOptions, 'env' | 'instances' | 'isDirect'> {
  return { env, instances, isDirect };
}
