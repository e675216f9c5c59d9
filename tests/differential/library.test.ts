import { expect, it } from 'vitest';
import { openCompiledGateway } from './gateways.ts';
import { describe, runSeries, shareOf } from './series.ts';

it('answers as the stock gateway does over all that federation offers', { timeout: 900_000 }, async () => {
  const series = await runSeries({ graph: 'library', seed: 'library', operations: 1_000, open: openCompiledGateway });
  expect(series.differences.map(describe)).toEqual([]);
  expect(series.operations).toBe(1_000);
  expect(series.failed).toBeGreaterThan(400);
  // What the stock executor runs on both sides shows nothing.
  expect(shareOf(series, 'compiled')).toBeGreaterThan(0.3);
  expect(shareOf(series, 'stock')).toBeLessThan(0.25);
});
