import { variantFacts } from '@souk/cart/tables';
import { fullTitle } from '@souk/catalog/variant-facts';
import type { Transaction } from '@souk/platform/database';
import { LAST_DAY } from './demo-time.ts';
import type { DemoProduct } from './products.ts';
import { insertRows } from './rows.ts';
import { historyOf, type Sale } from './stock-history.ts';

/** Tells the cart service what the catalog would have told it, one event for each variant. */
export async function writeVariantFacts(
  tx: Transaction,
  products: readonly DemoProduct[],
  sales: ReadonlyMap<string, readonly Sale[]>,
): Promise<void> {
  const facts = products.flatMap((product) =>
    product.variants.map((variant) => {
      const { onHand, reserved } = historyOf(product, variant, sales.get(variant.id) ?? []);
      return {
        variantId: variant.id,
        title: fullTitle(product.title, variant.title),
        priceMinor: variant.priceMinor,
        currencyCode: product.currencyCode,
        available: onHand - reserved,
        isSellable: product.status === 'ACTIVE',
        statedAt: LAST_DAY,
      };
    }),
  );
  await insertRows(tx, variantFacts, facts);
}
