import { newId } from '@souk/platform/id';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BRAND, CATEGORY, countStatements, DELETE, LIST, openTestService, type TestService } from '../test-service.ts';

let service: TestService;
let shoes: string;
let brand: string;
beforeAll(async () => {
  service = await openTestService();
  const upsert = async (slug: string, parentId?: string): Promise<string> =>
    (await service.manager(CATEGORY, { input: { slug, name: slug, parentId } })).data.categoryUpsert.category.id;
  shoes = await upsert('shoes');
  const boots = await upsert('boots', shoes);
  brand = (await service.manager(BRAND, { input: { slug: 'acme', name: 'Acme' } })).data.brandUpsert.brand.id;
  const priced = (...amounts: string[]) => ({
    variants: amounts.map((amount, index) => ({
      sku: newId('ProductVariant').slice(-12),
      price: { amount, currencyCode: 'EUR' },
      selectedOptions: [{ name: 'Size', value: String(index) }],
      initialStock: amount === '100' ? 0 : 3,
    })),
  });
  await service.create([1], { title: 'Ankle boot', categoryId: boots, tags: ['Winter', 'new'], ...priced('10', '90') });
  await service.create([1], {
    title: 'blue sneaker',
    categoryId: shoes,
    brandId: brand,
    tags: ['new'],
    ...priced('50'),
  });
  await service.create([1], { title: 'Coat', brandId: brand, tags: ['winter'], ...priced('100') });
  await service.create([1], { title: 'Draft dress', status: 'DRAFT', ...priced('20') });
  const deleted = await service.create([1], { title: 'Erased', ...priced('30') });
  await service.manager(DELETE, { id: deleted.id });
});
afterAll(() => service.close());

const titles = async (variables: Record<string, unknown>, who: 'guest' | 'manager' = 'guest') => {
  const { data, errors } = await service[who](LIST, variables);
  expect(errors).toEqual([]);
  const { nodes, totalCount } = data.products;
  expect(totalCount).toEqual({ count: nodes.length, precision: 'EXACT' });
  return nodes.map(({ title }: { title: string }) => title);
};

describe('a list of products', () => {
  it.each([
    ['TITLE', ['Ankle boot', 'blue sneaker', 'Coat']],
    ['PRICE', ['Ankle boot', 'blue sneaker', 'Coat']],
    ['CREATED_AT', ['Coat', 'blue sneaker', 'Ankle boot']],
    ['BEST_SELLING', ['Coat', 'blue sneaker', 'Ankle boot']],
    ['RELEVANCE', ['Coat', 'blue sneaker', 'Ankle boot']],
  ])('is sorted by %s, and the other way round', async (sortKey, expected) => {
    expect(await titles({ sortKey })).toEqual(expected);
    expect(await titles({ sortKey, reverse: true })).toEqual([...expected].reverse());
  });

  it.each<[string, () => Record<string, unknown>, string[]]>([
    ['category and what is below', () => ({ categoryId: shoes }), ['Ankle boot', 'blue sneaker']],
    ['brand', () => ({ brandId: brand }), ['blue sneaker', 'Coat']],
    ['tag, however it is written', () => ({ tags: ['ＷＩＮＴＥＲ'] }), ['Ankle boot', 'Coat']],
    ['all of several tags', () => ({ tags: ['winter', 'new'] }), ['Ankle boot']],
    ['availability', () => ({ isAvailable: false }), ['Coat']],
    ['both at once', () => ({ isAvailable: true, brandId: brand }), ['blue sneaker']],
    [
      'price of a variant, not of the range',
      () => ({ price: { min: '40', max: '60', currencyCode: 'EUR' } }),
      ['blue sneaker'],
    ],
    [
      'price with both ends included',
      () => ({ price: { min: '90', max: '100', currencyCode: 'EUR' } }),
      ['Ankle boot', 'Coat'],
    ],
    ['price without an end', () => ({ price: { min: '60', currencyCode: 'EUR' } }), ['Ankle boot', 'Coat']],
    ['another currency', () => ({ price: { currencyCode: 'USD' } }), []],
    ['an unknown category', () => ({ categoryId: newId('Category') }), []],
  ])('is filtered by %s', async (_, filter, expected) => {
    expect(await titles({ sortKey: 'TITLE', filter: filter() })).toEqual(expected);
  });

  it('shows staff drafts, and deleted ones when asked; customers see neither whatever they ask', async () => {
    const listed = ['Ankle boot', 'blue sneaker', 'Coat'];
    const everything = { status: 'DRAFT', includeDeleted: true };
    expect(await titles({ sortKey: 'TITLE' }, 'manager')).toEqual([...listed, 'Draft dress']);
    expect(await titles({ sortKey: 'TITLE', filter: { status: 'DRAFT' } }, 'manager')).toEqual(['Draft dress']);
    expect(await titles({ sortKey: 'TITLE', filter: { status: 'ACTIVE' } }, 'manager')).toEqual(listed);
    expect(await titles({ sortKey: 'TITLE', filter: { includeDeleted: true } }, 'manager')).toEqual([
      ...listed,
      'Draft dress',
      'Erased',
    ]);
    expect(await titles({ sortKey: 'TITLE', filter: everything })).toEqual(listed);
  });

  it('pages forward and backward without gaps', async () => {
    const page = async (variables: Record<string, unknown>) =>
      (await service.guest(LIST, { sortKey: 'PRICE', ...variables })).data.products;
    const first = await page({ first: 2 });
    expect(first.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
    const second = await page({ first: 2, after: first.pageInfo.endCursor });
    expect(second.nodes).toMatchObject([{ title: 'Coat' }]);
    const back = await page({ last: 2, before: second.pageInfo.startCursor });
    expect(back.nodes).toEqual(first.nodes);
  });

  it('refuses sizes, cursors and filters that cannot be', async () => {
    const { data } = await service.guest(LIST, { first: 1, sortKey: 'TITLE' });
    const after = data.products.pageInfo.endCursor;
    for (const variables of [
      { first: 101 },
      { first: 1, last: 1 },
      { first: 1, after, sortKey: 'PRICE' },
      { filter: { categoryId: brand } },
      { filter: { tags: Array(11).fill('a') } },
      { filter: { price: { min: '-1', currencyCode: 'EUR' } } },
    ]) {
      const { errors } = await service.guest(LIST, variables);
      expect(errors[0]?.extensions['code'], JSON.stringify(variables)).toBe('BAD_USER_INPUT');
    }
  });

  it('reads everything around a page with a constant number of statements', async () => {
    const source = `query ($first: Int) { products(first: $first) { totalCount { count } nodes {
      id title description tags isAvailable priceRange { min { amount } } brand { name logo { url } } category { name parent { name } }
      featuredMedia { url } media { nodes { url } } options { name values }
      variants { nodes { sku availability quantityAvailable image { url } product { id } } } } } }`;
    const [one, three] = [
      await countStatements(() => service.guest(source, { first: 1 })),
      await countStatements(() => service.guest(source, { first: 3 })),
    ];
    expect(three).toBeLessThanOrEqual(one + 2);
    expect(three).toBeLessThanOrEqual(11);
  });
});
