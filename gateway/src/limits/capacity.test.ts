import { describe, expect, it } from 'vitest';
import { createCapacity } from './capacity.ts';
import { openToAll } from './slots.ts';

const limits = { minimumInFlight: 16, maximumInFlight: 500, delayMs: 50, reservedPercent: 20 };
const browse = {};
const checkout = {};

/** An instance in simulated time. */
function openInstance(settings = limits) {
  let nowMs = 0;
  const capacity = createCapacity(
    () => settings,
    () => nowMs,
  );
  return {
    capacity,
    /** Lets operations be answered one after another, a hundred a second. */
    answer(count: number, { operation = browse, durationMs = 20, inFlight = 1 } = {}) {
      for (let done = 0; done < count; done++) {
        nowMs += 10;
        capacity.observe({ operation, startedAtMs: nowMs - durationMs, durationMs, inFlight });
      }
    },
  };
}

/** A machine that answers an operation in 2 ms, one after another: with so many in flight, each takes so many times that long. */
function settle(instance: ReturnType<typeof openInstance>): number[] {
  return Array.from({ length: 200 }, () => {
    const inFlight = instance.capacity.current();
    instance.answer(30, { durationMs: 20 + inFlight * 2, inFlight });
    return inFlight;
  });
}

describe('the capacity of an instance', () => {
  it('settles where operations are delayed as much as they may be', () => {
    const instance = openInstance({ ...limits, minimumInFlight: 8 });
    instance.answer(100);
    const last = settle(instance).slice(-100);
    // A delay of 50 ms is that of 25 in flight, which take 2 ms each. It feels its way around that.
    expect(Math.max(...last)).toBeLessThanOrEqual(32);
    expect(Math.min(...last)).toBeGreaterThanOrEqual(16);
  });

  it('grows while all that is open to everybody is needed and nothing is delayed, up to the maximum', () => {
    const instance = openInstance();
    for (let round = 0; round < 40; round++) {
      instance.answer(30, { inFlight: openToAll(instance.capacity.current(), limits.reservedPercent) });
    }
    expect(instance.capacity.current()).toBe(500);
  });

  it('stays as it is while there is little to do', () => {
    const instance = openInstance();
    const before = instance.capacity.current();
    instance.answer(1_000, { inFlight: 10 });
    expect(instance.capacity.current()).toBe(before);
  });

  it('shrinks faster where the delay is far too long', () => {
    const after = (durationMs: number) => {
      const instance = openInstance({ ...limits, minimumInFlight: 8 });
      instance.answer(100);
      // Some windows, each of which takes what begins after the one before.
      instance.answer(160, { durationMs, inFlight: 60 });
      return instance.capacity.current();
    };
    expect(after(240)).toBeLessThan(after(200));
    expect(after(200)).toBeLessThan(after(20));
  });

  it('never goes below the minimum', () => {
    const instance = openInstance();
    instance.answer(100);
    instance.answer(10_000, { durationMs: 2_000, inFlight: 100 });
    expect(instance.capacity.current()).toBe(16);
  });

  it('does not mind a rush of slow operations that are always slow', () => {
    const instance = openInstance();
    instance.answer(50, { operation: browse, durationMs: 5 });
    instance.answer(50, { operation: checkout, durationMs: 400 });
    const before = instance.capacity.current();
    instance.answer(500, { operation: checkout, durationMs: 420, inFlight: 50 });
    expect(instance.capacity.current()).toBe(before);
  });

  it('does not mind some slow operations among many that are not', () => {
    const instance = openInstance();
    instance.answer(50, { operation: browse });
    instance.answer(50, { operation: checkout, durationMs: 100 });
    const before = instance.capacity.current();
    for (let round = 0; round < 200; round++) {
      instance.answer(3, { operation: browse, inFlight: 50 });
      instance.answer(2, { operation: checkout, durationMs: 1_900, inFlight: 50 });
    }
    expect(instance.capacity.current()).toBe(before);
  });

  it('does not mind a jam that is over soon', () => {
    const instance = openInstance();
    instance.answer(100);
    const before = instance.capacity.current();
    for (let jam = 0; jam < 5; jam++) {
      instance.answer(25, { durationMs: 600, inFlight: 100 });
      instance.answer(100);
    }
    expect(instance.capacity.current()).toBe(before);
  });

  it('learns from what began since it last changed, so that one jam shrinks it once', () => {
    const instance = openInstance();
    instance.answer(100);
    const before = instance.capacity.current();
    instance.answer(65, { durationMs: 100, inFlight: 100 });
    const shrunk = instance.capacity.current();
    expect(shrunk).toBeLessThan(before);
    // A second's worth of answers to what had begun in the jam.
    instance.answer(20, { durationMs: 5_000, inFlight: 100 });
    expect(instance.capacity.current()).toBe(shrunk);
  });

  it('is again what it was at first when nothing is delayed any more', () => {
    const instance = openInstance();
    instance.answer(100);
    const before = instance.capacity.current();
    instance.answer(1_000, { durationMs: 200, inFlight: 100 });
    expect(instance.capacity.current()).toBe(16);
    instance.answer(1_000, { inFlight: 2 });
    expect(instance.capacity.current()).toBe(before);
  });

  it('learns what is usual again when the shop has become slower for good', () => {
    const instance = openInstance();
    instance.answer(100, { durationMs: 20 });
    instance.answer(200, { durationMs: 200, inFlight: 4 });
    const before = instance.capacity.current();
    instance.answer(500, { durationMs: 210, inFlight: 4 });
    expect(instance.capacity.current()).toBe(before);
  });

  it('follows its settings at once', () => {
    const settings = { ...limits };
    const { capacity } = openInstance(settings);
    settings.minimumInFlight = 400;
    expect(capacity.current()).toBe(400);
    settings.minimumInFlight = 8;
    settings.maximumInFlight = 10;
    expect(capacity.current()).toBe(10);
  });
});
