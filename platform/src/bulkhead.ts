import { endedBy } from './graphql-call.ts';
import { NotAsked } from './not-asked.ts';

export interface BulkheadOptions {
  maxUnderWay: number;
  maxWaiting: number;
  /** Told how many wait, whenever that changes. */
  onQueue(length: number): void;
}

export interface Bulkhead {
  /**
   * Waits for a place, first come, first served.
   *
   * @returns how to give it back
   * @throws {NotAsked} at once when too many wait already; as soon as `signal` ends the wait
   */
  enter(signal: AbortSignal): Promise<() => void>;
}

/**
 * Keeps the requests to one service from taking everything this process has while it is slow. Cockatiel's bulkhead would keep the places of those who have
 * given up until it is their turn, and refuse others for their sake.
 */
export function createBulkhead({ maxUnderWay, maxWaiting, onQueue }: BulkheadOptions): Bulkhead {
  const waiting = new Set<() => void>();
  let underWay = 0;

  function leave(): void {
    const [next] = waiting;
    if (next) next();
    else underWay--;
  }

  function turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stopWaiting = (then: () => void) => {
        signal.removeEventListener('abort', giveUp);
        waiting.delete(come);
        onQueue(waiting.size);
        then();
      };
      const come = () => stopWaiting(resolve);
      const giveUp = () => stopWaiting(() => reject(notAsked(signal)));
      signal.addEventListener('abort', giveUp);
      waiting.add(come);
      onQueue(waiting.size);
    });
  }

  return {
    async enter(signal) {
      if (signal.aborted) throw notAsked(signal);
      if (underWay < maxUnderWay) underWay++;
      else if (waiting.size < maxWaiting) await turn(signal);
      else throw new NotAsked('full');
      return leave;
    },
  };
}

function notAsked(signal: AbortSignal): NotAsked {
  return new NotAsked(endedBy(signal).kind === 'timeout' ? 'timeout' : 'given-up');
}
