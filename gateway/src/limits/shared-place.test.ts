import { expect, it } from 'vitest';
import { createSharedPlace } from './shared-place.ts';
import { createSlots, type Slot } from './slots.ts';

const sizes = { all: 3, reservedPercent: 0 };

function three(): { slots: ReturnType<typeof createSlots>; taken: Slot[] } {
  const slots = createSlots(() => sizes);
  const taken = Array.from({ length: 3 }, () => slots.take('general') as Slot);
  return { slots, taken };
}

it('lends the places of all who wait, and of those who join meanwhile', () => {
  const { slots, taken } = three();
  const [first, second, third] = taken as [Slot, Slot, Slot];
  const place = createSharedPlace(first.lend);
  place.join(second.lend);
  const takeBack = place.lend();
  expect(slots.inFlight()).toBe(1);
  place.join(third.lend);
  expect(slots.inFlight()).toBe(0);
  takeBack();
  expect(slots.inFlight()).toBe(3);
});

it('is lent as long as anybody has lent it', () => {
  const { slots, taken } = three();
  const [first, second] = taken as [Slot, Slot, Slot];
  const place = createSharedPlace(first.lend);
  place.join(second.lend);
  const takeBacks = [place.lend(), place.lend()];
  takeBacks[0]?.();
  expect(slots.inFlight()).toBe(1);
  takeBacks[1]?.();
  expect(slots.inFlight()).toBe(3);
});

it('is given back by who has waited', () => {
  const { slots, taken } = three();
  const [first, second] = taken as [Slot, Slot, Slot];
  const place = createSharedPlace(first.lend);
  const leave = place.join(second.lend);
  const takeBack = place.lend();
  leave();
  second.free();
  expect(slots.inFlight()).toBe(1);
  takeBack();
  expect(slots.inFlight()).toBe(2);
});
