import { newId } from '@souk/platform/id';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  BRAND,
  BRAND_DELETE,
  CATEGORY,
  CATEGORY_DELETE,
  countStatements,
  DELETE,
  openTestService,
  READ,
  RESTORE,
  SEARCH,
  type TestService,
} from '../test-service.ts';

let service: TestService;
beforeAll(async () => {
  service = await openTestService();
});
afterAll(() => service.close());

const upsert = async (input: Record<string, unknown>) =>
  (await service.manager(CATEGORY, { input })).data.categoryUpsert;
const remove = async (id: string) => (await service.manager(CATEGORY_DELETE, { id })).data.categoryDelete;
const category = async (slug: string, parentId: string | null = null): Promise<string> => {
  const answer = await upsert({ slug, name: `Name of ${slug}`, parentId });
  expect(answer.userErrors).toEqual([]);
  return answer.category.id;
};
const titlesBelow = async (id: string) => {
  const source =
    'query ($id: ID!) { category(id: $id) { products(sortKey: TITLE) { nodes { title } totalCount { count } } } }';
  const { products } = (await service.guest(source, { id })).data.category;
  expect(products.totalCount.count).toBe(products.nodes.length);
  return products.nodes.map(({ title }: { title: string }) => title);
};

describe('the category tree', () => {
  it('shows tops and children by name, parents, and products of everything below', async () => {
    const home = await category('home');
    const kitchen = await category('kitchen', home);
    const bath = await category('bath', home);
    const knives = await category('knives', kitchen);
    await service.create([1], { title: 'Bread knife', categoryId: knives });
    await service.create([1], { title: 'Apron', categoryId: kitchen });
    await service.create([1], { title: 'Towel', categoryId: bath });
    await service.create([1], { title: 'Draft', categoryId: bath, status: 'DRAFT' });
    const { data } = await service.guest(
      'query { categories { slug children { slug parent { slug } children { slug } } } category(slug: "knives") { parent { parent { id } } } }',
    );
    expect(data.categories).toContainEqual({
      slug: 'home',
      children: [
        { slug: 'bath', parent: { slug: 'home' }, children: [] },
        { slug: 'kitchen', parent: { slug: 'home' }, children: [{ slug: 'knives' }] },
      ],
    });
    expect(data.category.parent.parent.id).toBe(home);
    expect(await titlesBelow(home)).toEqual(['Apron', 'Bread knife', 'Towel']);
    expect(await titlesBelow(kitchen)).toEqual(['Apron', 'Bread knife']);
    expect(await titlesBelow(bath)).toEqual(['Towel']);
  });

  it('takes along what is below when it moves, and finds products under the new names', async () => {
    const [from, to] = [await category('move-from'), await category('move-to')];
    const middle = await category('move-middle', from);
    const leaf = await category('move-leaf', middle);
    const { id } = await service.create([1], { title: 'Moved thing', categoryId: leaf });
    const answer = await upsert({ id: middle, slug: 'move-middle', name: 'Zanzibar', parentId: to });
    expect(answer.category.parent.id).toBe(to);
    expect(await titlesBelow(from)).toEqual([]);
    expect(await titlesBelow(to)).toEqual(['Moved thing']);
    const { data } = await service.guest(SEARCH, { query: 'zanzibar' });
    expect(data.productSearch.nodes).toMatchObject([{ id }]);
    await upsert({ id: middle, slug: 'move-middle', name: 'Zanzibar' });
    expect(await titlesBelow(to)).toEqual([]);
    expect(await titlesBelow(middle)).toEqual(['Moved thing']);
  });

  it('refuses circles, more than six levels, unknown parents and taken slugs, and changes nothing', async () => {
    const ids: string[] = [];
    for (let level = 1; level <= 6; level++) ids.push(await category(`level-${level}`, ids.at(-1) ?? null));
    const [top = '', second = ''] = ids;
    const refused = async (input: Record<string, unknown>, code: string, field: string) => {
      const answer = await upsert({ name: 'x', ...input });
      expect(answer).toMatchObject({ category: null, userErrors: [{ code, field: ['input', field] }] });
    };
    await refused({ slug: 'level-7', parentId: ids[5] }, 'LIMIT_REACHED', 'parentId');
    await refused({ id: top, slug: 'level-1', parentId: top }, 'CATEGORY_CYCLE', 'parentId');
    await refused({ id: top, slug: 'level-1', parentId: ids[3] }, 'CATEGORY_CYCLE', 'parentId');
    const tall = await category('tall');
    await refused({ id: top, slug: 'level-1', parentId: tall }, 'LIMIT_REACHED', 'parentId');
    await refused({ slug: 'orphan', parentId: newId('Category') }, 'NOT_FOUND', 'parentId');
    await refused({ id: newId('Category'), slug: 'nobody' }, 'NOT_FOUND', 'id');
    await refused({ slug: 'level-2' }, 'SLUG_TAKEN', 'slug');
    await refused({ slug: 'Not A Slug' }, 'INVALID', 'slug');
    await refused({ slug: 'nameless', name: ' ' }, 'REQUIRED', 'name');
    const { data } = await service.guest('query ($id: ID!) { category(id: $id) { name slug parent { id } } }', {
      id: second,
    });
    expect(data.category).toEqual({ name: 'Name of level-2', slug: 'level-2', parent: { id: top } });
  });

  it('never closes a circle, even when two moves are made at once', async () => {
    for (let round = 0; round < 4; round++) {
      const [a, b] = [await category(`race-a-${round}`), await category(`race-b-${round}`)];
      const answers = await Promise.all([
        upsert({ id: a, slug: `race-a-${round}`, name: 'a', parentId: b }),
        upsert({ id: b, slug: `race-b-${round}`, name: 'b', parentId: a }),
      ]);
      expect(answers.filter(({ userErrors }) => userErrors.length === 0)).toHaveLength(1);
    }
  });

  it('deletes an empty category, and deleted products forget it', async () => {
    const [parent, used] = [await category('del-parent'), await category('del-used')];
    await category('del-child', parent);
    const { id } = await service.create([1], { categoryId: used });
    for (const each of [parent, used]) {
      expect(await remove(each)).toMatchObject({
        deletedCategoryId: null,
        userErrors: [{ code: 'CATEGORY_NOT_EMPTY' }],
      });
    }
    await service.manager(DELETE, { id });
    expect(await remove(used)).toMatchObject({ deletedCategoryId: used, userErrors: [] });
    expect(await remove(used)).toMatchObject({ userErrors: [{ code: 'NOT_FOUND' }] });
    await service.manager(RESTORE, { id });
    expect((await service.manager(READ, { id })).data.product.category).toBeNull();
  });

  it('pages the products of many categories with as few statements as those of one', async () => {
    const root = await category('batch-root');
    for (const name of ['one', 'two', 'three']) {
      const id = await category(`batch-${name}`, root);
      for (const number of [1, 2, 3]) await service.create([1], { title: `${name} ${number}`, categoryId: id });
    }
    const source = `query ($slug: String!) { category(slug: $slug) { children { slug products(first: 2, sortKey: TITLE, reverse: true) {
      nodes { title brand { name } category { slug } featuredMedia { url } variants { nodes { sku availability } } } totalCount { count } pageInfo { hasNextPage endCursor } } } } }`;
    const many = await service.guest(source, { slug: 'batch-root' });
    expect(many.data.category.children).toMatchObject([
      {
        slug: 'batch-one',
        products: {
          nodes: [{ title: 'one 3' }, { title: 'one 2' }],
          totalCount: { count: 3 },
          pageInfo: { hasNextPage: true },
        },
      },
      { slug: 'batch-three', products: { nodes: [{ title: 'three 3' }, { title: 'three 2' }] } },
      { slug: 'batch-two' },
    ]);
    const single = await category('batch-single');
    await category('batch-only', single).then((id) => service.create([1], { categoryId: id }));
    const [ofMany, ofOne] = [
      await countStatements(() => service.guest(source, { slug: 'batch-root' })),
      await countStatements(() => service.guest(source, { slug: 'batch-single' })),
    ];
    expect(ofMany).toBeLessThanOrEqual(ofOne + 1);
    expect(ofMany).toBeLessThanOrEqual(9);
    const after = many.data.category.children[0].products.pageInfo.endCursor;
    const next = await service.guest(
      'query ($after: String) { category(slug: "batch-one") { products(first: 2, after: $after, sortKey: TITLE, reverse: true) { nodes { title } pageInfo { hasNextPage } } } }',
      { after },
    );
    expect(next.data.category.products).toEqual({ nodes: [{ title: 'one 1' }], pageInfo: { hasNextPage: false } });
  });
});

