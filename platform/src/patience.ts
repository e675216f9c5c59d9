import { CallFailure } from './call-failure.ts';
import { liftLimit, setLimit, TimeLimit } from './time-limit.ts';

/** Whoever holds what is waited for, and can let go of it. */
export interface Waiter {
  /** Nobody waits any more, for this reason. */
  letGo(failure: CallFailure): void;
}

/** What somebody wants until he says otherwise: as an `AbortSignal` that has one listener, and costs nothing. */
export interface Wish {
  /** Told when it is not wanted any more. */
  listener: WishListener | undefined;
}

export interface WishListener {
  abandoned(reason?: unknown): void;
}

export interface PatienceOptions {
  /** How long it lasts at most: then it is over with a `timeout`. */
  timeoutMs?: number;
  /** Either ends it with `given-up`. */
  signal?: AbortSignal | undefined;
  wish?: Wish | undefined;
}

/** How long somebody waits for something: until his time is up, or he does not want it any more. */
export class Patience extends TimeLimit implements WishListener {
  /** Told when it is over. There is one at a time: what is waited for is in one place at a time. */
  waiter: Waiter | undefined;
  #over: CallFailure | undefined;
  readonly #wish: Wish | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: (() => void) | undefined;

  constructor({ timeoutMs, signal, wish }: PatienceOptions) {
    const nowMs = performance.now();
    super(timeoutMs === undefined ? Number.POSITIVE_INFINITY : nowMs + timeoutMs);
    this.#wish = wish;
    this.#signal = signal;
    if (timeoutMs !== undefined) setLimit(this, nowMs);
    if (wish) wish.listener = this;
    if (!signal) return;
    this.#onAbort = () => this.abandoned(signal.reason);
    signal.addEventListener('abort', this.#onAbort);
    if (signal.aborted) this.#onAbort();
  }

  /** Why it is over; undefined while it is not. */
  get over(): CallFailure | undefined {
    return this.#over;
  }

  /** Nothing is waited for any more, so nothing is to end. */
  end(): void {
    liftLimit(this);
    if (this.#wish) this.#wish.listener = undefined;
    if (this.#onAbort) this.#signal?.removeEventListener('abort', this.#onAbort);
  }

  override timeIsUp(): void {
    this.#lose(new CallFailure('timeout', 'There was no answer in time.'));
  }

  abandoned(reason: unknown): void {
    this.#lose(givenUp(reason));
  }

  #lose(failure: CallFailure): void {
    if (this.#over) return;
    this.#over = failure;
    this.end();
    this.waiter?.letGo(failure);
  }
}

/** The failure of what nobody wants any more. */
export function givenUp(cause?: unknown): CallFailure {
  return new CallFailure('given-up', 'The answer was not wanted any more.', { cause });
}
