import type { Stripe } from 'stripe';
import type { Charge, ListedCharge } from './provider.ts';
import { fromStripe } from './stripe-amount.ts';

/** What Stripe keeps for us with what it makes for us, so that each can be told from what others make with the same account. */
export const metadataOf = {
  payment: (paymentId: string) => ({ souk_payment: paymentId }),
  refund: (refundId: string) => ({ souk_refund: refundId }),
};

export function paymentIdOf({ metadata }: Stripe.PaymentIntent): string | null {
  return metadata['souk_payment'] ?? null;
}

export function refundIdOf({ metadata }: Stripe.Refund): string | null {
  return metadata?.['souk_refund'] ?? null;
}

/** How a payment stands, in our words. https://docs.stripe.com/payments/paymentintents/lifecycle */
export function chargeOf(intent: Stripe.PaymentIntent): Charge {
  const status = statuses[intent.status] ?? 'PROCESSING';
  const amount = status === 'CAPTURED' ? intent.amount_received : intent.amount;
  return { status, reference: intent.id, ...fromStripe(amount, intent.currency), failure: null };
}

/** A payment in Stripe's record, with its latest charge, which knows what went back. */
export function listedOf(intent: Stripe.PaymentIntent): ListedCharge {
  const { status, reference, amountMinor, currencyCode } = chargeOf(intent);
  const { latest_charge: charge } = intent;
  const refunded = charge && typeof charge === 'object' ? charge.amount_refunded : 0;
  return {
    paymentId: paymentIdOf(intent),
    reference,
    isPaid: status === 'CAPTURED',
    amountMinor,
    currencyCode,
    refundedMinor: fromStripe(refunded, intent.currency).amountMinor,
  };
}

/** A declined card takes an intent back to `requires_payment_method`: the customer may try another. */
const statuses: Readonly<Record<string, Charge['status']>> = {
  requires_payment_method: 'REQUIRES_ACTION',
  requires_confirmation: 'REQUIRES_ACTION',
  requires_action: 'REQUIRES_ACTION',
  processing: 'PROCESSING',
  succeeded: 'CAPTURED',
  canceled: 'CANCELED',
};
