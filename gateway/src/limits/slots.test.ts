import { describe, expect, it } from 'vitest';
import { createSlots, type Slot, type SlotKind, type Slots } from './slots.ts';

/** Ten places, of which two are reserved. */
const ten = { all: 10, reservedPercent: 20 };
const takeAll = (slots: Slots, kind: SlotKind): Slot[] => {
  const taken: Slot[] = [];
  for (let slot = slots.take(kind); slot; slot = slots.take(kind)) taken.push(slot);
  return taken;
};

describe('slots', () => {
  it('are open to all but for the reserved ones, and a purchase may take every one', () => {
    const slots = createSlots(() => ten);
    expect(takeAll(slots, 'general')).toHaveLength(8);
    expect(takeAll(slots, 'reserved')).toHaveLength(2);
    expect(slots.inFlight()).toBe(10);
    expect(
      takeAll(
        createSlots(() => ten),
        'reserved',
      ),
    ).toHaveLength(10);
  });

  it('are free again when they are left', () => {
    const slots = createSlots(() => ten);
    for (const slot of takeAll(slots, 'general')) slot.free();
    expect(slots.inFlight()).toBe(0);
    expect(takeAll(slots, 'general')).toHaveLength(8);
  });

  it('are given to those who wait, in their order, purchases first', async () => {
    const slots = createSlots(() => ten);
    const taken = takeAll(slots, 'reserved');
    const served: string[] = [];
    const wait = async (name: string, kind: SlotKind) => {
      if (await slots.wait(kind)) served.push(name);
    };
    const all = [wait('first', 'general'), wait('second', 'general'), wait('purchase', 'reserved')];
    for (const slot of taken) slot.free();
    await Promise.all(all);
    expect(served).toEqual(['purchase', 'first', 'second']);
  });

  it('are not waited for by more than a few, nor for long', async () => {
    const slots = createSlots(() => ten);
    takeAll(slots, 'general');
    const waiting = Array.from({ length: 2 }, () => slots.wait('general'));
    let refusedAtOnce = false;
    await Promise.race([slots.wait('general').then((slot) => (refusedAtOnce = slot === undefined)), ...waiting]);
    expect(refusedAtOnce).toBe(true);
    expect(await Promise.all(waiting)).toEqual([undefined, undefined]);
    // Who has given up takes no place.
    expect(slots.inFlight()).toBe(8);
  });

  it('are not waited for while somebody has just waited in vain', async () => {
    let clockMs = 0;
    const slots = createSlots(
      () => ten,
      () => clockMs,
    );
    const [first] = takeAll(slots, 'general');
    expect(await slots.wait('general')).toBeUndefined();
    // One that waited would find the place that is free by then.
    const next = slots.wait('general');
    first?.free();
    expect(await next).toBeUndefined();
    const [second] = takeAll(slots, 'general');
    clockMs = 1_000;
    const patient = slots.wait('general');
    second?.free();
    expect(await patient).toBeDefined();
  });

  it('are full when not even a purchase finds one or may wait', async () => {
    const slots = createSlots(() => ten);
    takeAll(slots, 'general');
    expect(slots.areFull()).toBe(false);
    const [first] = takeAll(slots, 'reserved');
    expect(slots.areFull()).toBe(false);
    const waiting = [slots.wait('reserved'), slots.wait('reserved')];
    expect(slots.areFull()).toBe(true);
    first?.free();
    expect(slots.areFull()).toBe(false);
    await Promise.all(waiting);
    expect(slots.areFull()).toBe(true);
  });

  it('can be lent, several times at once, and are taken back whoever has them now', () => {
    const slots = createSlots(() => ten);
    const [first] = takeAll(slots, 'general');
    const [takeBack, takeBackAgain] = [first?.lend(), first?.lend()];
    const other = slots.take('general');
    expect(other).toBeDefined();
    expect(slots.take('general')).toBeUndefined();
    takeBack?.();
    expect(slots.inFlight()).toBe(8);
    takeBackAgain?.();
    expect(slots.inFlight()).toBe(9);
    other?.free();
    expect(slots.take('general')).toBeUndefined();
    first?.free();
    expect(slots.inFlight()).toBe(7);
  });

  it('that are free have nothing to lend, and nothing is taken back for who has left', () => {
    const slots = createSlots(() => ten);
    const slot = slots.take('general');
    const takeBack = slot?.lend();
    slot?.free();
    takeBack?.();
    slot?.lend()();
    expect(slots.inFlight()).toBe(0);
  });

  it('follow their number', () => {
    let size = ten;
    const slots = createSlots(() => size);
    const taken = takeAll(slots, 'general');
    size = { all: 5, reservedPercent: 0 };
    for (const slot of taken.slice(0, 3)) slot.free();
    expect(slots.take('reserved')).toBeUndefined();
    taken[3]?.free();
    expect(slots.take('general')).toBeDefined();
  });
});
