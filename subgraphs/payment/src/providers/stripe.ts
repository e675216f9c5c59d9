import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Stripe } from 'stripe';
import {
  type Charge,
  type NextAction,
  type PaymentProvider,
  ProviderFailure,
  type RefundOutcome,
  type RefundRequest,
} from './provider.ts';
import { isStripeCurrency, toStripe } from './stripe-amount.ts';
import { chargeOf, listedOf, metadataOf, paymentIdOf, refundIdOf } from './stripe-charge.ts';
import { createStripeWebhookReader } from './stripe-webhook.ts';

/** Within what the gateway grants a payment, with room for the rest of the work. */
const TIMEOUT_MS = 3_000;

export interface StripeOptions {
  secretKey: string;
  /** Shown to clients, for Stripe's library there. */
  publishableKey: string;
  /** Newest first; each is believed in a webhook. */
  webhookSecrets: readonly [string, ...string[]];
  /** Another address than Stripe's own, for a stand-in. */
  apiBase?: string | undefined;
  timeoutMs?: number;
}

/**
 * Cards by Stripe: we make a payment intent, and the customer confirms it in Stripe's form with the intent's client secret. Only cards, because an
 * order waits for minutes and some other means of payment take days.
 */
export function openStripe(options: StripeOptions): PaymentProvider {
  const { secretKey, publishableKey, webhookSecrets, apiBase = 'https://api.stripe.com' } = options;
  const { protocol, hostname: host, port } = new URL(apiBase);
  const isPlain = protocol === 'http:';
  const httpAgent = isPlain ? new HttpAgent({ keepAlive: true }) : new HttpsAgent({ keepAlive: true });
  const stripe = new Stripe(secretKey, {
    ...{ host, port: port || (isPlain ? 80 : 443), protocol: isPlain ? 'http' : 'https', httpAgent },
    timeout: options.timeoutMs ?? TIMEOUT_MS,
    // Who asks again, and when, is decided here in one place: see settlement.ts and refund-delivery.ts.
    maxNetworkRetries: 0,
    telemetry: false,
  });

  function withAction(intent: Stripe.PaymentIntent): Charge {
    const charge = chargeOf(intent);
    if (charge.status !== 'REQUIRES_ACTION' || !intent.client_secret) return charge;
    const nextAction: NextAction = { kind: 'CLIENT_SECRET', clientSecret: intent.client_secret, publishableKey };
    return { ...charge, nextAction };
  }

  async function retrieve(reference: string, paymentId: string): Promise<Charge> {
    const intent = await asked(() => stripe.paymentIntents.retrieve(reference));
    if (paymentIdOf(intent) !== paymentId)
      throw new ProviderFailure('unknown', 'Stripe answered about another payment.');
    return withAction(intent);
  }

  return {
    name: 'STRIPE',
    label: 'Card',
    isTestMode: !/^[rs]k_live_/.test(secretKey),
    account: 'stripe',
    needs: null,
    supports: isStripeCurrency,
    webhook: createStripeWebhookReader(stripe, webhookSecrets),

    async charge({ paymentId, orderNumber, amountMinor, currencyCode }) {
      const wanted = {
        ...toStripe({ amountMinor, currencyCode }),
        payment_method_types: ['card'],
        description: `Order ${orderNumber}`,
        metadata: metadataOf.payment(paymentId),
      };
      try {
        return withAction(await stripe.paymentIntents.create(wanted, { idempotencyKey: paymentId }));
      } catch (error) {
        const failure = amountFailures[codeOf(error) ?? ''];
        if (failure) return { status: 'DECLINED', reference: null, amountMinor, currencyCode, failure };
        // Even an intent that was made takes no money: nobody has its secret.
        throw failureOf(error, 'not-done');
      }
    },

    async find({ paymentId, reference }) {
      return reference ? retrieve(reference, paymentId) : null;
    },

    async cancel({ paymentId, reference }) {
      if (!reference) {
        return { status: 'CANCELED', reference, amountMinor: 0n, currencyCode: '', failure: null };
      }
      try {
        return withAction(await stripe.paymentIntents.cancel(reference, { cancellation_reason: 'abandoned' }));
      } catch (error) {
        if (codeOf(error) === 'payment_intent_unexpected_state') return retrieve(reference, paymentId);
        throw failureOf(error);
      }
    },

    async refund(request) {
      const { reference, refundId, amountMinor, currencyCode } = request;
      if (!reference) throw new ProviderFailure('not-done', 'A payment without a number cannot be refunded.');
      const earlier = await findRefund(request, reference);
      if (earlier) return outcomeOf(earlier);
      const { amount } = toStripe({ amountMinor, currencyCode });
      const wanted = { payment_intent: reference, amount, metadata: metadataOf.refund(refundId) };
      try {
        return outcomeOf(await stripe.refunds.create(wanted, { idempotencyKey: refundId }));
      } catch (error) {
        const code = codeOf(error);
        if (code && refusedForGood.has(code)) return { status: 'FAILED', failure: code };
        throw failureOf(error);
      }
    },

    async *list({ from, to }) {
      const created = { gte: secondsOf(from), lt: secondsOf(to) };
      const pages = stripe.paymentIntents.list({ created, limit: 100, expand: ['data.latest_charge'] });
      try {
        for await (const intent of pages) yield listedOf(intent);
      } catch (error) {
        throw failureOf(error);
      }
    },

    close: async () => httpAgent.destroy(),
  };

  /** A refund is looked for first: Stripe forgets idempotency keys after a day, and a refund may take longer than that to go through. */
  async function findRefund({ refundId }: RefundRequest, reference: string): Promise<Stripe.Refund | undefined> {
    const { data } = await asked(() => stripe.refunds.list({ payment_intent: reference, limit: 100 }));
    return data.find((refund) => refundIdOf(refund) === refundId);
  }
}

