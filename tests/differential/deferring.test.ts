import { expect, it } from 'vitest';
import { openDeferringGateway, openWholeGateway } from './deferring.ts';
import type { FailureKind } from './failures.ts';
import { describe, runSeries, shareOf } from './series.ts';

/** Failures of all that is asked of a subgraph. With `@defer` more is asked, so what fails in a part of an answer only may fail elsewhere. */
const failures: FailureKind[] = [
  'status 500 with a page',
  'status 401',
  'connection reset',
  'timeout',
  'no JSON',
  'data is null',
  'data is null, with errors',
];

/** Over the graph whose endpoint has `@defer`. In that of the library the planner chooses other keys and requirements, and so comes to other values. */
it('gives in parts what the stock gateway gives whole', { timeout: 900_000 }, async () => {
  const series = await runSeries({
    graph: 'souk-storefront',
    seed: 'deferred',
    operations: 800,
    open: openDeferringGateway,
    openExpected: openWholeGateway,
    // A subgraph is asked again for an object that it has answered with, by its key.
    risks: { failures, unknownEntities: false },
  });
  expect(series.differences.map(describe)).toEqual([]);
  expect(series.operations).toBe(800);
  expect(shareOf(series, 'deferred')).toBeGreaterThan(0.4);
});
