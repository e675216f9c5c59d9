import { payload } from '@souk/platform/errors';
import { deleteBrand, listBrands, upsertBrand } from './brand.ts';
import { deleteCategory, listRoots, upsertCategory } from './category.ts';
import type { Resolvers } from './generated/resolvers.ts';
import { loadByOneKey, loadReferenced } from './one-key.ts';

export const categoryResolvers: Pick<Resolvers, 'Query' | 'Mutation' | 'Category' | 'Brand'> = {
  Query: {
    category: (_, { id, slug }, { loaders }) =>
      loadByOneKey('Category', [id, loaders.categoryById], ['slug', slug, loaders.categoryBySlug]),
    categories: (_parent, _args, { db, cacheTags }) => {
      cacheTags?.add('category');
      return listRoots(db);
    },
    brand: (_, { id, slug }, { loaders }) =>
      loadByOneKey('Brand', [id, loaders.brandById], ['slug', slug, loaders.brandBySlug]),
    brands: (_parent, _args, { db, cacheTags }) => {
      cacheTags?.add('brand');
      return listBrands(db);
    },
  },

  Mutation: {
    categoryUpsert: (_, { input }, { db }) => payload(() => upsertCategory(db, input)),
    categoryDelete: (_, { id }, { db }) => payload(() => deleteCategory(db, id)),
    brandUpsert: (_, { input }, { db }) => payload(() => upsertBrand(db, input)),
    brandDelete: (_, { id }, { db }) => payload(() => deleteBrand(db, id)),
  },

  Category: {
    __resolveReference: (reference, { loaders }) =>
      loadReferenced(reference, loaders.categoryById, loaders.categoryBySlug),
    parent: ({ parentId }, _, { loaders }) => (parentId === null ? null : loaders.categoryById.load(parentId)),
    children: ({ id }, _, { loaders }) => loaders.childrenByCategory.load(id),
    products: ({ id }, args, { loaders }) => loaders.productsByCategory.load({ parent: id, args }),
  },

  Brand: {
    __resolveReference: (reference, { loaders }) => loadReferenced(reference, loaders.brandById, loaders.brandBySlug),
    logo: ({ logoId, logoUrl, name }) =>
      logoId && logoUrl ? { id: logoId, url: logoUrl, kind: 'IMAGE', altText: name, width: null, height: null } : null,
  },
};
