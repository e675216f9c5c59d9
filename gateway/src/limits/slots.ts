/** Places for requests in flight. Those of a purchase may take every place, others all but the reserved ones. */
export interface Slots {
  inFlight(): number;
  /** A place, if there is one now. */
  take(kind: SlotKind): Slot | undefined;
  /** A place now or within a moment; undefined when there is none, at once if too many wait for one already or one has just waited in vain. */
  wait(kind: SlotKind): Promise<Slot | undefined>;
  /** Whether there is no place for anybody, and not even a purchase may wait for one. */
  areFull(): boolean;
}

export type SlotKind = 'general' | 'reserved';

export interface Slot {
  free(): void;
  /** Lets another request have the place while its own does nothing but wait. @returns how to take it back, whether or not one is free then */
  lend: Lend;
}

export type Lend = () => () => void;

/** Long enough for a burst to pass, and short enough for a refusal to come at once. */
const WAIT_MS = 15;
/**
 * When somebody has waited in vain, it is no burst: for so long everybody is refused at once. Whoever is refused after waiting hears of it twice as late as the
 * others where a busy process looks at its timers late.
 */
const NO_WAIT_MS = 1_000;
/** So many may wait for each place: about as many as find one in that time. */
const WAITING_PER_SLOT = 0.15;

/**
 * @param size how many places there are at this moment, and which part of them is reserved
 * @param now  milliseconds of a clock that does not jump
 */
export function createSlots(
  size: () => { all: number; reservedPercent: number },
  now: () => number = () => performance.now(),
): Slots {
  const taken = { general: 0, reserved: 0 };
  /** Purchases come first; within a kind, who came first does. */
  const noWaitBeforeMs = { general: Number.NEGATIVE_INFINITY, reserved: Number.NEGATIVE_INFINITY };
  const waiting: Record<SlotKind, Set<Waiting>> = { reserved: new Set(), general: new Set() };

  function hasRoomFor(kind: SlotKind): boolean {
    const { all, reservedPercent } = size();
    if (taken.general + taken.reserved >= all) return false;
    return kind === 'reserved' || taken.general < openToAll(all, reservedPercent);
  }

  function mayWait(kind: SlotKind): boolean {
    return now() >= noWaitBeforeMs[kind] && waiting[kind].size < size().all * WAITING_PER_SLOT;
  }

  function take(kind: SlotKind): Slot | undefined {
    if (!hasRoomFor(kind)) return undefined;
    taken[kind] += 1;
    let timesLent = 0;
    let isFree = false;
    return {
      free() {
        isFree = true;
        if (timesLent === 0) vacate(kind);
      },
      lend() {
        if (isFree) return () => {};
        if (timesLent++ === 0) vacate(kind);
        return () => {
          if (--timesLent === 0 && !isFree) taken[kind] += 1;
        };
      },
    };
  }

  function vacate(kind: SlotKind): void {
    taken[kind] -= 1;
    serve('reserved');
    serve('general');
  }

  function serve(kind: SlotKind): void {
    for (const next of waiting[kind]) {
      const slot = take(kind);
      if (!slot) return;
      next.end(slot);
    }
  }

  function wait(kind: SlotKind): Promise<Slot | undefined> {
    const free = take(kind);
    if (free || !mayWait(kind)) return Promise.resolve(free);
    const { promise, resolve } = Promise.withResolvers<Slot | undefined>();
    const self: Waiting = {
      end(slot) {
        clearTimeout(timer);
        waiting[kind].delete(self);
        resolve(slot);
      },
    };
    const timer = setTimeout(() => {
      noWaitBeforeMs[kind] = now() + NO_WAIT_MS;
      self.end(undefined);
    }, WAIT_MS);
    waiting[kind].add(self);
    return promise;
  }

  return {
    inFlight: () => taken.general + taken.reserved,
    take,
    wait,
    areFull: () => !hasRoomFor('reserved') && !mayWait('reserved'),
  };
}

/** How many of the places are not reserved. */
export function openToAll(places: number, reservedPercent: number): number {
  return places - Math.ceil((places * reservedPercent) / 100);
}

interface Waiting {
  end(slot: Slot | undefined): void;
}
