import { byName } from '@souk/dev/by-name';
import { expect, it } from 'vitest';
import { benchSubgraphs } from './answers.ts';
import type { Step } from './contestants/floor.ts';
import { record } from './record.ts';
import { composeBenchGraph } from './subgraphs.ts';

it('takes as many requests to subgraphs for each workload as its description says', async () => {
  const urls = byName(benchSubgraphs, (name) => `http://${name}.internal/graphql`);
  const recording = await record(composeBenchGraph(urls), urls);
  const counts = Object.entries(recording).map(([operation, { steps, answer }]) => {
    return [operation, requestsIn(steps), Math.round(Buffer.byteLength(JSON.stringify(answer)) / 1_000)];
  });
  expect(counts).toEqual([
    ['Big', 18, 83],
    ['Big in Chinese', 18, 87],
    ['Small', 1, 1],
    ['Hop', 2, 1],
    ['Unique', 3, 0],
  ]);
});

function requestsIn(step: Step): number {
  if ('url' in step) return 1;
  const steps = 'parallel' in step ? step.parallel : step.sequence;
  return steps.reduce((sum, each) => sum + requestsIn(each), 0);
}
