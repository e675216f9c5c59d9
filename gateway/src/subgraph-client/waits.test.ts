import { beforeEach, expect, it, vi } from 'vitest';
import { createWaits } from './waits.ts';

const STALLED_AFTER_MS = 20;
let lent: number;
const lend = () => {
  lent++;
  return () => {
    lent--;
  };
};
beforeEach(() => {
  lent = 0;
});

it('who waits for a subgraph that answers nobody lends its place, whoever comes later too, until it answers one', async () => {
  const waits = createWaits(STALLED_AFTER_MS);
  const [first, second] = [waits.begin(lend), waits.begin(lend)] as const;
  expect(lent).toBe(0);
  await vi.waitFor(() => expect(lent).toBe(2), 5_000);
  const third = waits.begin(lend);
  expect(lent).toBe(3);
  waits.end(first, false);
  expect(lent).toBe(2);
  waits.end(second, true);
  expect(lent).toBe(0);
  await vi.waitFor(() => expect(lent).toBe(1), 5_000);
  waits.end(third, true);
  expect(lent).toBe(0);
});

it('a subgraph that nobody waited for did not stall', async () => {
  const waits = createWaits(STALLED_AFTER_MS);
  waits.end(waits.begin(lend), true);
  await new Promise((resolve) => setTimeout(resolve, 3 * STALLED_AFTER_MS));
  const wait = waits.begin(lend);
  expect(lent).toBe(0);
  waits.end(wait, true);
  await new Promise((resolve) => setTimeout(resolve, 3 * STALLED_AFTER_MS));
  expect(lent).toBe(0);
});
