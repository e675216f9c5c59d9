import type { Signer } from '@souk/platform/identity';
import type { Logger } from '@souk/platform/logger';
import { type Amount, parseMoney } from '@souk/platform/money';
import { createPeer } from '@souk/platform/peer';
import { order } from './generated/order/gql.ts';

const OrderForPayment = order(`
  query OrderForPayment($orderId: ID!, $userId: ID!) {
    orderForPayment(orderId: $orderId, userId: $userId) {
      id
      number
      status
      paymentDueAt
      total {
        amount
        currencyCode
      }
    }
  }
`);

/** An order as the order service describes it to whoever shall collect its money. */
export interface OrderToPay {
  id: string;
  number: string;
  status: string;
  total: Amount;
  paymentDueAt: Date | null;
}

export interface Orders {
  /** The order this user wants to pay; null when it does not exist or is not theirs. */
  toPay(orderId: string, userId: string): Promise<OrderToPay | null>;
  close(): Promise<void>;
}

const TIMEOUT_MS = 1_500;

export function openOrders(options: { urls: readonly string[]; signer: Signer; logger: Logger }): Orders {
  const peer = createPeer({ audience: 'order', ...options });
  return {
    async toPay(orderId, userId) {
      const { orderForPayment } = await peer.request(OrderForPayment, { orderId, userId }, { timeoutMs: TIMEOUT_MS });
      if (!orderForPayment) return null;
      const { id, number, status, total, paymentDueAt } = orderForPayment;
      return {
        id,
        number,
        status,
        total: parseMoney(total),
        paymentDueAt: paymentDueAt ? new Date(paymentDueAt) : null,
      };
    },
    close: peer.close,
  };
}
