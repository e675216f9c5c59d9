import { expect, it } from 'vitest';
import { openCompiledGateway } from './gateways.ts';
import { describe, runSeries, shareOf } from './series.ts';

it.each(['souk-storefront', 'souk-admin'] as const)(
  'answers as the stock gateway does over the graph of the shop, %s',
  { timeout: 900_000 },
  async (graph) => {
    const series = await runSeries({ graph, seed: 'shop', operations: 500, open: openCompiledGateway });
    expect(series.differences.map(describe)).toEqual([]);
    expect(series.operations).toBe(500);
    expect(series.failed).toBeGreaterThan(225);
    expect(shareOf(series, 'compiled')).toBeGreaterThan(0.35);
    expect(shareOf(series, 'stock')).toBeLessThan(0.1);
  },
);
