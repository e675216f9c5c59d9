import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { liftLimit, setLimit, TimeLimit } from './time-limit.ts';

class Limit extends TimeLimit {
  readonly #happens: () => void;
  constructor(inMs: number, happens: () => void) {
    super(performance.now() + inMs);
    this.#happens = happens;
  }
  override timeIsUp(): void {
    this.#happens();
  }
}

it('limits end in the order of their times, whatever order they were set in, and those that are lifted do not', async () => {
  const ended: string[] = [];
  const nowMs = performance.now();
  const limits = (
    [
      ['late', 60],
      ['early', 10],
      ['lifted', 20],
      ['over', -1],
      ['middle', 30],
    ] as const
  ).map(([name, inMs]) => new Limit(inMs, () => ended.push(name)));
  for (const limit of limits) setLimit(limit);
  if (limits[2]) liftLimit(limits[2]);
  expect(ended).toEqual([]);
  await vi.waitFor(() => expect(ended).toContain('middle'), { interval: 1 });
  await vi.waitFor(() => expect(ended).toEqual(['over', 'early', 'middle', 'late']));
  expect(performance.now() - nowMs).toBeGreaterThanOrEqual(60);
});

it('what has arrived while this process was busy comes before a limit', async () => {
  const order: string[] = [];
  setLimit(new Limit(5, () => order.push('limit')));
  setTimeout(() => order.push('arrival'), 6);
  for (const end = performance.now() + 20; performance.now() < end; );
  await delay(20);
  expect(order).toEqual(['arrival', 'limit']);
});
