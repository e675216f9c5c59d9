/** Places for requests in flight. Those of a purchase may take every place, others all but the reserved ones. */
export interface Slots {
  inFlight(): number;
  /** A place, if there is one now. */
  take(kind: SlotKind): Slot | undefined;
  /** A place now or in a while; undefined when there is none, at once if too many wait for one already or one has just waited in vain. */
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

/**
 * A process that stood still, or whose subgraphs did while others were started beside them, finds all at once what came meanwhile: nobody asked too much, and
 * everybody can be answered in good time. So for as long as some have waited for no longer than this, many may.
 */
const BURST_MS = 1_000;
/** About as many as an instance answers in that time. */
const WAITING_IN_BURST = 256;
/**
 * Then it is no burst: until it has been over for so long, only a few may wait for each place, so that those who are let in are answered soon, and the others
 * refused at once.
 */
const CALM_MS = 1_000;
const WAITING_PER_SLOT = 0.15;
/** Who has waited for so long does so in vain: those who have a place are not answered. */
const WAIT_MS = 1_000;
/** The next do not try it for so long. */
const NO_WAIT_MS = 1_000;

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
  const waiting: Record<SlotKind, Set<Waiting>> = { reserved: new Set(), general: new Set() };
  /** Since when somebody has waited all the time. */
  const busySinceMs = { general: 0, reserved: 0 };
  const noBurstBeforeMs = { general: Number.NEGATIVE_INFINITY, reserved: Number.NEGATIVE_INFINITY };
  const noWaitBeforeMs = { general: Number.NEGATIVE_INFINITY, reserved: Number.NEGATIVE_INFINITY };

  function hasRoomFor(kind: SlotKind): boolean {
    const { all, reservedPercent } = size();
    if (taken.general + taken.reserved >= all) return false;
    return kind === 'reserved' || taken.general < openToAll(all, reservedPercent);
  }

  function mayWait(kind: SlotKind): boolean {
    const nowMs = now();
    if (nowMs < noWaitBeforeMs[kind]) return false;
    const { size: waitingNow } = waiting[kind];
    if (waitingNow > 0 && nowMs - busySinceMs[kind] > BURST_MS) noBurstBeforeMs[kind] = nowMs + CALM_MS;
    return waitingNow < (nowMs < noBurstBeforeMs[kind] ? size().all * WAITING_PER_SLOT : WAITING_IN_BURST);
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
    const giveUp = () => {
      if (!waiting[kind].has(self)) return;
      noWaitBeforeMs[kind] = now() + NO_WAIT_MS;
      self.end(undefined);
    };
    // When this process stood still for that long, the answers that free places are there as well and come first.
    const timer = setTimeout(() => setImmediate(giveUp), WAIT_MS);
    if (waiting[kind].size === 0) busySinceMs[kind] = now();
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
