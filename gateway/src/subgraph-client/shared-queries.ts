import { givenUp } from '@souk/platform/patience';
import { createFlights } from '../flights.ts';
import { onEnd } from '../hang-up.ts';
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
   * @param key all that the answer may depend on: who asks, and what is asked
   * @param begin asks the subgraph; its signal ends when the last who waited has gone
   * @param onJoin called instead, when the same is being asked already: since when, by `performance.now()`
   * @throws {CallFailure} `given-up` as soon as `hungUp` ends; what `begin` throws
   */
  ask(
    key: readonly [who: string, what: string],
    hungUp: AbortSignal,
    begin: (signal: AbortSignal) => Promise<Answer>,
    onJoin: (beganAtMs: number) => void,
  ): Promise<Answer>;
}

/**
 * Asks a subgraph once where several clients ask it the same at the same time. A mutation cuts this: no query that begins after it began or ended joins one that
 * began before, so that everybody reads what they have written.
 */
export function createSharedQueries<Answer>({ clock, joinWithinMs }: SharedQueriesOptions): SharedQueries<Answer> {
  const flights = createFlights<Answer>({ boardingMs: joinWithinMs });
  return {
    ask([who, what], hungUp, begin, onJoin) {
      const { landing, isShared, beganAtMs } = flights.board([`${clock.now()} ${who}`, what], hungUp, begin);
      if (isShared) onJoin(beganAtMs);
      return untilHungUp(landing, hungUp);
    },
  };
}

/** Whoever hangs up does not wait for what others still want. */
function untilHungUp<Answer>(landing: Promise<Answer>, hungUp: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(givenUp(hungUp.reason));
    const forget = onEnd(hungUp, giveUp);
    if (hungUp.aborted) giveUp();
    landing.then(
      (answer) => {
        forget();
        resolve(answer);
      },
      (error: unknown) => {
        forget();
        reject(error);
      },
    );
  });
}
