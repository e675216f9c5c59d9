import { expect, it } from 'vitest';
import { deferring } from './deferring.ts';
import { describe, runSeries, shareOf } from './series.ts';

it.each([
  ['souk-storefront', 0.4],
  ['library', 0.3],
] as const)('gives in parts what the stock gateway gives whole, %s', { timeout: 900_000 }, async (graph, share) => {
  const series = await runSeries({ graph, seed: 'deferred', operations: 400, ...deferring });
  expect(series.differences.map(describe)).toEqual([]);
  expect(series.operations).toBe(400);
  expect(series.failed).toBeGreaterThan(160);
  expect(shareOf(series, 'deferred')).toBeGreaterThan(share);
});
