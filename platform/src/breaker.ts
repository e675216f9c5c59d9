import { CircuitState, CountBreaker } from 'cockatiel';
import { CallFailure, type CallFailureKind } from './call-failure.ts';
import { liftLimit, setLimit, TimeLimit } from './time-limit.ts';
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
  /** A request is sent that was admitted at this same moment. `timeoutMs` is how long requests of its kind may take. */
  begin(timeoutMs: number): WatchedRequest;
  /** It was answered. */
  answered(request: WatchedRequest): void;
  /** It was not, because of this. */
  failed(request: WatchedRequest, error: unknown): void;
  close(): void;
}

export interface BreakerOptions {
  /** Asks the address a trifle: resolves when it answers. */
  probe(signal: AbortSignal): Promise<unknown>;
  onState(state: BreakerState): void;
}

const WINDOW = { size: 20, threshold: 0.5, minimumNumberOfCalls: 10 };

/** These say something about the address. An answer that is too large speaks of the question, and what was given up or passed over says nothing. */
const blames = new Set<CallFailureKind>(['not-sent', 'refused', 'timeout', 'cut', 'wrong-answer']);

/** A request whose end a breaker is told. It has a limit at half its time: whoever is judged earlier may have had less than is fair, because he had waited for his turn. */
export class WatchedRequest extends TimeLimit {
  readonly sentAtMs: number;
  readonly isTrial: boolean;
  isJudged = false;
  readonly #isLate: (request: WatchedRequest) => void;

  constructor(timeoutMs: number, isTrial: boolean, isLate: (request: WatchedRequest) => void) {
    const sentAtMs = performance.now();
    super(sentAtMs + timeoutMs / 2);
    this.sentAtMs = sentAtMs;
    this.isTrial = isTrial;
    this.#isLate = isLate;
  }

  override timeIsUp(): void {
    this.#isLate(this);
  }
}

/**
 * A circuit breaker for one address. Real requests are no probes while it is open: each would be lost for the sake of others.
 * A request counts as failed when half its time has gone by and the address has answered nobody meanwhile, so that one that hangs is noticed before anybody's
 * time is up, and one that is only busy is not cut off. What a GraphQL answer says does not count: an error in it may be another service's or the question's.
 */
export function createBreaker({ probe, onState }: BreakerOptions): Breaker {
  const closing = new AbortController();
  let recent = new CountBreaker(WINDOW);
  let state: BreakerState = 'closed';
  let answersAgain = false;
  let answeredAtMs = 0;

  function turn(next: BreakerState): void {
    state = next;
    onState(next);
  }

  function open(): void {
    answersAgain = false;
    turn('open');
    void untilTrue((signal) => probe(signal).then(() => true), closing.signal).then((answers) => {
      answersAgain = answers;
    });
  }

  function close(): void {
    recent = new CountBreaker(WINDOW);
    turn('closed');
  }

  function judge(request: WatchedRequest, isWell: boolean): void {
    if (request.isJudged) return;
    request.isJudged = true;
    liftLimit(request);
    if (request.isTrial && state === 'trial') {
      if (isWell) close();
      else open();
    } else if (state === 'closed') {
      if (isWell) recent.success(CircuitState.Closed);
      else if (recent.failure(CircuitState.Closed)) open();
    }
  }

  /** It says nothing about the address, which is as good as an answer for whoever waits to hear that it is there. */
  function excuse(request: WatchedRequest): void {
    if (request.isTrial) judge(request, true);
    else liftLimit(request);
  }

  function isLate(request: WatchedRequest): void {
    if (answeredAtMs < request.sentAtMs) judge(request, false);
  }

  return {
    admits: () => state === 'closed' || (state === 'open' && answersAgain),
    begin(timeoutMs) {
      const isTrial = state === 'open';
      if (isTrial) turn('trial');
      const request = new WatchedRequest(timeoutMs, isTrial, isLate);
      setLimit(request, request.sentAtMs);
      return request;
    },
    answered(request) {
      answeredAtMs = performance.now();
      judge(request, true);
    },
    failed(request, error) {
      const isBlamed = error instanceof CallFailure && blames.has(error.kind);
      const hadItsTime = performance.now() >= request.endsAtMs;
      if (!isBlamed || (error.kind === 'timeout' && !hadItsTime)) excuse(request);
      else judge(request, false);
    },
    close: () => closing.abort(),
  };
}
