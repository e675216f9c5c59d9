import type { Scenario } from './scenario.ts';
import { stampede } from './scenarios/stampede.ts';

/** In the order of the report. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  stampede,
};
