import { randomInt } from 'node:crypto';
import { nowPlus, type Transaction } from '@souk/platform/database';
import { newId } from '@souk/platform/id';
import type { Basket, Draft } from './order-draft.ts';
import type { OrderWish } from './order-wish.ts';
import type { PostalAddress } from './postal-address.ts';
import { orderEvents, orderLines, orders } from './tables.ts';

/** All there is to know of an order before it exists. */
export interface NewOrder {
  userId: string;
  wish: OrderWish;
  basket: Basket;
  address: PostalAddress;
  draft: Draft;
}

/** Writes an order with its lines and the first event of its timeline. Its time to be paid begins now. */
export async function insertOrder(
  tx: Transaction,
  orderId: string,
  { userId, wish, basket, address, draft }: NewOrder,
  paymentWindowMs: number,
): Promise<void> {
  const { lines, ...amounts } = draft;
  await tx.insert(orders).values({
    ...address,
    ...amounts,
    id: orderId,
    number: newOrderNumber(),
    userId,
    status: 'AWAITING_PAYMENT',
    version: 1,
    email: wish.email,
    note: wish.note ?? basket.cart?.note ?? null,
    paymentDueAt: nowPlus(paymentWindowMs / 1_000),
    cartId: basket.cart?.id ?? null,
    liveCartVersion: basket.cart?.version ?? null,
  });
  await tx
    .insert(orderLines)
    .values(lines.map((line, index) => ({ ...line, id: newId('OrderLine'), orderId, position: index + 1 })));
  await tx
    .insert(orderEvents)
    .values({ id: newId('OrderEvent'), orderId, version: 1, to: 'AWAITING_PAYMENT', actor: 'CUSTOMER' });
}

/** A number for people, such as `SK-7F3K-92QD`: drawn, so that it tells nobody how much is sold; without I, L, O and U, which are misread. */
function newOrderNumber(): string {
  const letters = Array.from({ length: 8 }, () => '0123456789ABCDEFGHJKMNPQRSTVWXYZ'[randomInt(32)]).join('');
  return `SK-${letters.slice(0, 4)}-${letters.slice(4)}`;
}
