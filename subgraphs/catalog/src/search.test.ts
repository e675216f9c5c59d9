import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ADJUST,
  BRAND,
  CATEGORY,
  DELETE,
  openTestService,
  SEARCH,
  SUGGEST,
  type TestService,
  UPDATE,
} from '../test-service.ts';

let service: TestService;
let home: string;
let shoes: string;
let acme: string;
beforeAll(async () => {
  service = await openTestService();
  const category = async (slug: string, name: string, parentId?: string): Promise<string> =>
    (await service.manager(CATEGORY, { input: { slug, name, parentId } })).data.categoryUpsert.category.id;
  home = await category('wear', 'Wear');
  shoes = await category('shoes', 'Shoes 鞋类', home);
  acme = (await service.manager(BRAND, { input: { slug: 'acme', name: 'Acme Trail' } })).data.brandUpsert.brand.id;
  const forms = (price: string, currencyCode: string, stock: number, ...sizes: string[]) => ({
    variants: sizes.map((value) => ({
      sku: `S-${++number}`,
      price: { amount: price, currencyCode },
      selectedOptions: [{ name: 'Size', value }],
      initialStock: stock,
    })),
  });
  let number = 0;
  await service.create([], {
    title: 'Red hiking boots',
    description: 'For mountains.',
    categoryId: shoes,
    brandId: acme,
    tags: ['winter'],
    ...forms('80', 'EUR', 5, '40', '41'),
  });
  await service.create([], {
    title: 'Blue sneaker',
    description: 'Lighter than a boot.',
    categoryId: shoes,
    tags: ['summer', 'new'],
    ...forms('20', 'EUR', 0, '41'),
  });
  await service.create([], {
    title: '红色登山靴',
    description: '适合冬季徒步的防水靴子',
    categoryId: shoes,
    tags: ['winter'],
    ...forms('300', 'CNY', 5, '41', '42'),
  });
  await service.create([], {
    title: 'Crème brûlée torch',
    description: 'Not for shoes.',
    categoryId: home,
    ...forms('12', 'EUR', 5, 'S'),
  });
  await service.create([], { title: 'Secret boots', status: 'DRAFT', ...forms('1', 'EUR', 5, 'S') });
});
afterAll(() => service.close());

const search = async (query: string, variables: Record<string, unknown> = {}, who: 'guest' | 'manager' = 'guest') => {
  const { data, errors } = await service[who](SEARCH, { query, ...variables });
  expect(errors).toEqual([]);
  return data.productSearch;
};
const titles = async (query: string, variables?: Record<string, unknown>) =>
  (await search(query, variables)).nodes.map(({ title }: { title: string }) => title);

const boots = 'Red hiking boots';
const sneaker = 'Blue sneaker';
const chinese = '红色登山靴';
const torch = 'Crème brûlée torch';

