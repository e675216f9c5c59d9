import { givenUp } from '@souk/platform/patience';
import type { Errand } from '../errand.ts';
import { type Boarding, createFlights, type Work } from '../flights.ts';
import type { MutationClock } from './mutation-clock.ts';

export interface SharedQueriesOptions {
  clock: MutationClock;
  /** How long after it began a query may still be joined: whoever joins is answered no later than the first one, and may be told no older news. */
  joinWithinMs: number;
}

/** Queries to one subgraph that are under way. */
export interface SharedQueries<Answer> {
  /**
   * Joins a query that is under way, or begins it. It ends when nobody waits for it any more.
   *
   * @param begin asks the subgraph, and is told when the last who waited has gone
   * @returns the answer, for which fails with {@link CallFailure} `given-up` as soon as `hungUp` ends, and otherwise as what `begin` gives
   */
  ask(errand: Errand, hungUp: AbortSignal, begin: Work<Answer>): Boarding<Answer>;
}

/**
 * Asks a subgraph once where several clients ask it the same at the same time. A mutation cuts this: no query that begins after it began or ended joins one that
 * began before, so that everybody reads what they have written.
 */
export function createSharedQueries<Answer>({ clock, joinWithinMs }: SharedQueriesOptions): SharedQueries<Answer> {
  let beganAtTick = -1;
  const flights = createFlights<Answer>({ boardingMs: joinWithinMs, toLeaver });
  return {
    ask(errand, hungUp, begin) {
      const tick = clock.now();
      if (tick !== beganAtTick) {
        beganAtTick = tick;
        flights.closeAll();
      }
      return flights.board(errand, hungUp, begin);
    },
  };
}

const toLeaver = ({ reason }: AbortSignal) => givenUp(reason);
