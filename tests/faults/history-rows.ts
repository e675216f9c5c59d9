import { allByName } from '@souk/dev/by-name';
import { bytesToId, idToBytes } from '@souk/platform/id';
import type { IdKind } from '@souk/platform/id-prefixes';
import { openSource, type Source } from '../invariants/source.ts';
import type { Rows } from './history.ts';
import type { Rig } from './rig.ts';

const owners = ['catalog', 'order', 'payment'] as const;

/** Reads what is on record about these customers, and about the stock of these variants. */
export async function readRows(
  { databaseUrls, providerLog }: Pick<Rig, 'databaseUrls' | 'providerLog'>,
  { userIds, variantIds }: { userIds: readonly string[]; variantIds: readonly string[] },
): Promise<Rows> {
  const sources = await allByName(owners, (name) => openSource(databaseUrls[name]));
  try {
    const [orders, payments, adjustments, charges] = await Promise.all([
      readOrders(sources.order, userIds),
      readPayments(sources.payment, userIds),
      readAdjustments(sources.catalog, variantIds),
      providerLog.charges(),
    ]);
    return { ...orders, ...payments, adjustments, charges };
  } finally {
    await allByName(owners, (name) => sources[name].close());
  }
}

async function readOrders(order: Source, userIds: readonly string[]): Promise<Pick<Rows, 'orders' | 'placed'>> {
  const users = bytesOf('User', userIds);
  const lines = await order.rows<{ orderId: Buffer; variantId: Buffer; quantity: number }>(
    'SELECT l.order_id AS orderId, variant_id AS variantId, quantity FROM order_lines l JOIN orders o ON o.id = l.order_id WHERE o.user_id IN (?)',
    [users],
  );
  const linesByOrder = Map.groupBy(lines, ({ orderId }) => bytesToId('Order', orderId));
  const orders = await order.rows<{ id: Buffer; userId: Buffer; number: string; status: string; totalMinor: string }>(
    'SELECT id, user_id AS userId, number, status, total_minor AS totalMinor FROM orders WHERE user_id IN (?)',
    [users],
  );
  const placed = await order.rows<{ orderId: Buffer; userId: Buffer; key: string }>(
    "SELECT order_id AS orderId, user_id AS userId, idempotency_key AS `key` FROM checkouts WHERE state = 'PLACED' AND user_id IN (?)",
    [users],
  );
  return {
    orders: orders.map((row) => {
      const id = bytesToId('Order', row.id);
      const found = linesByOrder.get(id) ?? [];
      return {
        ...row,
        id,
        userId: bytesToId('User', row.userId),
        totalMinor: BigInt(row.totalMinor),
        lines: found.map(({ variantId, quantity }) => {
          return { variantId: bytesToId('ProductVariant', variantId), quantity };
        }),
      };
    }),
    placed: placed.map(({ orderId, userId, key }) => {
      return { orderId: bytesToId('Order', orderId), userId: bytesToId('User', userId), key };
    }),
  };
}

async function readPayments(
  payment: Source,
  userIds: readonly string[],
): Promise<Pick<Rows, 'payments' | 'begun' | 'refunds'>> {
  const users = bytesOf('User', userIds);
  const payments = await payment.rows<Record<'id' | 'orderId' | 'userId', Buffer> & Record<string, string>>(
    `SELECT id, order_id AS orderId, user_id AS userId, status, amount_minor AS amountMinor, captured_minor AS capturedMinor,
      refunded_minor AS refundedMinor FROM payments WHERE user_id IN (?)`,
    [users],
  );
  const begun = await payment.rows<{ userId: string; key: string; paymentId: string }>(
    `SELECT owner AS userId, idempotency_key AS \`key\`, JSON_UNQUOTE(JSON_EXTRACT(answer, '$.paymentId')) AS paymentId
      FROM idempotency_keys WHERE operation = 'paymentStart' AND answer IS NOT NULL AND owner IN (?)`,
    [userIds],
  );
  // What the shop gives back by itself gives a reason in words; staff give their key.
  const refunds = await payment.rows<
    { id: Buffer; paymentId: Buffer } & Record<'amountMinor' | 'status' | 'reason', string>
  >(
    `SELECT r.id, r.payment_id AS paymentId, r.amount_minor AS amountMinor, r.status, r.reason
      FROM refunds r JOIN payments p ON p.id = r.payment_id WHERE p.user_id IN (?) AND r.reason NOT LIKE '% %'`,
    [users],
  );
  return {
    payments: payments.map((row) => ({
      id: bytesToId('Payment', row.id),
      orderId: bytesToId('Order', row.orderId),
      userId: bytesToId('User', row.userId),
      status: row['status'] ?? '',
      amountMinor: BigInt(row['amountMinor'] ?? 0),
      capturedMinor: BigInt(row['capturedMinor'] ?? 0),
      refundedMinor: BigInt(row['refundedMinor'] ?? 0),
    })),
    begun,
    refunds: refunds.map((row) => ({
      ...row,
      id: bytesToId('Refund', row.id),
      paymentId: bytesToId('Payment', row.paymentId),
      amountMinor: BigInt(row.amountMinor),
    })),
  };
}

async function readAdjustments(catalog: Source, variantIds: readonly string[]): Promise<Rows['adjustments']> {
  const rows = await catalog.rows<{ variantId: Buffer; quantity: number; reason: string }>(
    "SELECT variant_id AS variantId, quantity, reason FROM stock_movements WHERE kind = 'ADJUSTED' AND variant_id IN (?)",
    [bytesOf('ProductVariant', variantIds)],
  );
  return rows.map((row) => ({ ...row, variantId: bytesToId('ProductVariant', row.variantId) }));
}

function bytesOf(kind: IdKind, ids: readonly string[]): Buffer[] {
  return ids.map((id) => idToBytes(kind, id));
}
