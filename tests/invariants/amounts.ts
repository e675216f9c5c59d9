import type { SubgraphName } from '@souk/schema/subgraphs';
import { type Breaking, breakingRows, none, together } from './invariant.ts';
import type { Source } from './source.ts';
import { haveSameWeight, noneIs, weighed } from './tally.ts';

export async function notTheSumOfItsLines(order: Source): Promise<Breaking> {
  const orders = { of: order, from: 'orders' };
  const all = await Promise.all([
    haveSameWeight(
      {
        of: order,
        from: 'order_lines l',
        sum: weighed('l.order_id', 'l.unit_price_minor * l.quantity'),
      },
      { ...orders, sum: weighed('id', 'subtotal_minor') },
    ),
    noneIs(orders, 'total_minor <> subtotal_minor + shipping_minor + tax_minor'),
  ]);
  if (all.every(Boolean)) return none;
  return order.breaking(`
    SELECT o.id AS orderId, o.total_minor AS totalMinor, o.subtotal_minor AS subtotalMinor, o.shipping_minor AS shippingMinor, o.tax_minor AS taxMinor, l.sum AS linesMinor
    FROM orders o LEFT JOIN (SELECT order_id, SUM(unit_price_minor * quantity) AS sum FROM order_lines GROUP BY order_id) l ON l.order_id = o.id
    WHERE l.sum IS NULL OR o.subtotal_minor <> l.sum OR o.total_minor <> o.subtotal_minor + o.shipping_minor + o.tax_minor
    UNION ALL
    SELECT l.order_id, NULL, NULL, NULL, NULL, SUM(l.unit_price_minor * l.quantity)
    FROM order_lines l LEFT JOIN orders o ON o.id = l.order_id WHERE o.id IS NULL GROUP BY l.order_id`);
}

/** Large tables that are read anyway, and how: their amounts are looked at on the way. */
const readAnyway: Partial<Record<SubgraphName, { table: string; from: string; columns: string[] }[]>> = {
  catalog: [
    {
      table: 'stock_reservation_lines',
      from: 'stock_reservation_lines l',
      columns: ['unit_price_minor'],
    },
  ],
  order: [
    {
      table: 'orders',
      from: 'orders',
      columns: ['subtotal_minor', 'shipping_minor', 'tax_minor', 'total_minor'],
    },
    { table: 'order_lines', from: 'order_lines l', columns: ['unit_price_minor'] },
  ],
  payment: [
    {
      table: 'payments',
      from: 'payments p',
      columns: ['amount_minor', 'captured_minor', 'refunded_minor', 'refund_pending_minor'],
    },
  ],
};

/**
 * Amounts that are no whole number, or below zero. Columns of money are found by their name, so a new one is looked at from its first day.
 * A ledger is left out: one side of each booking is below zero.
 */
export async function unsoundAmounts(name: SubgraphName, source: Source): Promise<Breaking> {
  const large = readAnyway[name] ?? [];
  const ofLarge = large.map(async ({ table, from, columns }) => {
    const isSound = await noneIs({ of: source, from }, isNegative(columns));
    return isSound ? none : negativeAmounts(source, table, columns);
  });
  return together(...(await Promise.all([...ofLarge, ofOthers(source, large)])));
}

async function ofOthers(source: Source, large: readonly { table: string; columns: string[] }[]): Promise<Breaking> {
  const found = await source.rows<{ tableName: string; columnName: string; dataType: string }>(
    `SELECT table_name AS tableName, column_name AS columnName, data_type AS dataType FROM information_schema.columns
     WHERE table_schema = DATABASE() AND column_name LIKE '%\\_minor' AND table_name <> 'ledger_entries'`,
  );
  const isKnown = (table: string, column: string) =>
    large.some((each) => each.table === table && each.columns.includes(column));
  const others = found.filter(({ tableName, columnName }) => !isKnown(tableName, columnName));
  const byTable = Map.groupBy(others, ({ tableName }) => tableName);
  const negative = [...byTable].map(([table, columns]) =>
    negativeAmounts(
      source,
      table,
      columns.map(({ columnName }) => columnName),
    ),
  );
  const notWhole = found.filter(({ dataType }) => dataType !== 'bigint').map((column) => ({ ...column }));
  return together(breakingRows(notWhole), ...(await Promise.all(negative)));
}

function negativeAmounts(source: Source, table: string, columns: readonly string[]): Promise<Breaking> {
  const amounts = columns.map((column) => `'${column}', ${column}`).join(', ');
  return source.breaking(
    `SELECT '${table}' AS tableName, JSON_OBJECT(${amounts}) AS amounts FROM ${table} WHERE ${isNegative(columns)}`,
  );
}

const isNegative = (columns: readonly string[]) => columns.map((column) => `${column} < 0`).join(' OR ');
