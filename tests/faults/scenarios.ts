import type { Scenario } from './scenario.ts';
import { failingSubgraph } from './scenarios/failing-subgraph.ts';
import { overload } from './scenarios/overload.ts';
import { rollingRestart } from './scenarios/rolling-restart.ts';
import { stampede } from './scenarios/stampede.ts';

/** In the order of the report. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  stampede,
  'failing-subgraph': failingSubgraph,
  overload,
  'rolling-restart': rollingRestart,
};
