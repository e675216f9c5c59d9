import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './workspaces.ts';

const sources = globSync(['{gateway,platform}/src/**/*.ts', 'subgraphs/*/src/**/*.ts'], { cwd: root })
  .filter((file) => !file.endsWith('.test.ts'))
  .map((file) => readFileSync(join(root, file), 'utf8'))
  .join('\n');
const page = readFileSync(join(root, 'docs/metrics.md'), 'utf8');

const declared = [...sources.matchAll(/(?:new |create)(Counter|Gauge|Histogram)\(\{\s*name: '([^']+)'/g)].map(
  ([, kind = '', name = '']) => ({ kind, name }),
);
const names = (list: { name: string }[]) => list.map(({ name }) => name).sort();

describe('the page of metrics', () => {
  it('has a row for each metric there is, and for no other', () => {
    expect(declared.length).toBeGreaterThan(20);
    const rows = [...page.matchAll(/^\| `(souk_\w+)` \|/gm)].map(([, name = '']) => ({ name }));
    expect(names(rows)).toEqual(names(declared));
  });

  it('asks in its queries and alerts for metrics that there are', () => {
    const asked = [...page.matchAll(/\b(souk_[a-z_]+?)(?:_bucket|_count|_sum)?(?=[{[\s)`])/g)].map(
      ([, name = '']) => name,
    );
    const known = new Set(names(declared));
    expect(asked.filter((name) => !known.has(name))).toEqual([]);
  });
});

describe('the name of a metric', () => {
  it.each(declared)('$name says of which kind it is', ({ kind, name }) => {
    expect(name).toMatch(/^souk_[a-z]+(_[a-z]+)*$/);
    expect(name.endsWith('_total')).toBe(kind === 'Counter');
    if (kind === 'Histogram') expect(name).toMatch(/_(seconds|points|bytes)$/);
  });
});
