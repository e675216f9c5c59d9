/** Moves on whenever a mutation begins or ends, to whatever subgraph: between two ticks nothing changes that this gateway knows of. */
export interface MutationClock {
  now(): number;
  tick(): void;
}

export function createMutationClock(): MutationClock {
  let ticks = 0;
  return {
    now: () => ticks,
    tick: () => {
      ticks++;
    },
  };
}
