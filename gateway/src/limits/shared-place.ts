import type { Lend } from './slots.ts';

/** The places of several requests that wait for the same. */
export interface SharedPlace {
  /** One more waits. @returns how to say that it waits no more */
  join(lend: Lend): () => void;
  /** Lets others have the places of all who wait, also of those who join meanwhile. */
  lend: Lend;
}

/** @param first lends the place of who waits all the time */
export function createSharedPlace(first: Lend): SharedPlace {
  /** How to take back what is lent of each one who has joined; nothing while nothing is. */
  let others: Map<Lend, (() => void) | undefined> | undefined;
  let timesLent = 0;

  return {
    join(lend) {
      others ??= new Map();
      others.set(lend, timesLent > 0 ? lend() : undefined);
      return () => {
        others?.get(lend)?.();
        others?.delete(lend);
      };
    },
    lend() {
      const takeBack = first();
      if (timesLent++ === 0) for (const lend of others?.keys() ?? []) others?.set(lend, lend());
      return () => {
        takeBack();
        if (--timesLent > 0) return;
        for (const [lend, takeBackThis] of others ?? []) {
          takeBackThis?.();
          others?.set(lend, undefined);
        }
      };
    },
  };
}
