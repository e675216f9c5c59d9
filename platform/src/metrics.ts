import { type Aggregator, type Metric as ClientMetric, type Registry, register } from 'prom-client';

/**
 * Metrics in the registries of prom-client, for what happens with every request. Its own write down the labels of each event to find the number that the event
 * changes; here a series is found by its labels in a few steps, and whoever counts the same all the time may keep it.
 */
export interface Metric<Names extends LabelNames, Series> {
  /** The series of these values of the labels, in the order of their names. It is told of once something has happened in it, and good forever. */
  labels(...values: { [Index in keyof Names]: LabelValue }): Series;
}

export interface MetricOptions<Names extends LabelNames> {
  name: string;
  help: string;
  /** Default: none. Then there is one series, `labels()`, which is told of from the start. */
  labelNames?: Names;
  /** How the numbers of several processes become one. Default: their sum. */
  aggregator?: Aggregator;
  /** Default: the global one. */
  registers?: readonly Registry[];
}

export interface HistogramOptions<Names extends LabelNames> extends MetricOptions<Names> {
  /** Upper bounds, rising. */
  buckets: readonly number[];
}

type LabelNames = readonly string[];
type LabelValue = string | number;

/** What is counted and never goes back. */
export function createCounter<const Names extends LabelNames = []>(
  options: MetricOptions<Names>,
): Metric<Names, Counter> {
  return openMetric('counter', options, () => new Counter());
}

/** A number that goes up and down. */
export function createGauge<const Names extends LabelNames = []>(options: MetricOptions<Names>): Metric<Names, Gauge> {
  return openMetric('gauge', options, () => new Gauge());
}

/** How often values were how large. */
export function createHistogram<const Names extends LabelNames = []>(
  options: HistogramOptions<Names>,
): Metric<Names, Histogram> {
  return openMetric('histogram', options, () => new Histogram(options.buckets));
}

export class Counter implements Series {
  #value = 0;

  inc(by = 1): void {
    this.#value += by;
  }

  isUsed(): boolean {
    return this.#value !== 0;
  }

  samples(): Sample[] {
    return [{ value: this.#value }];
  }

  reset(): void {
    this.#value = 0;
  }
}

export class Gauge implements Series {
  #value = 0;
  #isUsed = false;

  set(value: number): void {
    this.#value = value;
    this.#isUsed = true;
  }

  inc(): void {
    this.set(this.#value + 1);
  }

  dec(): void {
    this.set(this.#value - 1);
  }

  isUsed(): boolean {
    return this.#isUsed;
  }

  samples(): Sample[] {
    return [{ value: this.#value }];
  }

  reset(): void {
    this.#value = 0;
    this.#isUsed = false;
  }
}

export class Histogram implements Series {
  readonly #bounds: readonly number[];
  /** How many values were within each bound and above the one before it. */
  readonly #counts: number[];
  #count = 0;
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  /** @throws {TypeError} for what is no finite number, which the sum would not recover from */
  observe(value: number): void {
    if (!Number.isFinite(value)) throw new TypeError(`Expected a finite number to observe, got ${value}.`);
    const bounds = this.#bounds;
    let index = 0;
    while (index < bounds.length && value > (bounds[index] as number)) index++;
    if (index < bounds.length) (this.#counts[index] as number)++;
    this.#count++;
    this.#sum += value;
  }

  isUsed(): boolean {
    return this.#count > 0;
  }

  samples(): Sample[] {
    let within = 0;
    const buckets = this.#bounds.map((bound, index) => {
      within += this.#counts[index] as number;
      return { suffix: '_bucket', le: bound, value: within };
    });
    return [
      ...buckets,
      { suffix: '_bucket', le: '+Inf', value: this.#count },
      { suffix: '_sum', value: this.#sum },
      { suffix: '_count', value: this.#count },
    ];
  }

  reset(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#sum = 0;
  }
}

interface Series {
  /** Whether anything has happened in it. */
  isUsed(): boolean;
  samples(): Sample[];
  reset(): void;
}

/** One line of what Prometheus reads: of a histogram there are several to a series. */
interface Sample {
  suffix?: string;
  le?: LabelValue;
  value: number;
}

function openMetric<Names extends LabelNames, S extends Series>(
  type: 'counter' | 'gauge' | 'histogram',
  { name, help, labelNames, aggregator = 'sum', registers = [register] }: MetricOptions<Names>,
  create: () => S,
): Metric<Names, S> {
  const names = labelNames ?? [];
  const all: { labels: Record<string, LabelValue>; series: S }[] = [];
  const root: Branch<S> = { next: new Map(), series: undefined };

  function labels(...values: readonly LabelValue[]): S {
    let branch = root;
    for (const value of values) branch = branch.next.get(value) ?? grow(branch, value);
    branch.series ??= add(values);
    return branch.series;
  }

  function add(values: readonly LabelValue[]): S {
    const series = create();
    all.push({ series, labels: Object.fromEntries(names.map((label, index) => [label, values[index] as LabelValue])) });
    return series;
  }

  function valuesNow() {
    const told = all.filter(({ series }) => names.length === 0 || series.isUsed());
    return told.flatMap(({ labels, series }) =>
      series.samples().map(({ suffix, le, value }) => ({
        value,
        ...(suffix === undefined ? {} : { metricName: `${name}${suffix}` }),
        labels: le === undefined ? labels : { le, ...labels },
      })),
    );
  }

  if (names.length === 0) labels();
  const metric = {
    name,
    help,
    type,
    aggregator,
    get: async () => ({ name, help, type, values: valuesNow(), aggregator }),
    reset() {
      for (const { series } of all) series.reset();
    },
  };
  // A registry asks a metric for no more than this, whatever its types say.
  for (const registry of registers) registry.registerMetric(metric as unknown as ClientMetric);
  return { labels };
}

interface Branch<S> {
  next: Map<LabelValue, Branch<S>>;
  series: S | undefined;
}

function grow<S>(branch: Branch<S>, value: LabelValue): Branch<S> {
  const grown: Branch<S> = { next: new Map(), series: undefined };
  branch.next.set(value, grown);
  return grown;
}
