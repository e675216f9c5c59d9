import type { WrittenData } from '../execution/written-data.ts';

/** An answer without errors, as everybody gets it. */
export interface KeptAnswer {
  data: WrittenData;
  /** What it was made from: see cache-tags.ts of the platform. */
  tags: readonly string[];
  /** When it began to be made, in milliseconds of Redis' clock; undefined when Redis could not tell, and then it is kept in memory only. */
  madeAtMs: number | undefined;
  maxAgeSeconds: number;
}
