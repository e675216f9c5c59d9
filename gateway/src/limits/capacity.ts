import type { InstanceLimits } from '@souk/platform/door-limits';
import { openToAll } from './slots.ts';

/**
 * Words. The *capacity* of an instance is how many requests it may work on at a time. An operation has a *usual* time, which it takes while little is going on.
 * What it takes longer than that, it was *delayed* by others.
 */
export interface Capacity {
  current(): number;
  /** Tells of an operation that was answered without errors; one that failed says nothing about how much can be done. */
  observe(observation: Observation): void;
}

export interface Observation {
  /** What makes the operation the same as an earlier one. */
  operation: object;
  startedAtMs: number;
  durationMs: number;
  /** How many requests were in flight when it began, itself included. */
  inFlight: number;
}

/** How much is tried at first, and again when it was less and nothing is delayed any more. */
const INITIAL = 64;
/** The capacity is thought over when so much time has passed and so many operations have told of it. */
const WINDOW_MS = 250;
const WINDOW_OPERATIONS = 20;
const GROWTH = 1.1;
const SHRINKAGE = 0.8;
/** Operations that are delayed so many times as much as they may be are far too many at a time: then it shrinks faster. */
const FAR_TOO_MUCH = 4;
const FAST_SHRINKAGE = 0.5;
/** The part of an observation that goes into what is usual. */
const LEARNING_RATE = 0.1;

/**
 * Finds out how much an instance can take: less while most operations are delayed too much, more whenever all of it was needed and they were not.
 *
 * A process that had to wait for its core, or for another one that starts, delays everything once, and then all that came meanwhile is in flight together. That
 * is no overload, and to take less would only refuse more of it the next time: so a delay has to last for two windows.
 *
 * Each operation is compared with itself, so a rush of slow operations is no overload, and what counts is the majority, so one slow subgraph is none either.
 *
 * @param now milliseconds of a clock that does not jump
 */
export function createCapacity(limits: () => InstanceLimits, now: () => number): Capacity {
  const usualMs = new WeakMap<object, number>();
  let capacity = INITIAL;
  let window = openWindow(now());
  let wasTooMuch = false;

  const current = () => Math.floor(bounded(capacity));

  function bounded(value: number): number {
    const { minimumInFlight, maximumInFlight } = limits();
    return Math.min(maximumInFlight, Math.max(minimumInFlight, value));
  }

  function learn({ operation, durationMs, inFlight }: Observation): void {
    const usual = usualMs.get(operation) ?? durationMs;
    const isQuiet = inFlight <= limits().minimumInFlight / 2;
    // In a rush everything takes long; only what was fast all the same tells what is usual.
    if (isQuiet || durationMs <= usual) usualMs.set(operation, usual + (durationMs - usual) * LEARNING_RATE);
  }

  function thinkOver({ operations, delayed, farDelayed, mostInFlight }: Window): number {
    const isLasting = wasTooMuch;
    wasTooMuch = delayed > operations / 2;
    if (wasTooMuch) {
      if (!isLasting) return capacity;
      return capacity * (farDelayed > operations / 2 ? FAST_SHRINKAGE : SHRINKAGE);
    }
    const isNeeded = mostInFlight >= openToAll(current(), limits().reservedPercent);
    if (isNeeded) return capacity * GROWTH;
    return capacity < INITIAL ? Math.min(INITIAL, capacity * GROWTH) : capacity;
  }

  return {
    current,
    observe(observation) {
      const { operation, startedAtMs, durationMs, inFlight } = observation;
      const usual = usualMs.get(operation);
      learn(observation);
      // What began earlier tells of the capacity there was then.
      if (usual === undefined || startedAtMs < window.openedAtMs) return;
      window.operations += 1;
      const delay = (durationMs - usual) / limits().delayMs;
      if (delay > 1) window.delayed += 1;
      if (delay > FAR_TOO_MUCH) window.farDelayed += 1;
      window.mostInFlight = Math.max(window.mostInFlight, inFlight);
      if (window.operations < WINDOW_OPERATIONS || now() - window.openedAtMs < WINDOW_MS) return;
      capacity = bounded(thinkOver(window));
      window = openWindow(now());
    },
  };
}

interface Window {
  openedAtMs: number;
  operations: number;
  delayed: number;
  farDelayed: number;
  mostInFlight: number;
}

function openWindow(openedAtMs: number): Window {
  return { openedAtMs, operations: 0, delayed: 0, farDelayed: 0, mostInFlight: 0 };
}
