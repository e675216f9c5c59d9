import { setImmediate as nextTurn } from 'node:timers/promises';
import { badUserInput } from '@souk/platform/errors';
import { money } from '@souk/platform/money';
import type { SelectedOption } from './tables.ts';

/**
 * A *facet* is one way to narrow results down; a product has any number of *values* of it. The facets of a product are kept as text, one line for each
 * value: `facet<TAB>value`. Counting is reading those lines of all results, once, whatever was chosen.
 */
export interface Facet {
  id: string;
  label: string;
  kind: 'LIST' | 'PRICE_RANGE' | 'BOOLEAN';
  values: FacetValue[];
}

export interface FacetValue {
  id: string;
  label: string;
  count: number;
}

/** What a customer chose, by facet: values of one facet widen, different facets narrow. */
export type Choices = ReadonlyMap<string, ReadonlySet<string>>;

/** How many results have each value, by facet. */
export type FacetCounts = Map<string, Map<string, number>>;

export const OPTION_PREFIX = 'option.';
const MAX_CHOSEN_FACETS = 10;
const MAX_CHOSEN_VALUES = 50;
const MAX_FACETS = 10;
const MAX_VALUES = 50;

/** @throws BAD_USER_INPUT when there are too many, or a facet is none we ever name */
export function readChoices(filters: readonly { facetId: string; valueIds: readonly string[] }[]): Choices {
  if (filters.length > MAX_CHOSEN_FACETS) {
    throw badUserInput(`Expected at most ${MAX_CHOSEN_FACETS} filters, got ${filters.length}.`);
  }
  const choices = new Map<string, Set<string>>();
  for (const { facetId, valueIds } of filters) {
    if (valueIds.length > MAX_CHOSEN_VALUES) {
      throw badUserInput(`Expected at most ${MAX_CHOSEN_VALUES} values of a filter, got ${valueIds.length}.`);
    }
    if (
      !['category', 'brand', 'price', 'availability', 'tag'].includes(facetId) &&
      !facetId.startsWith(OPTION_PREFIX)
    ) {
      throw badUserInput('Expected a facetId that a search returned.');
    }
    // Nothing chosen does not restrict.
    if (valueIds.length > 0) choices.set(facetId, new Set([...(choices.get(facetId) ?? []), ...valueIds]));
  }
  return choices;
}

/** The same choices, however they were put, as one value to compare by. */
export function choicesKey(choices: Choices): unknown {
  return [...choices].map(([facet, values]) => [facet, [...values].sort()]).sort();
}

/** The facets of one product that its row decides, as they are stored; availability changes too often to be among them. */
export function facetLines(product: {
  categoryId: string | null;
  brandId: string | null;
  currencyCode: string;
  minPriceMinor: bigint;
  values: readonly { facet: string; value: string }[];
}): string {
  const lines = [
    ...(product.categoryId ? [line('category', product.categoryId)] : []),
    ...(product.brandId ? [line('brand', product.brandId)] : []),
    line('price', `${product.currencyCode}.${bandOf(product.minPriceMinor)}`),
    ...product.values.map(({ facet, value }) => line(facet, value)),
  ];
  return lines.join('\n');
}

/** The tags and options of a product, each value once. */
export function facetValuesOf(tags: readonly string[], options: readonly SelectedOption[]) {
  const values = [
    ...tags.map((value) => ({ facet: 'tag', value })),
    ...options.map(({ name, value }) => ({ facet: OPTION_PREFIX + name, value })),
  ];
  return [...new Map(values.map((each) => [line(each.facet, each.value), each])).values()];
}

/** Tabs and line breaks cannot occur: no control character gets into a title, tag or option. */
function line(facet: string, value: string): string {
  return `${facet}\t${value}`;
}

/** Rows counted before others get a turn: counting all products of a large shop takes a while. */
const SLICE = 4_000;

/**
 * Counts values over all results. A facet's own choice is left out of its own counts: a product that fails one facet's choice only counts in that facet,
 * one that fails more counts nowhere.
 */
