import type { Scenario } from './scenario.ts';
import { databaseKills } from './scenarios/database-kills.ts';
import { failingSubgraph } from './scenarios/failing-subgraph.ts';
import { kills } from './scenarios/kills.ts';
import { lostCommits } from './scenarios/lost-commits.ts';
import { mixture } from './scenarios/mixture.ts';
import { overload } from './scenarios/overload.ts';
import { rollingRestart } from './scenarios/rolling-restart.ts';
import { stampede } from './scenarios/stampede.ts';

/** In the order of the report. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  stampede,
  kills,
  'database-kills': databaseKills,
  'lost-commits': lostCommits,
  'failing-subgraph': failingSubgraph,
  overload,
  'rolling-restart': rollingRestart,
  mixture,
};
