import { idToBytes } from '@souk/platform/id';
import type { Person } from '../../client.ts';
import { createProduct, orderState, placedOrder, stockOf } from '../../shopping.ts';
import type { Rig } from '../rig.ts';
import type { Rows } from './rows.ts';

/** An order of one piece, for others to fight over. Nobody else buys this variant. */
export interface Purchase {
  orderId: string;
  variantId: string;
  total: string;
}

const PIECES = 3;

export async function newPurchase(rig: Rig, customer: Person): Promise<Purchase> {
  const { variantIds } = await createProduct(rig.admin, [PIECES]);
  const variantId = variantIds[0] as string;
  const { id, total } = await placedOrder(customer, [{ variantId, quantity: 1 }]);
  return { orderId: id, variantId, total: total.amount };
}

/** How things stand with it: everything that a customer, staff and the books have of it. */
export interface Standing {
  /** Every status the order came to, the last one is its present one. */
  order: string[];
  payments: string[];
  /** What goes or went back, and how far it is. */
  refunds: string[];
  ledger: string[];
  /** What was done to its stock. */
  stock: string[];
  onHand: number;
  reserved: number;
}

export async function standingOf(rig: Rig, rows: Rows, { orderId, variantId }: Purchase): Promise<Standing> {
  const [order, stock, ledger] = await Promise.all([
    orderState(rig.admin, orderId),
    stockOf(rig.admin, variantId),
    rows.ask<{ kind: string }>(
      `SELECT t.kind FROM souk_payment.ledger_transactions t JOIN souk_payment.payments p ON p.id = t.payment_id
       WHERE p.order_id = ?`,
      [idToBytes('Order', orderId)],
    ),
  ]);
  const payments = order.payments ?? [];
  return {
    order: order.events.nodes.map(({ to }) => to),
    payments: payments.map(({ status }) => status).toSorted(),
    refunds: payments
      .flatMap(({ refunds }) => refunds)
      .map(({ amount, status }) => `${amount.amount} ${status}`)
      .toSorted(),
    ledger: ledger.map(({ kind }) => kind).toSorted(),
    stock: stock.movements
      .filter((movement) => movement.orderId === orderId)
      .map(({ kind }) => kind)
      .toReversed(),
    onHand: stock.onHand,
    reserved: stock.reserved,
  };
}

const stockNow = (onHand: number, ...stock: string[]) => ({ stock: ['RESERVED', ...stock], onHand, reserved: 0 });

/** The ends that a purchase may come to. */
export const ends = {
  /** Called off by `how`, and no money was ever taken. */
  unpaid: (how: 'CANCELED' | 'EXPIRED', payments: string[]): Standing => ({
    order: ['AWAITING_PAYMENT', how],
    payments,
    refunds: [],
    ledger: [],
    ...stockNow(PIECES, 'RELEASED'),
  }),
  /** Called off while the money was on its way: it went back, in these parts. The order was never confirmed, its stock never sold. */
  tooLate: (how: 'CANCELED' | 'EXPIRED', amounts: string[]): Standing => ({
    order: ['AWAITING_PAYMENT', how],
    ...returned(amounts),
    ...stockNow(PIECES, 'RELEASED'),
  }),
  /** Paid, with nothing given back. */
  paid: (): Standing => ({
    order: ['AWAITING_PAYMENT', 'CONFIRMED'],
    payments: ['CAPTURED'],
    refunds: [],
    ledger: ['CAPTURE'],
    ...stockNow(PIECES - 1, 'COMMITTED'),
  }),
  /** Paid, and so much given back by staff: the order stays. */
  refunded: (status: 'REFUNDED' | 'PARTIALLY_REFUNDED', amounts: string[]): Standing => ({
    order: ['AWAITING_PAYMENT', 'CONFIRMED'],
    ...returned(amounts, status),
    ...stockNow(PIECES - 1, 'COMMITTED'),
  }),
  /** Paid, then canceled: everything went back, in these parts, and so did the stock. */
  canceledAfterPayment: (amounts: string[]): Standing => ({
    order: ['AWAITING_PAYMENT', 'CONFIRMED', 'CANCELED'],
    ...returned(amounts),
    ...stockNow(PIECES, 'COMMITTED', 'RETURNED'),
  }),
};

function returned(amounts: string[], status = 'REFUNDED') {
  return {
    payments: [status],
    refunds: amounts.map((amount) => `${amount} SUCCEEDED`).toSorted(),
    ledger: ['CAPTURE', ...amounts.map(() => 'REFUND_GRANTED'), ...amounts.map(() => 'REFUND_SENT')],
  };
}