describe('a search', () => {
  it.each([
    ['boots', [boots, sneaker]],
    ['BOOT', [boots, sneaker]],
    ['boots red', [boots]],
    ['hik', [boots]],
    ['red hik', [boots]],
    ['hik red', []],
    ['creme brulee', [torch]],
    ['acme', [boots]],
    ['winter', [boots, chinese]],
    ['登山', [chinese]],
    ['靴', [chinese]],
    ['徒步 靴', [chinese]],
    ['山登', []],
    ['鞋', [boots, sneaker, chinese]],
    ['42', [chinese]],
    ['secret', []],
    ['!!!', []],
    ['', [boots, sneaker, chinese, torch]],
  ])('for "%s" finds %j', async (query, expected) => {
    const found = await search(query);
    expect(found.nodes.map(({ title }: { title: string }) => title).sort()).toEqual([...expected].sort());
    expect(found.totalCount).toEqual({ count: expected.length, precision: 'EXACT' });
  });

  it('puts what has the words in its title first', async () => {
    expect(await titles('boot')).toEqual([boots, sneaker]);
    expect(await titles('shoes torch')).toEqual([torch]);
  });

  it.each(['+boot -red', 'boot*" @3 (x', "'; DROP TABLE products; --", 'a'.repeat(200), '%_\\', '\u0000 boot'])(
    'takes %j for words and nothing else',
    async (query) => {
      await search(query);
      expect(await titles('boot')).toHaveLength(2);
    },
  );

  it('refuses a text that is too long, and filters and cursors that are none', async () => {
    const { nodes, pageInfo } = await search('boot', { first: 1 });
    expect(nodes).toHaveLength(1);
    for (const variables of [
      { query: 'a'.repeat(201) },
      { query: 'x', filters: Array(11).fill({ facetId: 'tag', valueIds: ['a'] }) },
      { query: 'x', filters: [{ facetId: 'tag', valueIds: Array(51).fill('a') }] },
      { query: 'x', filters: [{ facetId: 'password', valueIds: ['a'] }] },
      { query: 'x', first: 0 },
      { query: 'sneaker', after: pageInfo.endCursor },
      { query: 'boot', after: 'x' },
    ]) {
      const { errors } = await service.guest(SEARCH, variables);
      expect(errors[0]?.extensions['code'], JSON.stringify(variables)).toBe('BAD_USER_INPUT');
    }
  });

  it.each(['RELEVANCE', 'TITLE', 'PRICE', 'CREATED_AT', 'BEST_SELLING'])(
    'pages through all results by %s',
    async (sortKey) => {
      for (const query of ['', '鞋']) {
        const whole = await titles(query, { sortKey });
        const paged: string[] = [];
        let page = await search(query, { sortKey, first: 1 });
        for (;;) {
          paged.push(page.nodes[0].title);
          if (!page.pageInfo.hasNextPage) break;
          page = await search(query, { sortKey, first: 1, after: page.pageInfo.endCursor });
        }
        expect(paged).toEqual(whole);
      }
    },
  );

  it('finds the same for everybody: drafts are not in the index', async () => {
    expect((await search('boots', {}, 'manager')).nodes).toEqual((await search('boots')).nodes);
  });
});

interface ShownFacet {
  id: string;
  label: string;
  kind: string;
  values: { id: string; label: string; count: number }[];
}

describe('facets', () => {
  it('count what occurs in the results, categories with everything below them', async () => {
    const { facets } = await search('');
    const shown = Object.fromEntries(
      facets.map(({ label, values }: ShownFacet) => [label, values.map((value) => `${value.label}: ${value.count}`)]),
    );
    expect(shown).toEqual({
      Category: ['Wear: 4', 'Shoes 鞋类: 3'],
      Brand: ['Acme Trail: 1'],
      Price: ['€10 – €25: 2', 'CN¥250 – CN¥500: 1', '€50 – €100: 1'],
      Availability: ['Available: 3', 'Sold out: 1'],
      Tag: ['winter: 2', 'new: 1', 'summer: 1'],
      Size: ['41: 3', '40: 1', '42: 1', 'S: 1'],
    });
    expect(facets.map(({ kind }: ShownFacet) => kind)).toEqual([
      'LIST',
      'LIST',
      'PRICE_RANGE',
      'BOOLEAN',
      'LIST',
      'LIST',
    ]);
  });

  it.each(['', 'boot', '鞋', 'winter'])(
    'have true counts for "%s": choosing a value gives as many results',
    async (query) => {
      const { facets } = await search(query);
      expect(facets.length).toBeGreaterThan(2);
      for (const facet of facets as ShownFacet[]) {
        for (const value of facet.values) {
          const filters = [{ facetId: facet.id, valueIds: [value.id] }];
          expect((await search(query, { filters })).totalCount.count, `${facet.id} ${value.id}`).toBe(value.count);
        }
      }
    },
  );

  it('widen within one facet, narrow across facets, and leave out their own choice when counting', async () => {
    const size = (...valueIds: string[]) => ({ facetId: 'option.Size', valueIds });
    expect(await titles('', { filters: [size('40', '42')] })).toHaveLength(2);
    expect(await titles('', { filters: [size('41'), { facetId: 'tag', valueIds: ['winter'] }] })).toHaveLength(2);
    const { facets, totalCount } = await search('', {
      filters: [size('40'), { facetId: 'availability', valueIds: ['true'] }],
    });
    expect(totalCount.count).toBe(1);
    const counts = (id: string) =>
      Object.fromEntries(
        facets
          .find((facet: ShownFacet) => facet.id === id)
          .values.map((value: { id: string; count: number }) => [value.id, value.count]),
      );
    expect(counts('option.Size')).toEqual({ 40: 1, 41: 2, 42: 1, S: 1 });
    expect(counts('tag')).toEqual({ winter: 1 });
    expect(counts('availability')).toEqual({ true: 1 });
    expect(await titles('', { filters: [{ facetId: 'category', valueIds: [shoes] }] })).toHaveLength(3);
    expect(await titles('', { filters: [{ facetId: 'brand', valueIds: ['nonsense'] }] })).toEqual([]);
    expect(await titles('', { filters: [{ facetId: 'tag', valueIds: [] }] })).toHaveLength(4);
  });
});

