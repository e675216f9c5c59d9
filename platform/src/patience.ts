import { CallFailure } from './call-failure.ts';

/** How long somebody waits for something: until his time is up, or he does not want it any more. */
export interface Patience {
  /** Why it is over; undefined while it is not. */
  readonly over: CallFailure | undefined;
  /** Called when it is over. There is one at a time: what is waited for is in one place at a time. */
  whenOver: ((failure: CallFailure) => void) | undefined;
  /** Nothing is waited for any more, so nothing is to end. */
  end(): void;
}

export interface PatienceOptions {
  /** How long it lasts at most: then it is over with a `timeout`. */
  timeoutMs?: number;
  /** Ends it with `given-up`. */
  signal?: AbortSignal | undefined;
}

export function createPatience({ timeoutMs, signal }: PatienceOptions): Patience {
  const patience = {
    over: undefined as CallFailure | undefined,
    whenOver: undefined as Patience['whenOver'],
    end() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
    },
  };
  const lose = (failure: CallFailure) => {
    if (patience.over) return;
    patience.over = failure;
    patience.end();
    patience.whenOver?.(failure);
  };
  const giveUp = () => lose(givenUp(signal?.reason));
  const runOut = () => lose(new CallFailure('timeout', 'There was no answer in time.'));
  const timer = timeoutMs === undefined ? undefined : setTimeout(runOut, timeoutMs);
  signal?.addEventListener('abort', giveUp);
  if (signal?.aborted) giveUp();
  return patience;
}

/** The failure of what nobody wants any more. */
export function givenUp(cause?: unknown): CallFailure {
  return new CallFailure('given-up', 'The answer was not wanted any more.', { cause });
}
