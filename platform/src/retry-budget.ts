/** Of a hundred requests ten may be sent again, so that a service in trouble gets a tenth more work and not twice as much. */
const REQUESTS_PER_RETRY = 10;
/** Retries are not saved up for bad times. */
const MAX_RETRIES_SAVED = 10;

export interface RetryBudget {
  /** Called with each request that might be sent again. */
  earn(): void;
  /** Takes one retry out of the budget; false when there is none left. */
  spend(): boolean;
}

/** The share of requests to one service that may be sent a second time. */
export function createRetryBudget(): RetryBudget {
  // A process that has only just started may meet another one that only just stops.
  let requests = REQUESTS_PER_RETRY;
  return {
    earn() {
      requests = Math.min(requests + 1, MAX_RETRIES_SAVED * REQUESTS_PER_RETRY);
    },
    spend() {
      if (requests < REQUESTS_PER_RETRY) return false;
      requests -= REQUESTS_PER_RETRY;
      return true;
    },
  };
}
