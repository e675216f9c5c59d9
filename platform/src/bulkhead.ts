import type { CallFailure } from './call-failure.ts';
import { NotAsked } from './not-asked.ts';
import type { Patience } from './patience.ts';

export interface BulkheadOptions {
  maxUnderWay: number;
  maxWaiting: number;
  /** Told how many wait, whenever that changes. */
  onQueue(length: number): void;
}

export interface Bulkhead {
  /**
   * Takes a place: at once where there is one, otherwise first come, first served.
   *
   * @returns how to give it back, or a promise of that for whoever has to wait
   * @throws {NotAsked} at once when too many wait already; as soon as his patience ends the wait
   */
  enter(patience: Patience): Leave | Promise<Leave>;
}

export type Leave = () => void;

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

  function turn(patience: Patience): Promise<Leave> {
    return new Promise((resolve, reject) => {
      const stopWaiting = () => {
        patience.waiter = undefined;
        waiting.delete(come);
        onQueue(waiting.size);
      };
      const come = () => {
        stopWaiting();
        resolve(leave);
      };
      patience.waiter = {
        letGo(failure) {
          stopWaiting();
          reject(notAsked(failure));
        },
      };
      waiting.add(come);
      onQueue(waiting.size);
    });
  }

  return {
    enter(patience) {
      if (patience.over) throw notAsked(patience.over);
      if (underWay < maxUnderWay) {
        underWay++;
        return leave;
      }
      if (waiting.size < maxWaiting) return turn(patience);
      throw new NotAsked('full');
    },
  };
}

function notAsked({ kind }: CallFailure): NotAsked {
  return new NotAsked(kind === 'timeout' ? 'timeout' : 'given-up');
}
