import type { Scenario } from './scenario.ts';
import { chargeTimeouts } from './scenarios/charge-timeouts.ts';
import { databaseKills } from './scenarios/database-kills.ts';
import { failingSubgraph } from './scenarios/failing-subgraph.ts';
import { kills } from './scenarios/kills.ts';
import { latePayments } from './scenarios/late-payments.ts';
import { lostCommits } from './scenarios/lost-commits.ts';
import { mixture } from './scenarios/mixture.ts';
import { overload } from './scenarios/overload.ts';
import { redisWipes } from './scenarios/redis-wipes.ts';
import { rollingRestart } from './scenarios/rolling-restart.ts';
import { stampede } from './scenarios/stampede.ts';
import { stuckWorkers } from './scenarios/stuck-workers.ts';

/** In the order of the report. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  stampede,
  kills,
  'database-kills': databaseKills,
  'lost-commits': lostCommits,
  'redis-wipes': redisWipes,
  'stuck-workers': stuckWorkers,
  'charge-timeouts': chargeTimeouts,
  'late-payments': latePayments,
  'failing-subgraph': failingSubgraph,
  overload,
  'rolling-restart': rollingRestart,
  mixture,
};
