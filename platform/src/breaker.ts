import { CircuitState, CountBreaker, circuitBreaker, handleWhen } from 'cockatiel';
import { CallFailure, type CallFailureKind } from './graphql-call.ts';
import { untilTrue } from './until-true.ts';

/**
 * Whether one address of a service is sent requests.
 *
 * - `closed` it is
 * - `open`   more than half of the last twenty requests went wrong: it gets none. Every second it is asked a trifle, and once it answers that …
 * - `trial`  … it gets one real request, which decides whether it gets more.
 */
export type BreakerState = 'closed' | 'open' | 'trial';

/** The states as numbers, for metrics. */
export const breakerLevels: Readonly<Record<BreakerState, number>> = { closed: 0, open: 1, trial: 2 };

export interface Breaker {
  /** Whether a request may be sent at this moment. */
  admits(): boolean;
  /** Sends a request that was admitted at this same moment, and watches what becomes of it. `timeoutMs` is how long requests of its kind may take. */
  watch<Answer>(timeoutMs: number, send: () => Promise<Answer>): Promise<Answer>;
  close(): void;
}

export interface BreakerOptions {
  /** Asks the address a trifle: resolves when it answers. */
  probe(signal: AbortSignal): Promise<unknown>;
  onState(state: BreakerState): void;
}

const WINDOW = { size: 20, threshold: 0.5, minimumNumberOfCalls: 10 };

/** These say something about the address. An answer that is too large speaks of the question, and what was given up says nothing. */
const blames = new Set<CallFailureKind>(['not-sent', 'refused', 'timeout', 'cut', 'wrong-answer']);

/**
 * A circuit breaker for one address. Real requests are no probes while it is open: each would be lost for the sake of others.
 * A request counts as failed when half its time has gone by and the address has answered nobody meanwhile, so that one that hangs is noticed before anybody's
 * time is up, and one that is only busy is not cut off. What a GraphQL answer says does not count: an error in it may be another service's or the question's.
 */
export function createBreaker({ probe, onState }: BreakerOptions): Breaker {
  const closing = new AbortController();
  let answersAgain = false;
  let answeredAt = 0;
  const policy = circuitBreaker(
    handleWhen((error) => error instanceof Silence || (error instanceof CallFailure && blames.has(error.kind))),
    // It rests until a probe is answered, which is not for the clock to say.
    { halfOpenAfter: 0, breaker: new CountBreaker(WINDOW) },
  );
  policy.onStateChange((state) => onState(names[state]));
  policy.onBreak(() => {
    answersAgain = false;
    void untilTrue((signal) => probe(signal).then(() => true), closing.signal).then((answers) => {
      answersAgain = answers;
    });
  });

  return {
    admits: () => policy.state === CircuitState.Closed || (policy.state === CircuitState.Open && answersAgain),
    watch(timeoutMs, send) {
      const sentAt = performance.now();
      const answer = send().then((given) => {
        answeredAt = performance.now();
        return given;
      });
      policy.execute(() => fairly(answer, timeoutMs / 2, () => answeredAt < sentAt)).catch(() => {});
      return answer;
    },
    close: () => closing.abort(),
  };
}

const names: Record<CircuitState, BreakerState> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.HalfOpen]: 'trial',
  [CircuitState.Isolated]: 'open',
};

/** The address answered nobody while a request waited. */
class Silence extends Error {}

/** What came of a request, as far as the address is to blame for it. A request that had waited for its turn may have had less time than is fair. */
async function fairly(answer: Promise<unknown>, fairTimeMs: number, isSilent: () => boolean): Promise<void> {
  const { promise: silence, reject } = Promise.withResolvers<never>();
  let isFair = false;
  const judge = () => {
    isFair = true;
    if (isSilent()) reject(new Silence(`No answer to anybody within ${fairTimeMs} ms.`));
  };
  // When this process was busy for that long, the answer is there as well and comes first.
  const timer = setTimeout(() => setImmediate(judge), fairTimeMs);
  try {
    await Promise.race([answer, silence]);
  } catch (error) {
    if (isFair || !(error instanceof CallFailure) || error.kind !== 'timeout') throw error;
    throw new Error('There was too little time to judge.', { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
