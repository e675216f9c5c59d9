import { orderEvents, orderLines, orders as orderTable } from '@souk/order/tables';
import type { Transaction } from '@souk/platform/database';
import { demoId } from './demo-id.ts';
import type { DemoOrder } from './orders.ts';
import { insertRows } from './rows.ts';

/** Writes orders with their lines and timelines. */
export async function writeOrders(tx: Transaction, orders: readonly DemoOrder[]): Promise<void> {
  await insertRows(
    tx,
    orderTable,
    orders.map(({ customer, address, lines: _lines, payments: _payments, events, totalMinor, ...order }) => {
      const { id: _id, ...place } = address;
      return {
        ...place,
        ...order,
        userId: customer.id,
        email: customer.email,
        version: events.length,
        subtotalMinor: totalMinor,
        shippingMinor: 0n,
        taxMinor: 0n,
        totalMinor,
        updatedAt: events.at(-1)?.at ?? order.placedAt,
      };
    }),
  );
  await insertRows(
    tx,
    orderLines,
    orders.flatMap(({ id: orderId, lines }) =>
      lines.map(({ productId: _product, ...line }, index) => ({ ...line, orderId, position: index + 1 })),
    ),
  );
  await insertRows(
    tx,
    orderEvents,
    orders.flatMap(({ id: orderId, events }) =>
      events.map(({ at, ...event }, index) => ({
        ...event,
        orderId,
        version: index + 1,
        // Only the fact that money has come confirms an order.
        causedBy: event.to === 'CONFIRMED' ? demoId('Event', at, `payment.captured ${orderId}`) : null,
        createdAt: at,
      })),
    ),
  );
}
