import { describe, expect, it } from 'vitest';
import { departments, kinds } from './assortment.ts';
import { brands } from './names.ts';
import { productAt } from './products.ts';

const some = Array.from({ length: 3_000 }, (_, index) => productAt(index));

describe('the assortment', () => {
  it('is a tree of three levels with a slug for each place', () => {
    const slugs = departments.flatMap((department) => [
      department.slug,
      ...department.groups.flatMap((group) => [group.slug, ...group.kinds.map((kind) => kind.slug)]),
    ]);
    expect(slugs.length).toBeGreaterThanOrEqual(40);
    expect(new Set(slugs).size).toBe(slugs.length);
  });

  it('has thirty brands, and in each language one for every department', () => {
    expect(new Set(brands.map(({ slug }) => slug)).size).toBe(30);
    for (const { slug } of departments) {
      const languages = brands.filter((brand) => brand.departments.includes(slug)).map(({ language }) => language);
      expect(new Set(languages), slug).toEqual(new Set(['en', 'zh']));
    }
  });
});

describe('products', () => {
  it('are the same whenever they are asked for', () => {
    expect(productAt(1_234)).toEqual(some[1_234]);
  });

  it('differ in title, slug and article numbers', () => {
    for (const name of ['title', 'slug', 'id'] as const) {
      expect(new Set(some.map((product) => product[name])).size, name).toBe(some.length);
    }
    const skus = some.flatMap(({ variants }) => variants.map(({ sku }) => sku));
    expect(new Set(skus).size).toBe(skus.length);
  });

  it('show every kind, both languages, both currencies, every status, low and sold-out stock among the first 120', () => {
    const first = some.slice(0, 120);
    expect(new Set(first.map(({ category }) => category))).toEqual(new Set(kinds.map(({ kind }) => kind.slug)));
    expect(new Set(first.map(({ currencyCode }) => currencyCode))).toEqual(new Set(['EUR', 'CNY']));
    expect(new Set(first.map(({ status }) => status))).toEqual(new Set(['ACTIVE', 'DRAFT', 'ARCHIVED']));
    const left = first.flatMap(({ variants }) => variants.map(({ stock }) => stock.available));
    expect(left.some((count) => count === 0)).toBe(true);
    expect(left.some((count) => count > 0 && count <= 5)).toBe(true);
    for (const words of ['运动鞋', '跑步鞋', '茶具', '丝绸围巾', 'Running Shoes']) {
      expect(
        first.filter(({ status, title }) => status === 'ACTIVE' && title.includes(words)),
        words,
      ).not.toEqual([]);
    }
  });

  it('number five hundred with fifteen hundred variants', () => {
    const variants = some.slice(0, 500).flatMap((product) => product.variants);
    expect(variants.length).toBeGreaterThanOrEqual(1_500);
  });

  it('were delivered before they were sold, lost or found', () => {
    for (const { available, correction } of some.flatMap(({ variants }) => variants.map(({ stock }) => stock))) {
      expect(available - (correction?.quantity ?? 0)).toBeGreaterThan(0);
    }
  });

  it('cost whole minor units, and less than what is struck through', () => {
    for (const { priceMinor, compareAtPriceMinor } of some.flatMap(({ variants }) => variants)) {
      expect(priceMinor).toBeGreaterThan(0n);
      if (compareAtPriceMinor !== null) expect(compareAtPriceMinor).toBeGreaterThan(priceMinor);
    }
  });

  it('have variants that differ in what is chosen', () => {
    for (const { variants } of some) {
      const choices = variants.map(({ selectedOptions }) => JSON.stringify(selectedOptions));
      expect(new Set(choices).size).toBe(choices.length);
      expect(new Set(variants.map((variant) => variant.selectedOptions.map(({ name }) => name).join())).size).toBe(1);
    }
  });
});
