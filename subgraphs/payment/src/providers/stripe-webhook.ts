import { Stripe } from 'stripe';
import { ForgedWebhook, type ProviderEvent, type WebhookReader } from './provider.ts';
import { chargeOf, paymentIdOf } from './stripe-charge.ts';

const TOLERANCE_SECONDS = 300;

/** What settles a payment. A declined card does not: the customer may try another one in the same form. */
const settling = new Set(['payment_intent.succeeded', 'payment_intent.canceled']);

/**
 * Reads `stripe-signature: t=<unix seconds>,v1=<HMAC-SHA256 of "<t>.<body>" in hex>`. Any of the secrets may have signed, so that a new one can be
 * introduced while the old one is still in use.
 *
 * Rule: https://docs.stripe.com/webhooks#verify-manually
 */
export function createStripeWebhookReader({ webhooks }: Stripe, secrets: readonly string[]): WebhookReader {
  return {
    path: 'stripe',
    acknowledgement: { type: 'application/json', body: '{}' },
    read(headers, body) {
      const signature = String(headers['stripe-signature'] ?? '');
      mustNotBeOfTheFuture(signature);
      const event = firstGenuine(secrets, (secret) =>
        webhooks.constructEvent(body, signature, secret, TOLERANCE_SECONDS),
      );
      return settling.has(event.type) ? eventAbout(event.data.object as Stripe.PaymentIntent, event.id) : null;
    },
  };
}

/** The library refuses signatures that are too old; one made for later would be good for longer than it should. */
function mustNotBeOfTheFuture(signature: string): void {
  const [, at] = /(?:^|,)t=(\d+)(?:,|$)/.exec(signature) ?? [];
  if (Number(at) > Date.now() / 1000 + TOLERANCE_SECONDS) throw new ForgedWebhook('The signature is of the future.');
}

function firstGenuine<Result>(secrets: readonly string[], verify: (secret: string) => Result): Result {
  for (const secret of secrets) {
    try {
      return verify(secret);
    } catch (error) {
      if (!(error instanceof Stripe.errors.StripeSignatureVerificationError)) throw error;
    }
  }
  throw new ForgedWebhook('Expected the header stripe-signature, fresh and made with a secret of ours.');
}

/** Null for a payment that others made with the same account. */
function eventAbout(intent: Stripe.PaymentIntent, id: string): ProviderEvent | null {
  const paymentId = paymentIdOf(intent);
  return paymentId === null ? null : { id, paymentId, charge: chargeOf(intent) };
}
