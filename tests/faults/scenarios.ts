import type { Scenario } from './scenario.ts';

/** In the order of the report. */
export const scenarios: Readonly<Record<string, Scenario>> = {};