export async function countFacets(
  results: readonly { facets: string; isAvailable: boolean }[],
  choices: Choices,
): Promise<FacetCounts> {
  const chosen = [...choices].map(([facet, values]) => {
    return { begin: line(facet, ''), lines: new Set([...values].map((value) => line(facet, value))) };
  });
  // Whole lines are counted, and taken apart afterwards: there are millions of them, and few different ones.
  const counts = new Map<string, number>();
  for (let start = 0; start < results.length; start += SLICE) {
    if (start > 0) await nextTurn();
    for (const { facets, isAvailable } of results.slice(start, start + SLICE)) {
      const lines = facets.split('\n');
      lines.push(isAvailable ? AVAILABLE : SOLD_OUT);
      const failed = chosen.filter((choice) => !lines.some((each) => choice.lines.has(each)));
      if (failed.length > 1) continue;
      const [only] = failed;
      for (const each of only ? lines.filter((one) => one.startsWith(only.begin)) : lines) {
        counts.set(each, (counts.get(each) ?? 0) + 1);
      }
    }
  }
  return byFacet(counts);
}

const AVAILABLE = line('availability', 'true');
const SOLD_OUT = line('availability', 'false');

function byFacet(countsOfLines: ReadonlyMap<string, number>): FacetCounts {
  const counts: FacetCounts = new Map();
  for (const [each, number] of countsOfLines) {
    const [facet = '', value = ''] = each.split('\t');
    counts.set(facet, (counts.get(facet) ?? new Map<string, number>()).set(value, number));
  }
  return counts;
}

/** Facets as they are shown: the fixed ones first, then the options that most results have. */
export function describeFacets(counts: FacetCounts, names: ReadonlyMap<string, string>): Facet[] {
  const options = [...counts]
    .filter(([facet]) => facet.startsWith(OPTION_PREFIX))
    .sort(([, a], [, b]) => sumOf(b) - sumOf(a))
    .map(([facet]) => facet);
  return ['category', 'brand', 'price', 'availability', 'tag', ...options]
    .flatMap((id) => {
      const values = counts.get(id);
      return values ? [describeFacet(id, values, names)] : [];
    })
    .filter(({ values }) => values.length > 0)
    .slice(0, MAX_FACETS);
}

const fixedLabels: Record<string, string> = {
  category: 'Category',
  brand: 'Brand',
  price: 'Price',
  availability: 'Availability',
  tag: 'Tag',
};

function describeFacet(id: string, counted: ReadonlyMap<string, number>, names: ReadonlyMap<string, string>): Facet {
  const values = [...counted]
    .flatMap(([value, count]) => {
      const label = labelOf(id, value, names);
      return label === undefined ? [] : [{ id: value, label, count }];
    })
    .sort((a, b) => b.count - a.count || (a.label < b.label ? -1 : 1))
    .slice(0, MAX_VALUES);
  return {
    id,
    label: fixedLabels[id] ?? id.slice(OPTION_PREFIX.length),
    kind: id === 'price' ? 'PRICE_RANGE' : id === 'availability' ? 'BOOLEAN' : 'LIST',
    values,
  };
}

/** Undefined for a category or brand that was deleted this very moment. */
function labelOf(facet: string, value: string, names: ReadonlyMap<string, string>): string | undefined {
  if (facet === 'category' || facet === 'brand') return names.get(value);
  if (facet === 'price') return bandLabel(value);
  if (facet === 'availability') return value === 'true' ? 'Available' : 'Sold out';
  return value;
}

function sumOf(values: ReadonlyMap<string, number>): number {
  return [...values.values()].reduce((sum, each) => sum + each, 0);
}

/** Where price bands begin, in minor units: 10, 25, 50 … of a currency with cents, 1,000, 2,500, 5,000 … of one without. */
const bandStarts = [0n, 1_000n, 2_500n, 5_000n, 10_000n, 25_000n, 50_000n, 100_000n, 250_000n];

function bandOf(priceMinor: bigint): number {
  return bandStarts.findLastIndex((start) => priceMinor >= start);
}

/** The prices of a band, the end not included; undefined when the id is none of ours. */
export function bandLimits(id: string): { currencyCode: string; from: bigint; below: bigint | undefined } | undefined {
  const [, currencyCode, number] = /^([A-Z]{3})\.(\d)$/.exec(id) ?? [];
  const from = bandStarts[Number(number)];
  return currencyCode === undefined || from === undefined
    ? undefined
    : { currencyCode, from, below: bandStarts[Number(number) + 1] };
}

function bandLabel(id: string): string | undefined {
  const limits = bandLimits(id);
  if (!limits) return undefined;
  const { currencyCode, from, below } = limits;
  const format = new Intl.NumberFormat('en', {
    style: 'currency',
    currency: currencyCode,
    trailingZeroDisplay: 'stripIfInteger',
  });
  const show = (amountMinor: bigint) => format.format(Number(money(amountMinor, currencyCode).amount));
  return below === undefined ? `${show(from)} and more` : `${show(from)} – ${show(below)}`;
}
