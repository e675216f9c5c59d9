/** So many things may be done at a time; whoever comes when they are waits, first come, first served. */
export interface Places {
  /**
   * Resolves when there is a place, to what gives it back.
   *
   * @throws {NoPlace} when none was free for `timeoutMs`
   */
  take(timeoutMs: number): Promise<() => void>;
}

export class NoPlace extends Error {
  override readonly name = 'NoPlace';
}

export function createPlaces(count: number): Places {
  const waiting = new Set<() => void>();
  let free = count;

  function giveBack(): void {
    const [next] = waiting;
    if (next) next();
    else free += 1;
  }

  return {
    take(timeoutMs) {
      if (free > 0) {
        free -= 1;
        return Promise.resolve(giveBack);
      }
      const { promise, resolve, reject } = Promise.withResolvers<() => void>();
      const come = () => {
        clearTimeout(timer);
        waiting.delete(come);
        resolve(giveBack);
      };
      const timer = setTimeout(() => {
        waiting.delete(come);
        reject(new NoPlace(`Expected a place within ${timeoutMs} ms, and there was none.`));
      }, timeoutMs);
      waiting.add(come);
      return promise;
    },
  };
}
