import { AggregatorRegistry, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createCounter, createGauge, createHistogram } from './metrics.ts';

/** The same metrics twice: ours, and those of prom-client, which say what is right. */
function openBoth() {
  const requests = {
    name: 'requests_total',
    help: 'Requests \\ of\nall.',
    labelNames: ['endpoint', 'status'],
  } as const;
  const durations = {
    name: 'seconds',
    help: 'Time.',
    labelNames: ['endpoint'],
    buckets: [0.001, 0.5, 1, 2.5],
  } as const;
  const known = { name: 'known', help: 'Known.', labelNames: ['endpoint'] } as const;
  const largest = { name: 'largest', help: 'The largest.', aggregator: 'max' } as const;
  const all = { name: 'all_total', help: 'All.' } as const;
  const ours = new Registry();
  const theirs = new Registry();
  const registers = [ours];
  const our = {
    requests: createCounter({ ...requests, registers }),
    durations: createHistogram({ ...durations, registers }),
    known: createGauge({ ...known, registers }),
    largest: createGauge({ ...largest, registers }),
    all: createCounter({ ...all, registers }),
  };
  const their = {
    requests: new Counter({ ...requests, registers: [theirs] }),
    durations: new Histogram({ ...durations, buckets: [...durations.buckets], registers: [theirs] }),
    known: new Gauge({ ...known, registers: [theirs] }),
    largest: new Gauge({ ...largest, registers: [theirs] }),
    all: new Counter({ ...all, registers: [theirs] }),
  };
  return {
    ours,
    theirs,
    request(endpoint: string, status: number, seconds: number) {
      our.requests.labels(endpoint, status).inc();
      their.requests.inc({ endpoint, status });
      our.durations.labels(endpoint).observe(seconds);
      their.durations.observe({ endpoint }, seconds);
      our.all.labels().inc(2);
      their.all.inc(2);
    },
    known(endpoint: string, count: number) {
      our.known.labels(endpoint).set(count);
      their.known.set({ endpoint }, count);
    },
    enter(endpoint: string) {
      our.known.labels(endpoint).inc();
      their.known.inc({ endpoint });
    },
    leave(endpoint: string) {
      our.known.labels(endpoint).dec();
      their.known.dec({ endpoint });
    },
    largest(value: number) {
      our.largest.labels().set(value);
      their.largest.set(value);
    },
  };
}

type Both = ReturnType<typeof openBoth>;

function happen({ request, known, enter, leave, largest }: Both, times = 1): void {
  for (let time = 0; time < times; time++) {
    request('/graphql', 200, 0.001);
    request('/graphql', 200, 0.0011);
    request('/graphql', 503, 0.2);
    request('/admin', 200, 2.5);
    request('/admin', 200, 2.6);
    request('with "quotes", \\ and\nlines', 200, -1);
    known('/graphql', 3 * time);
    known('/admin', 0);
    enter('/admin');
    enter('/graphql');
    leave('/graphql');
    leave('elsewhere');
    largest(1.5 * time);
  }
}

const textOf = (registries: Registry[]) =>
  Promise.all(registries.map((registry) => registry.getMetricsAsJSON())).then((metrics) =>
    // As they reach another process.
    AggregatorRegistry.aggregate(JSON.parse(JSON.stringify(metrics)) as object[]).metrics(),
  );

describe('metrics are told as prom-client tells its own', () => {
  it('before anything has happened', async () => {
    const { ours, theirs } = openBoth();
    expect(await ours.metrics()).toBe(await theirs.metrics());
  });

  it('whatever has happened', async () => {
    const both = openBoth();
    happen(both, 3);
    const text = await both.ours.metrics();
    expect(text).toBe(await both.theirs.metrics());
    expect(text).toContain('seconds_bucket{le="+Inf",endpoint="/graphql"} 9');
    expect(text).toContain('endpoint="with \\"quotes\\", \\\\ and\\nlines"');
  });

  it('added up with those of other processes', async () => {
    const [one, other] = [openBoth(), openBoth()];
    happen(one);
    happen(other, 2);
    other.request('/other', 418, 1);
    const text = await textOf([one.ours, other.ours]);
    expect(text).toBe(await textOf([one.theirs, other.theirs]));
    expect(text).toContain('requests_total{endpoint="/graphql",status="200"} 6');
  });

  it('after they were reset', async () => {
    const both = openBoth();
    happen(both);
    both.ours.resetMetrics();
    both.theirs.resetMetrics();
    expect(await both.ours.metrics()).toBe(await both.theirs.metrics());
    happen(both);
    expect(await both.ours.metrics()).toBe(await both.theirs.metrics());
  });
});

it('a series that is kept goes on after a reset, and is not told of before something happens in it', async () => {
  const registry = new Registry();
  const series = createCounter({ name: 'kept_total', help: 'Kept.', labelNames: ['kind'], registers: [registry] });
  const kept = series.labels('a');
  expect(await registry.metrics()).not.toContain('kind');
  kept.inc();
  registry.resetMetrics();
  expect(await registry.metrics()).not.toContain('kind');
  kept.inc();
  expect(await registry.metrics()).toContain('kept_total{kind="a"} 1');
  expect(series.labels('a')).toBe(kept);
});

it('what is no number is not added to a histogram', () => {
  const durations = createHistogram({ name: 'wrong', help: 'Wrong.', buckets: [1], registers: [] });
  expect(() => durations.labels().observe(Number.NaN)).toThrow(TypeError);
});
