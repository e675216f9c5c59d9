/** An answer without errors, as everybody gets it. */
export interface KeptAnswer {
  /** The JSON text of its `data`. */
  data: string;
  /** What it was made from: see cache-tags.ts of the platform. */
  tags: readonly string[];
  /** When it began to be made, in milliseconds of Redis' clock; undefined when Redis could not tell, and then it is kept in memory only. */
  madeAtMs: number | undefined;
  maxAgeSeconds: number;
}
