import { expect, it } from 'vitest';
import { collectCacheTags, kindOfTag, tagExtensions, tagsIn } from './cache-tags.ts';

it('collects things by their kind, each once', () => {
  const tags = collectCacheTags();
  tags.add('product', ['prod_1', 'prod_2']);
  tags.add('product', ['prod_1']);
  tags.add('brand', ['brnd_1']);
  expect(tags.list()).toEqual(['product:prod_1', 'product:prod_2', 'brand:brnd_1']);
});

it('names the kind alone once all of it counts, and that stays so', () => {
  const tags = collectCacheTags();
  tags.add('product', ['prod_1']);
  tags.add('product');
  tags.add('product', ['prod_2']);
  expect(tags.list()).toEqual(['product']);
});

it('names the kind alone where there are too many things', () => {
  const tags = collectCacheTags();
  tags.add(
    'stock',
    Array.from({ length: 51 }, (_, index) => `vari_${index}`),
  );
  expect(tags.list()).toEqual(['stock']);
});

it('travels in extensions, and is absent where nothing was collected', () => {
  const tags = collectCacheTags();
  expect(tagExtensions(tags)).toBeUndefined();
  expect(tagExtensions(undefined)).toBeUndefined();
  tags.add('product', ['prod_1']);
  expect(tagsIn(JSON.parse(JSON.stringify(tagExtensions(tags))))).toEqual(['product:prod_1']);
  expect(tagsIn({})).toBeUndefined();
  expect(tagsIn(undefined)).toBeUndefined();
});

it('knows the kind of a tag', () => {
  expect([kindOfTag('product:prod_1'), kindOfTag('product')]).toEqual(['product', 'product']);
});
