import type { DoorLimits } from '@souk/platform/door-limits';
import { createGauge } from '@souk/platform/metrics';
import { createCapacity } from './capacity.ts';
import { countDecision, RateLimited } from './rate-limited.ts';
import { createSlots, type Lend, type Slot } from './slots.ts';

/** Lets in as many requests at a time as this instance can take. */
export interface InstanceLimit {
  /** Whether nobody would be let in, not even to finish a purchase. Costs nothing, so it comes before a request is read. Counts as a refusal when it says so. */
  refusesAll(): boolean;
  /**
   * Lets a request in now or within a moment, or not at all.
   *
   * @param isReserved whether it asks for nothing but what finishes a purchase; asked only when there is no room for everybody
   * @returns how to say that the request is answered; undefined when there is no room
   */
  enter(isReserved: () => Promise<boolean>): Promise<Leave | undefined>;
  /** Lets a request in if there is room for everybody now. */
  enterNow(): Leave | undefined;
}

export interface Leave {
  /** @param operation what was answered without errors, and is the same object each time; undefined after errors */
  (operation: object | undefined): void;
  /** Lets another request in while this one waits for a subgraph that answers nobody. */
  lend: Lend;
}

const inFlightGauge = createGauge({
  name: 'souk_requests_in_flight',
  help: 'Requests that the instance works on.',
}).labels();
const capacityGauge = createGauge({
  name: 'souk_instance_capacity',
  help: 'How many requests the instance lets in at a time, as it has found out.',
}).labels();

/**
 * Limits how many requests one gateway works on at a time, to as many as it can take without delaying them, so that what is let in is answered in good time
 * however much is asked. Part of the room is kept for checkout and payment.
 */
export function createInstanceLimit(limits: () => DoorLimits): InstanceLimit {
  const now = () => performance.now();
  const capacity = createCapacity(() => limits().instance, now);
  const slots = createSlots(
    () => ({ all: capacity.current(), reservedPercent: limits().instance.reservedPercent }),
    now,
  );

  function letIn(slot: Slot): Leave {
    countDecision('instance', 'allowed');
    const startedAtMs = now();
    const inFlight = slots.inFlight();
    inFlightGauge.set(inFlight);
    const leave = (operation: object | undefined) => {
      slot.free();
      inFlightGauge.set(slots.inFlight());
      capacityGauge.set(capacity.current());
      if (operation) capacity.observe({ operation, startedAtMs, durationMs: now() - startedAtMs, inFlight });
    };
    return Object.assign(leave, { lend: slot.lend });
  }

  return {
    refusesAll() {
      const refuses = slots.areFull();
      if (refuses) countDecision('instance', 'refused');
      return refuses;
    },
    enterNow() {
      const slot = slots.take('general');
      return slot && letIn(slot);
    },
    async enter(isReserved) {
      const slot = slots.take('general') ?? (await slots.wait((await isReserved()) ? 'reserved' : 'general'));
      if (slot) return letIn(slot);
      countDecision('instance', 'refused');
      return undefined;
    },
  };
}

/** Made once: to note where an error comes from takes longer than all the rest of a refusal. */
export const overloaded = new RateLimited(
  'instance',
  'More is asked of the shop right now than it can do. Wait a little.',
  1_000,
);
