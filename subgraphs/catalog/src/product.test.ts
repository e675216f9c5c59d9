import { newId } from '@souk/platform/id';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  BRAND,
  CATEGORY,
  CREATE,
  DELETE,
  openTestService,
  productInput,
  READ,
  RESERVE,
  RESTORE,
  type TestService,
  UPDATE,
  VARIANT,
} from '../test-service.ts';

let service: TestService;
beforeAll(async () => {
  service = await openTestService();
});
beforeEach(async () => {
  await service.news();
});
afterAll(() => service.close());

const create = async (input: Record<string, unknown>) =>
  (await service.manager(CREATE, { input: { ...productInput(), ...input } })).data.productCreate;
const update = async (input: Record<string, unknown>) => (await service.manager(UPDATE, { input })).data.productUpdate;
const read = async (id: string) => (await service.manager(READ, { id })).data.product;

const variant = (sku: string, overrides: Record<string, unknown> = {}) => ({
  sku,
  price: { amount: '19.90', currencyCode: 'EUR' },
  ...overrides,
});
const size = (value: string) => ({ selectedOptions: [{ name: 'Size', value }] });

describe('making a product', () => {
  it('keeps what it was given and derives the rest', async () => {
    const category = await service.manager(CATEGORY, { input: { slug: 'shirts', name: 'Shirts' } });
    const brand = await service.manager(BRAND, { input: { slug: 'lin', name: 'Lin' } });
    const { product, userErrors } = await create({
      title: '  Crème linen shirt ',
      description: 'Line one\r\nLine two <script>',
      categoryId: category.data.categoryUpsert.category.id,
      brandId: brand.data.brandUpsert.brand.id,
      tags: ['Summer', 'ＳＵＭＭＥＲ', 'soft  cotton'],
      variants: [
        variant('LIN-M', { ...size('M'), compareAtPrice: { amount: '25', currencyCode: 'EUR' }, initialStock: 3 }),
        variant('LIN-L', { ...size('L'), price: { amount: '21', currencyCode: 'EUR' } }),
      ],
      media: [
        { url: 'https://example.com/a.png', altText: 'A shirt' },
        { url: 'https://example.com/b.mp4', kind: 'VIDEO' },
      ],
    });
    expect(userErrors).toEqual([]);
    expect(product).toMatchObject({
      slug: 'creme-linen-shirt',
      title: 'Crème linen shirt',
      description: 'Line one\nLine two <script>',
      status: 'ACTIVE',
      version: 1,
      tags: ['summer', 'soft cotton'],
      isAvailable: true,
      options: [{ name: 'Size', values: ['M', 'L'] }],
      priceRange: { min: { amount: '19.90', currencyCode: 'EUR' }, max: { amount: '21.00' } },
      media: {
        nodes: [
          { url: 'https://example.com/a.png', altText: 'A shirt', kind: 'IMAGE' },
          { kind: 'VIDEO', altText: null },
        ],
      },
      variants: {
        nodes: [
          {
            sku: 'LIN-M',
            title: 'M',
            compareAtPrice: { amount: '25.00' },
            availability: 'LOW_STOCK',
            quantityAvailable: 3,
          },
          { sku: 'LIN-L', title: 'L', compareAtPrice: null, availability: 'OUT_OF_STOCK', quantityAvailable: 0 },
        ],
      },
    });
    expect(product.category.id).toBe(category.data.categoryUpsert.category.id);
    expect(product.brand.id).toBe(brand.data.brandUpsert.brand.id);
    expect(await service.news()).toMatchObject([
      {
        sku: 'LIN-M',
        title: 'Crème linen shirt – M',
        priceMinor: '1990',
        currencyCode: 'EUR',
        available: 3,
        isSellable: true,
      },
      { sku: 'LIN-L', available: 0, isSellable: true },
    ]);
  });

  it('calls a single variant like the product, and makes slugs that differ for titles that do not', async () => {
    const [first, second] = [await create({ title: 'Oak table' }), await create({ title: 'Oak table' })];
    expect(first.product.slug).toBe('oak-table');
    expect(second.product.slug).toMatch(/^oak-table-[0-9a-z]{8}$/);
    expect((await create({ title: '麒麟花瓶' })).product.slug).toMatch(/^product-[0-9a-z]{8}$/);
    const { product } = await create({ title: 'Lamp', variants: [variant('LAMP')] });
    expect(product.variants.nodes).toMatchObject([{ title: 'Lamp' }]);
  });

  it('tells nobody about a draft, and shows it to staff only', async () => {
    const { product } = await create({ status: 'DRAFT' });
    expect(await service.news()).toEqual([]);
    expect((await service.guest(READ, { id: product.id })).data.product).toBeNull();
    expect((await service.guest(READ, { slug: product.slug })).data.product).toBeNull();
    expect((await service.ask(['order:read'], READ, { id: product.id })).data.product).toBeNull();
    expect((await service.manager(READ, { slug: product.slug })).data.product.status).toBe('DRAFT');
    const { id, sku } = product.variants.nodes[0];
    expect((await service.guest(VARIANT, { id })).data.productVariant).toBeNull();
    expect((await service.guest(VARIANT, { sku })).data.productVariant).toBeNull();
    expect((await service.ask(['stock:read'], VARIANT, { sku })).data.productVariant.product.id).toBe(product.id);
  });

  const long = (length: number) => 'x'.repeat(length);
  it.each<[string, Record<string, unknown>, string, string]>([
    ['a blank title', { title: '  ' }, 'REQUIRED', 'title'],
    ['a long title', { title: long(201) }, 'INVALID', 'title'],
    ['a control character', { title: 'a\u0007b' }, 'INVALID', 'title'],
    ['a long description', { description: long(20_001) }, 'INVALID', 'description'],
    ['a control character in the description', { description: 'a\u0000b' }, 'INVALID', 'description'],
    ['a slug that is none', { slug: 'No Slug' }, 'INVALID', 'slug'],
    ['too many tags', { tags: Array.from({ length: 21 }, (_, index) => `t${index}`) }, 'LIMIT_REACHED', 'tags'],
    ['a long tag', { tags: [long(41)] }, 'INVALID', 'tags.0'],
    ['no variant', { variants: [] }, 'REQUIRED', 'variants'],
    [
      'too many variants',
      { variants: Array.from({ length: 101 }, (_, index) => variant(`V-${index}`, size(String(index)))) },
      'LIMIT_REACHED',
      'variants',
    ],
    ['a bad article number', { variants: [variant('no number')] }, 'INVALID', 'variants.0.sku'],
    [
      'a negative price',
      { variants: [variant('N', { price: { amount: '-1', currencyCode: 'EUR' } })] },
      'INVALID',
      'variants.0.price',
    ],
    [
      'half a cent',
      { variants: [variant('N', { price: { amount: '0.005', currencyCode: 'EUR' } })] },
      'INVALID',
      'variants.0.price',
    ],
    ['negative stock', { variants: [variant('N', { initialStock: -1 })] }, 'INVALID', 'variants.0.initialStock'],
    [
      'an article number twice',
      { variants: [variant('N', size('1')), variant('N', size('2'))] },
      'SKU_TAKEN',
      'variants.1.sku',
    ],
    [
      'two currencies',
      {
        variants: [
          variant('N', size('1')),
          variant('O', { ...size('2'), price: { amount: '1', currencyCode: 'USD' } }),
        ],
      },
      'CURRENCY_MISMATCH',
      'variants.1.price.currencyCode',
    ],
    [
      'equal options',
      { variants: [variant('N', size('1')), variant('O', size('1'))] },
      'OPTIONS_CONFLICT',
      'variants.1.selectedOptions',
    ],
    [
      'a missing option',
      { variants: [variant('N', size('1')), variant('O')] },
      'OPTIONS_CONFLICT',
      'variants.1.selectedOptions',
    ],
    [
      'too many media',
      { media: Array.from({ length: 21 }, () => ({ url: 'https://example.com/a.png' })) },
      'LIMIT_REACHED',
      'media',
    ],
    ['an unknown category', { categoryId: newId('Category') }, 'NOT_FOUND', 'categoryId'],
    ['an unknown brand', { brandId: newId('Brand') }, 'NOT_FOUND', 'brandId'],
    [
      'a variant with an id',
      { variants: [variant('N', { id: newId('ProductVariant') })] },
      'NOT_FOUND',
      'variants.0.id',
    ],
  ])('refuses %s and writes nothing', async (_, input, code, path) => {
    const marker = `refused ${newId('Product').slice(-10)}`;
    const { product, userErrors } = await create({ title: marker, ...input });
    expect(product).toBeNull();
    expect(userErrors).toMatchObject([{ code, field: ['input', ...path.split('.')] }]);
    expect(await service.news()).toEqual([]);
  });

  it('refuses a slug and an article number that others have', async () => {
    const { product } = await create({ slug: 'taken', variants: [variant('TAKEN')] });
    expect((await create({ slug: 'taken' })).userErrors).toMatchObject([
      { code: 'SLUG_TAKEN', field: ['input', 'slug'] },
    ]);
    const { userErrors } = await create({ slug: 'free', variants: [variant('TAKEN')] });
    expect(userErrors).toMatchObject([{ code: 'SKU_TAKEN', field: ['input', 'variants', '0', 'sku'] }]);
    expect((await service.manager(READ, { slug: 'free' })).data.product).toBeNull();
    expect((await read(product.id)).variants.nodes).toHaveLength(1);
  });

  it('lets one of many win who want the same slug at once', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => create({ slug: 'contested' })));
    expect(answers.filter(({ product }) => product)).toHaveLength(1);
    expect(answers.flatMap(({ userErrors }) => userErrors.map(({ code }: { code: string }) => code))).toEqual(
      Array(7).fill('SLUG_TAKEN'),
    );
  });

  it('refuses addresses other than http and https before anything runs', async () => {
    const { errors } = await service.manager(CREATE, {
      input: { ...productInput(), media: [{ url: 'javascript:alert(1)' }] },
    });
    expect(errors[0]?.message).toContain('http');
  });
});

