import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { listCosts } from './list-costs.ts';
import { readManifest } from './manifest.ts';

const read = (file: string) => readFileSync(new URL(`../../schema/${file}`, import.meta.url), 'utf8');
const storefront = read('gateway/storefront.graphql');

describe('the list of costs', () => {
  it('has the dearest operation first, with the requests its plan makes', () => {
    const cheap = 'query Cheap { viewer { id } }';
    const dear =
      'query Dear { products(first: 10) { nodes { id variants(first: 2) { nodes { id quantityInViewerCart } } } } }';
    expect(listCosts(storefront, [cheap, dear])).toEqual([
      { name: 'Dear', cost: 1 + 10 * (1 + 1 + 2), subgraphRequests: 2 },
      { name: 'Cheap', cost: 1, subgraphRequests: 1 },
    ]);
  });

  it('tells the operations of one document apart', () => {
    expect(
      listCosts(storefront, ['query A { viewer { id } } query B { brands { id } }']).map(({ name }) => name),
    ).toEqual(['B', 'A']);
  });

  it.each([
    ['is not valid', '{ nothing }', 'nothing'],
    ['the guard refuses', `{ viewer { ${'a: id '.repeat(16)} } }`, 'aliases'],
  ])('stops at a document that %s', (_, text, reason) => {
    expect(() => listCosts(storefront, [text])).toThrow(reason);
  });
});

describe('what this repository registers', () => {
  it.each([
    ['storefront', 5_000],
    ['admin', 20_000],
  ])('costs far less than a client of the %s may spend', (contract, budget) => {
    const { byText } = readManifest(read(`manifests/${contract}.json`));
    const costs = listCosts(read(`gateway/${contract}.graphql`), [...byText.keys()]);
    expect(costs.length).toBe(byText.size);
    for (const { name, cost, subgraphRequests } of costs) {
      expect(cost, name).toBeLessThan(budget / 5);
      expect(subgraphRequests, name).toBeLessThanOrEqual(6);
    }
  });
});
