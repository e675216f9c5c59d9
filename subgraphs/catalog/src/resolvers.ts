import { scalarResolvers } from '@souk/platform/scalars';
import { categoryResolvers } from './category-resolvers.ts';
import type { Resolvers } from './generated/resolvers.ts';
import { productResolvers } from './product-resolvers.ts';
import { stockResolvers } from './stock-resolvers.ts';

export const resolvers: Resolvers = {
  CurrencyCode: scalarResolvers.CurrencyCode,
  DateTime: scalarResolvers.DateTime,
  Decimal: scalarResolvers.Decimal,
  URL: scalarResolvers.URL,

  ...productResolvers,
  ...categoryResolvers,
  ...stockResolvers,

  Query: { ...productResolvers.Query, ...categoryResolvers.Query, ...stockResolvers.Query },
  Mutation: { ...productResolvers.Mutation, ...categoryResolvers.Mutation, ...stockResolvers.Mutation },
};