describe('changing a product', () => {
  it('changes what is given, leaves the rest, and clears by null', async () => {
    const brand = await service.manager(BRAND, { input: { slug: 'acme', name: 'Acme' } });
    const { product } = await create({
      title: 'Mug',
      tags: ['blue'],
      brandId: brand.data.brandUpsert.brand.id,
      variants: [variant('MUG')],
    });
    const renamed = await update({ id: product.id, expectedVersion: 1, title: 'Big mug' });
    expect(renamed.product).toMatchObject({
      title: 'Big mug',
      slug: product.slug,
      version: 2,
      tags: ['blue'],
      brand: { id: expect.any(String) },
    });
    expect(renamed.product.variants.nodes[0].title).toBe('Big mug');
    const cleared = await update({ id: product.id, expectedVersion: 2, brandId: null, tags: [], description: '' });
    expect(cleared.product).toMatchObject({ brand: null, tags: [], description: '', title: 'Big mug', version: 3 });
  });

  it('refuses who read an older version, shows the present one, and changes nothing', async () => {
    const { product } = await create({ title: 'Chair' });
    await update({ id: product.id, expectedVersion: 1, title: 'Better chair' });
    const late = await update({ id: product.id, expectedVersion: 1, title: 'Worse chair', tags: ['x'] });
    expect(late.userErrors).toMatchObject([{ code: 'STALE_VERSION', field: ['input', 'expectedVersion'] }]);
    expect(late.product).toMatchObject({ title: 'Better chair', version: 2 });
    expect(await read(product.id)).toMatchObject({ title: 'Better chair', version: 2, tags: [] });
  });

  it('lets one of many win who change the same version at once', async () => {
    const { product } = await create({});
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, index) => update({ id: product.id, expectedVersion: 1, title: `Title ${index}` })),
    );
    expect(answers.filter(({ userErrors }) => userErrors.length === 0)).toHaveLength(1);
    expect((await read(product.id)).version).toBe(2);
  });

  it('replaces variants: changes, adds, takes out, and swaps article numbers', async () => {
    const { product } = await create({
      variants: [variant('SW-1', size('1')), variant('SW-2', size('2')), variant('SW-3', size('3'))],
    });
    const [one, two, three] = product.variants.nodes;
    await service.news();
    const { product: changed, userErrors } = await update({
      id: product.id,
      expectedVersion: 1,
      variants: [
        variant('SW-1', { ...size('2'), id: two.id }),
        variant('SW-2', { ...size('1'), id: one.id, initialStock: 99 }),
        variant('SW-4', { ...size('4'), initialStock: 7, price: { amount: '5', currencyCode: 'EUR' } }),
      ],
    });
    expect(userErrors).toEqual([]);
    expect(changed.variants.nodes).toMatchObject([
      { id: two.id, sku: 'SW-1' },
      { id: one.id, sku: 'SW-2', quantityAvailable: 0 },
      { sku: 'SW-4', quantityAvailable: 7 },
    ]);
    expect(changed).toMatchObject({
      isAvailable: true,
      priceRange: { min: { amount: '5.00' }, max: { amount: '19.90' } },
    });
    const news = await service.news();
    expect(news.find(({ variantId }) => variantId === three.id)).toMatchObject({ isSellable: false });
    expect(news).toHaveLength(4);
    expect((await service.manager(VARIANT, { id: three.id })).data.productVariant).toBeNull();
    expect((await create({ variants: [variant('SW-3')] })).userErrors).toEqual([]);
  });

  it('tells listeners when it goes on sale, changes its price, and goes off sale, and of nothing else', async () => {
    const { product } = await create({ status: 'DRAFT', variants: [variant('NEWS')] });
    const { id } = product.variants.nodes[0];
    await update({ id: product.id, expectedVersion: 1, status: 'ACTIVE' });
    await update({ id: product.id, expectedVersion: 2, tags: ['silent'] });
    await update({
      id: product.id,
      expectedVersion: 3,
      variants: [variant('NEWS', { id, price: { amount: '7', currencyCode: 'EUR' } })],
    });
    await update({ id: product.id, expectedVersion: 4, status: 'ARCHIVED' });
    expect(await service.news()).toMatchObject([
      { priceMinor: '1990', isSellable: true },
      { priceMinor: '700', isSellable: true },
      { priceMinor: '700', isSellable: false },
    ]);
  });

  it('does not take out a variant that is reserved', async () => {
    const { id, variantIds, version } = await service.create([5, 5]);
    const [kept = '', reserved = ''] = variantIds;
    const lines = [{ variantId: reserved, quantity: 1 }];
    await service.order(RESERVE, { input: { orderId: newId('Order'), ttlSeconds: 60, lines } });
    const { product, userErrors } = await update({
      id,
      expectedVersion: version,
      variants: [variant('KEPT', { ...size('1'), id: kept })],
    });
    expect(product).toBeNull();
    expect(userErrors).toMatchObject([{ code: 'HAS_OPEN_ORDERS', field: ['input', 'variants'] }]);
    expect((await read(id)).variants.nodes).toHaveLength(2);
  });

  it('knows no product that is deleted or never was', async () => {
    const answer = await update({ id: newId('Product'), expectedVersion: 1, title: 'x' });
    expect(answer).toMatchObject({ product: null, userErrors: [{ code: 'NOT_FOUND' }] });
    const { errors } = await service.manager(UPDATE, { input: { id: 'x', expectedVersion: 1 } });
    expect(errors[0]?.message).toContain('prod_');
  });
});

