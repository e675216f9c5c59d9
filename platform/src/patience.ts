import { CallFailure } from './call-failure.ts';
import { liftLimit, setLimit, type TimeLimit } from './time-limit.ts';

/** How long somebody waits for something: until his time is up, or he does not want it any more. */
export interface Patience {
  /** Why it is over; undefined while it is not. */
  readonly over: CallFailure | undefined;
  /** Called when it is over. There is one at a time: what is waited for is in one place at a time. */
  whenOver: ((failure: CallFailure) => void) | undefined;
  /** Nothing is waited for any more, so nothing is to end. */
  end(): void;
}

/** What somebody wants until he says otherwise: as an `AbortSignal` that has one listener, and costs nothing. */
export interface Wish {
  /** Called when it is not wanted any more. */
  whenAbandoned: ((reason?: unknown) => void) | undefined;
}

export interface PatienceOptions {
  /** How long it lasts at most: then it is over with a `timeout`. */
  timeoutMs?: number;
  /** Either ends it with `given-up`. */
  signal?: AbortSignal | undefined;
  wish?: Wish | undefined;
}

export function createPatience({ timeoutMs, signal, wish }: PatienceOptions): Patience {
  const patience = {
    over: undefined as CallFailure | undefined,
    whenOver: undefined as Patience['whenOver'],
    end() {
      if (limit) liftLimit(limit);
      if (wish) wish.whenAbandoned = undefined;
      signal?.removeEventListener('abort', onAbort);
    },
  };
  const lose = (failure: CallFailure) => {
    if (patience.over) return;
    patience.over = failure;
    patience.end();
    patience.whenOver?.(failure);
  };
  const limit = timeoutMs === undefined ? undefined : limitOf(timeoutMs, lose);
  const giveUp = (reason: unknown) => lose(givenUp(reason));
  const onAbort = () => giveUp(signal?.reason);
  if (wish) wish.whenAbandoned = giveUp;
  signal?.addEventListener('abort', onAbort);
  if (signal?.aborted) onAbort();
  return patience;
}

function limitOf(timeoutMs: number, lose: (failure: CallFailure) => void): TimeLimit {
  const nowMs = performance.now();
  const end = () => lose(new CallFailure('timeout', 'There was no answer in time.'));
  const limit = { atMs: nowMs + timeoutMs, end };
  setLimit(limit, nowMs);
  return limit;
}

/** The failure of what nobody wants any more. */
export function givenUp(cause?: unknown): CallFailure {
  return new CallFailure('given-up', 'The answer was not wanted any more.', { cause });
}
