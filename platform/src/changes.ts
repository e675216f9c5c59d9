import { z } from 'zod';

/**
 * How gateways hear that something changed. They keep no tables, so what is announced to them has no effect that could be lost: it is a hint to look again,
 * published once the fact is committed and as often as it takes until Redis has it. Whoever does not listen at that moment misses it and has to look by itself when
 * it listens again.
 */
export const CHANGES_CHANNEL = 'souk:{changes}:announced';

/** Something is not what it was. */
export interface Change {
  /** What has changed, by its id in the whole graph. */
  id: string;
  /** Trace context of the request that changed it. */
  trace: Record<string, string>;
}

const changeShape = z.object({ id: z.string(), trace: z.record(z.string(), z.string()) }) satisfies z.ZodType<Change>;

/** The change that a message of the channel tells of; undefined for what is none. */
export function changeIn(message: string): Change | undefined {
  try {
    return changeShape.parse(JSON.parse(message));
  } catch {
    return undefined;
  }
}