describe('deleting and restoring', () => {
  it('takes a product out and brings it back as a draft', async () => {
    const { id, variantIds } = await service.create([5]);
    await service.news();
    expect((await service.manager(DELETE, { id })).data.productDelete).toMatchObject({
      deletedProductId: id,
      userErrors: [],
    });
    expect((await service.guest(READ, { id })).data.product).toBeNull();
    expect((await service.guest(VARIANT, { id: variantIds[0] })).data.productVariant).toBeNull();
    expect(await read(id)).not.toBeNull();
    expect(await service.news()).toMatchObject([{ isSellable: false }]);
    expect((await service.manager(DELETE, { id })).data.productDelete.userErrors).toMatchObject([
      { code: 'NOT_FOUND' },
    ]);

    const { product } = (await service.manager(RESTORE, { id })).data.productRestore;
    expect(product).toMatchObject({ id, status: 'DRAFT', version: 3 });
    expect((await update({ id, expectedVersion: 3, status: 'ACTIVE' })).userErrors).toEqual([]);
    expect((await service.guest(READ, { id })).data.product).not.toBeNull();
    expect((await service.manager(RESTORE, { id })).data.productRestore.userErrors).toMatchObject([
      { code: 'INVALID' },
    ]);
    const nobody = (await service.manager(RESTORE, { id: newId('Product') })).data.productRestore;
    expect(nobody).toMatchObject({ product: null, userErrors: [{ code: 'NOT_FOUND' }] });
  });

  it('refuses while something is reserved, and changes nothing', async () => {
    const { id, variantIds } = await service.create([5]);
    const lines = [{ variantId: variantIds[0], quantity: 1 }];
    await service.order(RESERVE, { input: { orderId: newId('Order'), ttlSeconds: 60, lines } });
    const { data } = await service.manager(DELETE, { id });
    expect(data.productDelete).toMatchObject({ deletedProductId: null, userErrors: [{ code: 'HAS_OPEN_ORDERS' }] });
    expect((await service.guest(READ, { id })).data.product).not.toBeNull();
  });
});

describe('who may', () => {
  it('lets nobody without catalog:write change anything', async () => {
    const { id } = await service.create([1]);
    for (const scopes of [null, [], ['stock:write', 'stock:read']]) {
      const { data, errors } = await service.ask(scopes, DELETE, { id });
      expect(data.productDelete).toBeNull();
      expect(errors[0]?.extensions['code']).toBe(scopes ? 'FORBIDDEN' : 'UNAUTHENTICATED');
    }
    expect((await service.guest(READ, { id })).data.product).not.toBeNull();
  });

  it('wants exactly one key', async () => {
    for (const keys of [{}, { id: newId('Product'), slug: 'a' }]) {
      expect((await service.guest(READ, keys)).errors[0]?.extensions['code']).toBe('BAD_USER_INPUT');
    }
    expect((await service.guest(READ, { slug: 'Ünïcode 你好' })).data.product).toBeNull();
    expect((await service.guest(VARIANT, { sku: '你好' })).data.productVariant).toBeNull();
  });
});