describe('what changes', () => {
  it('is in the next search: a new product, a new title, availability, a deletion', async () => {
    expect(await titles('quixotic')).toEqual([]);
    const product = await service.create([1], { title: 'Quixotic windmill' });
    expect(await titles('quixotic')).toEqual(['Quixotic windmill']);
    await service.manager(UPDATE, { input: { id: product.id, expectedVersion: 1, title: 'Plain windmill' } });
    expect(await titles('quixotic')).toEqual([]);
    const available = { filters: [{ facetId: 'availability', valueIds: ['true'] }] };
    expect(await titles('windmill', available)).toEqual(['Plain windmill']);
    const input = { variantId: product.variantIds[0], delta: -1, reason: 'lost', idempotencyKey: product.id };
    await service.manager(ADJUST, { input });
    expect(await titles('windmill', available)).toEqual([]);
    expect((await search('windmill')).facets.find(({ id }: ShownFacet) => id === 'availability').values).toMatchObject([
      { id: 'false', count: 1 },
    ]);
    await service.manager(DELETE, { id: product.id });
    expect(await titles('windmill')).toEqual([]);
  });

  it('is remembered between changes: a repeated search asks the index nothing', async () => {
    await search('boot');
    await service.db.execute(
      sql`UPDATE product_search SET title_terms = 'gone', body_terms = 'gone' WHERE title_terms LIKE '%qxwboot%'`,
    );
    expect(await titles('boot')).toHaveLength(2);
    await service.create([1], { title: 'Anything' });
    expect(await titles('boot')).toEqual([sneaker]);
  });
});

describe('help with words', () => {
  it('suggests a spelling that finds something, and only when nothing was found', async () => {
    expect(await search('snaeker')).toMatchObject({ nodes: [], didYouMean: 'sneaker' });
    expect(await search('bleu sneeker')).toMatchObject({ nodes: [], didYouMean: 'blue sneaker' });
    expect((await search('sneaker')).didYouMean).toBeNull();
    expect((await search('xylophone')).didYouMean).toBeNull();
    expect((await search('靴鞋')).didYouMean).toBeNull();
  });

  it('completes titles, brands and categories that begin so, then titles with such a word', async () => {
    const suggest = async (query: string, limit?: number) =>
      (await service.guest(SUGGEST, { query, limit })).data.productSuggestions;
    expect(await suggest('s')).toEqual(expect.arrayContaining(['Shoes 鞋类']));
    expect(await suggest('ac')).toEqual(['Acme Trail']);
    expect(await suggest('sneak')).toEqual([sneaker]);
    expect(await suggest('crè')).toEqual([torch]);
    expect(await suggest('红色')).toEqual([chinese]);
    expect(await suggest('登山')).toEqual([chinese]);
    expect(await suggest('%')).toEqual([]);
    expect(await suggest('sec')).toEqual([]);
    expect(await suggest('b', 1)).toHaveLength(1);
    for (const variables of [
      { query: ' ' },
      { query: 'a', limit: 21 },
      { query: 'a', limit: 0 },
      { query: 'a'.repeat(101) },
    ]) {
      expect((await service.guest(SUGGEST, variables)).errors[0]?.extensions['code']).toBe('BAD_USER_INPUT');
    }
  });
});
