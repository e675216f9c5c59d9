import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSlots, type Slot, type SlotKind, type Slots } from './slots.ts';

/** Ten places, of which two are reserved. */
const ten = { all: 10, reservedPercent: 20 };
const takeAll = (slots: Slots, kind: SlotKind): Slot[] => {
  const taken: Slot[] = [];
  for (let slot = slots.take(kind); slot; slot = slots.take(kind)) taken.push(slot);
  return taken;
};

/** Has as many wait as may. */
const waitersFor = (slots: Slots): Promise<Slot | undefined>[] => {
  const waiting: Promise<Slot | undefined>[] = [];
  while (!slots.areFull()) waiting.push(slots.wait('reserved'));
  return waiting;
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

  describe('that nobody leaves', () => {
    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => void vi.useRealTimers());

    it('are waited for by many for a while, and then by nobody', async () => {
      const slots = createSlots(() => ten);
      takeAll(slots, 'reserved');
      const waiting = waitersFor(slots);
      expect(waiting.length).toBeGreaterThan(100);
      await vi.advanceTimersByTimeAsync(1_500);
      expect(new Set(await Promise.all(waiting))).toEqual(new Set([undefined]));
      // Who has given up takes no place.
      expect(slots.inFlight()).toBe(10);
      expect(waitersFor(slots)).toEqual([]);
      await vi.advanceTimersByTimeAsync(1_000);
      expect(waitersFor(slots).length).toBeGreaterThan(100);
    });

    it('are given to who waits although a process stood still meanwhile', async () => {
      const slots = createSlots(() => ten);
      const [first] = takeAll(slots, 'general');
      const waiting = slots.wait('general');
      // When it goes on, what is due comes before what has happened.
      setTimeout(() => first?.free(), 1_000);
      await vi.advanceTimersByTimeAsync(1_000);
      expect(await waiting).toBeDefined();
    });
  });

  describe('that are left again and again, and always wanted', () => {
    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => void vi.useRealTimers());

    /** Frees a place and has it taken again each 10 ms, while so many more want one than may. */
    async function keepBusy(slots: Slots, ms: number): Promise<{ refused: number }> {
      const taken = takeAll(slots, 'general');
      let refused = 0;
      const want = async () => {
        const slot = await slots.wait('general');
        if (slot) taken.push(slot);
        else refused += 1;
      };
      for (let passedMs = 0; passedMs < ms; passedMs += 10) {
        void want();
        void want();
        taken.shift()?.free();
        await vi.advanceTimersByTimeAsync(10);
      }
      return { refused };
    }

    it('let nobody be refused in a burst', async () => {
      expect(
        await keepBusy(
          createSlots(() => ten),
          900,
        ),
      ).toEqual({ refused: 0 });
    });

    it('are waited for by a few once it is no burst, and by many again when it has been over for a while', async () => {
      const slots = createSlots(() => ten);
      const { refused } = await keepBusy(slots, 3_000);
      // Of the two hundred a second that want one, a hundred get it.
      expect(refused).toBeGreaterThan(100);
      await vi.advanceTimersByTimeAsync(3_000);
      expect(await keepBusy(slots, 900)).toEqual({ refused: 0 });
    });
  });

  it('are full when not even a purchase finds one or may wait', async () => {
    const slots = createSlots(() => ten);
    const taken = takeAll(slots, 'general');
    expect(slots.areFull()).toBe(false);
    taken.push(...takeAll(slots, 'reserved'));
    expect(slots.areFull()).toBe(false);
    const waiting = waitersFor(slots);
    taken[0]?.free();
    expect(slots.areFull()).toBe(false);
    for (const slot of taken.slice(1)) slot.free();
    for (const slot of waiting) void slot.then((given) => given?.free());
    expect((await Promise.all(waiting)).every((slot) => slot !== undefined)).toBe(true);
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
