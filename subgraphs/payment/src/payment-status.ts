import type { PaymentStatus } from './tables.ts';

/** Every way a payment may go. What is not listed never happens, whatever a provider says and in whichever order it says it. */
const transitions: Record<PaymentStatus, readonly PaymentStatus[]> = {
  PROCESSING: ['REQUIRES_ACTION', 'AUTHORIZED', 'CAPTURED', 'FAILED', 'CANCELED', 'EXPIRED'],
  // Whatever is on its way, the customer may be asked again: only the end of it takes a payment out of this state.
  REQUIRES_ACTION: ['AUTHORIZED', 'CAPTURED', 'FAILED', 'CANCELED', 'EXPIRED'],
  AUTHORIZED: ['CAPTURED', 'FAILED', 'CANCELED', 'EXPIRED'],
  // Money that arrives after all is booked, and sent back in the same transaction.
  FAILED: ['CAPTURED'],
  CANCELED: ['CAPTURED'],
  EXPIRED: ['CAPTURED'],
  CAPTURED: ['PARTIALLY_REFUNDED', 'REFUNDED'],
  PARTIALLY_REFUNDED: ['PARTIALLY_REFUNDED', 'REFUNDED'],
  REFUNDED: [],
};

export function mayBecome(from: PaymentStatus, to: PaymentStatus): boolean {
  return transitions[from].includes(to);
}

/** Whether the provider still has the last word on a payment. */
export function isOpen(status: PaymentStatus): boolean {
  return status === 'REQUIRES_ACTION' || status === 'PROCESSING' || status === 'AUTHORIZED';
}
