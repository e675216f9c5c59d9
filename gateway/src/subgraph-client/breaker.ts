import { setTimeout as delay } from 'node:timers/promises';
import { CallFailure, type CallFailureKind } from '@souk/platform/graphql-call';
import { CircuitState, CountBreaker, circuitBreaker, handleWhen } from 'cockatiel';

/**
 * Whether one address of a subgraph is sent requests.
 *
 * - `closed` it is
 * - `open`   more than half of the last twenty requests went wrong: it gets none. Every second it is asked a trifle, and once it answers that …
 * - `trial`  … it gets one real request, which decides whether it gets more.
 */
export type BreakerState = 'closed' | 'open' | 'trial';

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
const PROBE_EVERY_MS = 1_000;

/** These say something about the address. An answer that is too large speaks of the question; what was given up, or had little time to begin with, says nothing. */
const blames = new Set<CallFailureKind>(['not-sent', 'refused', 'cut', 'wrong-answer']);

/**
 * A circuit breaker for one address. Real requests are no probes while it is open: each would be lost for the sake of others.
 * A request counts as failed when half its time has gone by without an answer, so that an address that hangs is noticed before anybody's time is up;
 * what a GraphQL answer says does not count, because an error in it may be another service's or the question's.
 */
export function createBreaker({ probe, onState }: BreakerOptions): Breaker {
  const closing = new AbortController();
  let answersAgain = false;
  const policy = circuitBreaker(
    handleWhen((error) => error instanceof TooSlow || (error instanceof CallFailure && blames.has(error.kind))),
    // It rests until a probe is answered, which is not for the clock to say.
    { halfOpenAfter: 0, breaker: new CountBreaker(WINDOW) },
  );
  policy.onStateChange((state) => onState(names[state]));
  policy.onBreak(() => {
    answersAgain = false;
    void probeUntilItAnswers();
  });

  async function probeUntilItAnswers(): Promise<void> {
    const { signal } = closing;
    while (!answersAgain) {
      await delay(PROBE_EVERY_MS, undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
      answersAgain = await probe(signal).then(
        () => true,
        () => false,
      );
    }
  }

  return {
    admits: () => policy.state === CircuitState.Closed || (policy.state === CircuitState.Open && answersAgain),
    watch(timeoutMs, send) {
      const answer = send();
      policy.execute(() => within(timeoutMs / 2, answer)).catch(() => {});
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

class TooSlow extends Error {}

function within(limitMs: number, answer: Promise<unknown>): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new TooSlow(`No answer within ${limitMs} ms.`)), limitMs);
    const ended = (end: () => void) => {
      clearTimeout(timer);
      end();
    };
    answer.then(
      () => ended(resolve),
      (error: unknown) => ended(() => reject(error)),
    );
  });
}
