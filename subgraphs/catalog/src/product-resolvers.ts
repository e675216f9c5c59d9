import { connectionOf } from '@souk/platform/connection';
import { payload } from '@souk/platform/errors';
import { money } from '@souk/platform/money';
import type { Resolvers } from './generated/resolvers.ts';
import { loadByOneKey, loadReferenced } from './one-key.ts';
import { createProduct, deleteProduct, restoreProduct, updateProduct } from './product.ts';
import { listProducts } from './product-list.ts';
import { searchProducts } from './search.ts';
import { suggest } from './suggestions.ts';
import { optionsOf } from './variant-draft.ts';

/** What words are looked for in, and facets are named after. */
const searched = ['product', 'category', 'brand'];

export const productResolvers: Pick<
  Resolvers,
  'Query' | 'Mutation' | 'Product' | 'ProductConnection' | 'ProductSearchConnection' | 'MediaConnection' | 'Media'
> = {
  Query: {
    product: (_, { id, slug }, { loaders }) =>
      loadByOneKey('Product', [id, loaders.productById], ['slug', slug, loaders.productBySlug]),
    products: (_, args, { db, editsCatalog, cacheTags }) => {
      for (const kind of ['product', 'category']) cacheTags?.add(kind);
      return listProducts(db, args, { seesUnlisted: editsCatalog });
    },
    productSearch: (_, args, { db, cache, cacheTags }) => {
      for (const kind of searched) cacheTags?.add(kind);
      return searchProducts(db, cache, args);
    },
    productSuggestions: (_, { query, limit }, { db, cache, cacheTags }) => {
      for (const kind of searched) cacheTags?.add(kind);
      return suggest(db, cache, query, limit ?? 8);
    },
    productVariant: (_, { id, sku }, { loaders }) =>
      loadByOneKey('ProductVariant', [id, loaders.variantById], ['sku', sku, loaders.variantBySku]),
  },

  Mutation: {
    productCreate: (_, { input }, { db }) => payload(() => createProduct(db, input)),
    productUpdate: (_, { input }, { db }) => payload(() => updateProduct(db, input)),
    productDelete: (_, { id }, { db }) => payload(() => deleteProduct(db, id)),
    productRestore: (_, { id }, { db }) => payload(() => restoreProduct(db, id)),
  },

  Product: {
    __resolveReference: (reference, { loaders }) =>
      loadReferenced(reference, loaders.productById, loaders.productBySlug),
    description: async ({ id }, _, { loaders }) => (await loaders.descriptionByProduct.load(id))?.description ?? '',
    category: ({ categoryId }, _, { loaders }) => (categoryId === null ? null : loaders.categoryById.load(categoryId)),
    brand: ({ brandId }, _, { loaders }) => (brandId === null ? null : loaders.brandById.load(brandId)),
    media: async ({ id }, args, { loaders }) =>
      connectionOf(await loaders.mediaByProduct.load(id), args, { name: 'product.media', key: (media) => media.id }),
    featuredMedia: ({ id }, _, { loaders }) => loaders.featuredMediaByProduct.load(id),
    options: async ({ id }, _, { loaders }) => optionsOf(await loaders.variantsByProduct.load(id)),
    priceRange: ({ minPriceMinor, maxPriceMinor, currencyCode }) => ({
      min: money(minPriceMinor, currencyCode),
      max: money(maxPriceMinor, currencyCode),
    }),
    variants: async ({ id }, args, { loaders }) =>
      connectionOf(await loaders.variantsByProduct.load(id), args, {
        name: 'product.variants',
        key: (each) => each.id,
      }),
  },

  Media: {
    url: ({ url }) => url,
  },
};
