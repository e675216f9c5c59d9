import type { Order } from '@souk/platform/connection';
import { type ProductRow, products } from './tables.ts';

export type ProductSortKey = 'RELEVANCE' | 'TITLE' | 'PRICE' | 'CREATED_AT' | 'BEST_SELLING';

type By = Order<ProductRow>[number];

const id: By = { column: products.id, direction: 'asc', value: (row) => row.id };
const soldCount: By = { column: products.soldCount, direction: 'desc', value: (row) => row.soldCount };

/** The natural order of each key; each has an index that ends in its columns. */
const natural: Record<Exclude<ProductSortKey, 'RELEVANCE'>, Order<ProductRow>> = {
  TITLE: [{ column: products.title, direction: 'asc', value: (row) => row.title }, id],
  // Amounts of two currencies cannot be compared, so each currency stands by itself.
  PRICE: [
    { column: products.currencyCode, direction: 'asc', value: (row) => row.currencyCode },
    { column: products.minPriceMinor, direction: 'asc', value: (row) => row.minPriceMinor },
    id,
  ],
  CREATED_AT: [
    { column: products.createdAt, direction: 'desc', value: (row) => row.createdAt },
    { ...id, direction: 'desc' },
  ],
  BEST_SELLING: [soldCount, { ...id, direction: 'desc' }],
};

/** The order of a list of products; RELEVANCE, where there are no words to be relevant to, is BEST_SELLING. */
export function productOrder(sortKey: ProductSortKey, reverse = false): Order<ProductRow> {
  const [first, ...rest] = natural[sortKey === 'RELEVANCE' ? 'BEST_SELLING' : sortKey];
  return reverse ? [turned(first), ...rest.map(turned)] : [first, ...rest];
}

function turned(by: By): By {
  return { ...by, direction: by.direction === 'asc' ? 'desc' : 'asc' };
}
