import type { Reader } from '@souk/platform/database';
import { typeOfId } from '@souk/platform/id';
import { and, eq, gte, inArray, lt, or, type SQL, sql } from 'drizzle-orm';
import { bandLimits, type Choices } from './facets.ts';
import { hasFacetValue, inCategory } from './product-list.ts';
import type { TermQuery } from './search-terms.ts';
import { productSearch, products } from './tables.ts';

/** The choices of a search as conditions on products; a value that no facet has matches nothing. */
export function chosenProducts(reader: Reader, choices: Choices): SQL | undefined {
  return and(...[...choices].map(([facet, values]) => chosen(reader, facet, [...values])));
}

function chosen(reader: Reader, facet: string, values: string[]): SQL {
  if (facet === 'category') {
    const ids = values.filter((value) => typeOfId(value) === 'Category');
    return ids.length === 0 ? nothing : inCategory(reader, ids);
  }
  if (facet === 'brand') {
    const ids = values.filter((value) => typeOfId(value) === 'Brand');
    return ids.length === 0 ? nothing : inArray(products.brandId, ids);
  }
  if (facet === 'availability') return or(...values.map(isAvailable)) ?? nothing;
  if (facet === 'price') return or(...values.map(inBand)) ?? nothing;
  return hasFacetValue(reader, facet, values);
}

const nothing = sql`FALSE`;

function isAvailable(value: string): SQL {
  return value === 'true' || value === 'false' ? eq(products.isAvailable, value === 'true') : nothing;
}

function inBand(value: string): SQL | undefined {
  const limits = bandLimits(value);
  if (!limits) return nothing;
  const { currencyCode, from, below } = limits;
  return and(
    eq(products.currencyCode, currencyCode),
    gte(products.minPriceMinor, from),
    below === undefined ? undefined : lt(products.minPriceMinor, below),
  );
}

/** Products with every term somewhere in their text. */
export function matches({ required }: TermQuery): SQL {
  return sql`MATCH(${productSearch.titleTerms}, ${productSearch.bodyTerms}) AGAINST(${required} IN BOOLEAN MODE)`;
}

/**
 * How well a product fits: what the title says weighs three times what the whole text says. Rounded, so that equals are equal.
 * The whole text is asked as in `matches`, which spares the server a second look.
 */
export function relevance(terms: TermQuery): SQL<number> {
  const inTitle = sql`MATCH(${productSearch.titleTerms}) AGAINST(${terms.scored} IN BOOLEAN MODE)`;
  return sql<number>`ROUND(3 * ${inTitle} + ${matches(terms)}, 2)`;
}
