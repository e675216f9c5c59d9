import type { Transaction } from '@souk/platform/database';
import { append } from '@souk/platform/outbox';

/** Says, in the transaction that changes it, that a payment or one of its refunds is not what it was: somebody may be watching its order. */
export async function stateChange(tx: Transaction, { id, orderId }: { id: string; orderId: string }): Promise<void> {
  await append(tx, { type: 'payment.changed', aggregateId: orderId, payload: { paymentId: id, orderId } });
}