function secondsOf(instant: Date): number {
  return Math.floor(instant.getTime() / 1000);
}

/** Amounts that Stripe takes no cards for. https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts */
const amountFailures: Readonly<Record<string, Charge['failure']>> = {
  amount_too_small: {
    code: 'amount_too_small',
    message: 'The amount is too small to be paid this way.',
    isRetryable: false,
  },
  amount_too_large: {
    code: 'amount_too_large',
    message: 'The amount is too large to be paid this way.',
    isRetryable: false,
  },
};

const refusedForGood = new Set(['charge_already_refunded', 'charge_disputed', 'refund_disputed_payment']);

function outcomeOf({ status, failure_reason: reason }: Stripe.Refund): RefundOutcome {
  if (status === 'succeeded') return { status: 'SUCCEEDED' };
  if (status === 'failed' || status === 'canceled') return { status: 'FAILED', failure: reason ?? status };
  return { status: 'PENDING' };
}

async function asked<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  try {
    return await call();
  } catch (error) {
    throw failureOf(error);
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Stripe.errors.StripeError ? error.code : undefined;
}

/** A request that was refused did nothing; a fault on their side or on the way may have come before the deed or after it. */
function failureOf(error: unknown, outcome?: ProviderFailure['outcome']): unknown {
  if (!(error instanceof Stripe.errors.StripeError)) return error;
  if (error instanceof Stripe.errors.StripeConnectionError) {
    return new ProviderFailure(
      outcome ?? (isNeverSent(error.detail) ? 'not-done' : 'unknown'),
      'Stripe did not answer.',
    );
  }
  const isRefused = error.statusCode !== undefined && error.statusCode < 500 && error.statusCode !== 409;
  const message = `Stripe answered ${error.statusCode ?? 'nonsense'} ${error.code ?? error.type}.`;
  return new ProviderFailure(outcome ?? (isRefused ? 'not-done' : 'unknown'), message);
}

function isNeverSent(detail: unknown): boolean {
  const code = detail instanceof Error && 'code' in detail ? detail.code : undefined;
  return code === 'ECONNREFUSED' || code === 'ENOTFOUND';
}