describe('brands', () => {
  it('are made, changed, listed by name and deleted when no product has them', async () => {
    const make = async (input: Record<string, unknown>) => (await service.manager(BRAND, { input })).data.brandUpsert;
    const { brand } = await make({ slug: 'zeta', name: 'Zeta', logoUrl: 'https://example.com/z.svg' });
    await make({ slug: 'alpha', name: 'Alpha' });
    expect(brand.logo).toMatchObject({ url: 'https://example.com/z.svg', altText: 'Zeta' });
    const { brand: same } = await make({
      id: brand.id,
      slug: 'zeta',
      name: 'Zeta & Co',
      logoUrl: 'https://example.com/z.svg',
    });
    expect(same.logo.id).toBe(brand.logo.id);
    expect((await service.guest('{ brands { name } }')).data.brands).toEqual([
      { name: 'Alpha' },
      { name: 'Zeta & Co' },
    ]);

    expect(await make({ slug: 'zeta', name: 'Other' })).toMatchObject({
      brand: null,
      userErrors: [{ code: 'SLUG_TAKEN' }],
    });
    expect(await make({ id: newId('Brand'), slug: 'q', name: 'Q' })).toMatchObject({
      userErrors: [{ code: 'NOT_FOUND' }],
    });
    const product = await service.create([1], { title: 'Kettle', brandId: brand.id });
    expect((await service.guest(SEARCH, { query: 'zeta kettle' })).data.productSearch.nodes).toHaveLength(1);
    await make({ id: brand.id, slug: 'zeta', name: 'Omicron' });
    expect((await service.guest(SEARCH, { query: 'omicron' })).data.productSearch.nodes).toMatchObject([
      { id: product.id },
    ]);
    expect((await service.guest(SEARCH, { query: 'zeta' })).data.productSearch.nodes).toEqual([]);

    const drop = async () => (await service.manager(BRAND_DELETE, { id: brand.id })).data.brandDelete;
    expect(await drop()).toMatchObject({ deletedBrandId: null, userErrors: [{ code: 'BRAND_IN_USE' }] });
    await service.manager(DELETE, { id: product.id });
    expect(await drop()).toMatchObject({ deletedBrandId: brand.id, userErrors: [] });
    expect((await service.guest('query ($id: ID) { brand(id: $id) { id } }', { id: brand.id })).data.brand).toBeNull();
  });
});
