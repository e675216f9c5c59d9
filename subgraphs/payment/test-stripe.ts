import { createHmac, randomUUID } from 'node:crypto';
import { freePort } from '@souk/dev/free-port';
import { type FastifyReply, fastify } from 'fastify';

/**
 * A stand-in for Stripe that speaks the part of its wire format that the shop uses: form-encoded requests, JSON answers, errors with type and code,
 * idempotency keys, cursors, signed webhooks. What the customer does in Stripe's form is done by the test.
 *
 * https://docs.stripe.com/api/payment_intents, /api/refunds, /api/idempotent_requests, /api/pagination, /webhooks#verify-manually
 */
export type StripeStandIn = Awaited<ReturnType<typeof openStripeStandIn>>;

export const stripeKeys = {
  secretKey: 'sk_test_of_this_test',
  publishableKey: 'pk_test_of_this_test',
  webhookSecrets: ['whsec_new', 'whsec_old'] as [string, string],
};

export interface Intent {
  id: string;
  object: 'payment_intent';
  status: string;
  amount: number;
  amount_received: number;
  currency: string;
  client_secret: string;
  created: number;
  metadata: Record<string, string>;
  latest_charge: { id: string; object: 'charge'; amount_refunded: number } | null;
}

interface Refund {
  id: string;
  object: 'refund';
  status: string;
  amount: number;
  payment_intent: string;
  metadata: Record<string, string>;
}

export async function openStripeStandIn() {
  const intents = new Map<string, Intent>();
  const refunds: Refund[] = [];
  const answered = new Map<string, { body: string; answer: object }>();
  const requests: { method: string; url: string; body: string }[] = [];
  let trouble: 'none' | 'silent' | 'fault' = 'none';

  const app = fastify();
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));

  app.addHook('preHandler', async (request, reply) => {
    requests.push({ method: request.method, url: request.url, body: String(request.body ?? '') });
    if (request.headers.authorization !== `Bearer ${stripeKeys.secretKey}`) {
      return refuse(reply, 401, { type: 'invalid_request_error', message: 'Invalid API Key provided' });
    }
    if (!request.headers['stripe-version']) return refuse(reply, 400, { type: 'invalid_request_error' });
    if (trouble === 'fault') return refuse(reply, 500, { type: 'api_error', message: 'Something went wrong' });
    const key = request.headers['idempotency-key'];
    const earlier = typeof key === 'string' && request.method === 'POST' ? answered.get(key) : undefined;
    if (earlier && earlier.body !== request.body) return refuse(reply, 400, { type: 'idempotency_error' });
    if (earlier) return reply.header('idempotent-replayed', 'true').send(earlier.answer);
  });

  /** Remembers what was answered to an idempotency key. A silent Stripe does as asked and then says nothing. */
  const answer = (request: { headers: Record<string, unknown>; body: unknown }, reply: FastifyReply, made: object) => {
    const key = request.headers['idempotency-key'];
    if (typeof key === 'string') answered.set(key, { body: String(request.body), answer: structuredClone(made) });
    if (trouble !== 'silent') return reply.send(made);
    reply.hijack();
    return reply;
  };

  app.post('/v1/payment_intents', async (request, reply) => {
    const form = new URLSearchParams(String(request.body));
    const amount = Number(form.get('amount'));
    if (amount < 50) return refuse(reply, 400, { type: 'invalid_request_error', code: 'amount_too_small' });
    const id = `pi_${randomUUID().replaceAll('-', '').slice(0, 24)}`;
    const intent: Intent = {
      id,
      object: 'payment_intent',
      status: 'requires_payment_method',
      amount,
      amount_received: 0,
      currency: String(form.get('currency')),
      client_secret: `${id}_secret_${randomUUID().slice(0, 8)}`,
      created: Math.floor(Date.now() / 1000),
      metadata: metadataIn(form),
      latest_charge: null,
    };
    intents.set(id, intent);
    return answer(request, reply, intent);
  });

  app.get('/v1/payment_intents/:id', async (request, reply) => {
    const intent = intents.get((request.params as { id: string }).id);
    return intent ?? refuse(reply, 404, { type: 'invalid_request_error', code: 'resource_missing' });
  });

  app.post('/v1/payment_intents/:id/cancel', async (request, reply) => {
    const intent = intents.get((request.params as { id: string }).id);
    if (!intent) return refuse(reply, 404, { type: 'invalid_request_error', code: 'resource_missing' });
    if (['succeeded', 'canceled', 'processing'].includes(intent.status)) {
      return refuse(reply, 400, { type: 'invalid_request_error', code: 'payment_intent_unexpected_state' });
    }
    intent.status = 'canceled';
    return answer(request, reply, intent);
  });

  app.get('/v1/payment_intents', async (request) => {
    const query = new URLSearchParams(request.url.split('?')[1]);
    const [from, to] = [Number(query.get('created[gte]') ?? 0), Number(query.get('created[lt]') ?? Infinity)];
    const newestFirst = [...intents.values()].reverse().filter(({ created }) => created >= from && created < to);
    return pageOf(newestFirst, query, '/v1/payment_intents');
  });

  app.post('/v1/refunds', async (request, reply) => {
    const form = new URLSearchParams(String(request.body));
    const intent = intents.get(String(form.get('payment_intent')));
    const amount = Number(form.get('amount'));
    if (!intent?.latest_charge) return refuse(reply, 400, { type: 'invalid_request_error' });
    if (intent.latest_charge.amount_refunded + amount > intent.amount_received) {
      return refuse(reply, 400, { type: 'invalid_request_error', code: 'charge_already_refunded' });
    }
    intent.latest_charge.amount_refunded += amount;
    const refund: Refund = {
      id: `re_${randomUUID().slice(0, 12)}`,
      object: 'refund',
      status: 'succeeded',
      amount,
      payment_intent: intent.id,
      metadata: metadataIn(form),
    };
    refunds.unshift(refund);
    return answer(request, reply, refund);
  });

  app.get('/v1/refunds', async (request) => {
    const query = new URLSearchParams(request.url.split('?')[1]);
    const found = refunds.filter((refund) => refund.payment_intent === query.get('payment_intent'));
    return pageOf(found, query, '/v1/refunds');
  });

  const port = await freePort();
  await app.listen({ port });

  return {
    url: `http://127.0.0.1:${port}`,
    intents,
    refunds,
    requests,
    /** `silent` does as asked and never answers; `fault` answers 500 and does nothing. */
    have(what: typeof trouble) {
      trouble = what;
    },
    /** As after a day, when idempotency keys are forgotten. */
    forgetKeys: () => answered.clear(),
    intentOf: (paymentId: string) =>
      [...intents.values()].find((intent) => intent.metadata['souk_payment'] === paymentId) as Intent,
    /** The customer completes the form. */
    pay(intent: Intent) {
      const charge = { id: `ch_${randomUUID().slice(0, 12)}`, object: 'charge' as const, amount_refunded: 0 };
      Object.assign(intent, { status: 'succeeded', amount_received: intent.amount, latest_charge: charge });
    },
    async close() {
      app.server.closeAllConnections();
      await app.close();
    },
  };
}

/** An event as Stripe posts it. */
export function stripeEvent(type: string, intent: Intent, id = `evt_${randomUUID().slice(0, 18)}`): string {
  const created = Math.floor(Date.now() / 1000);
  return JSON.stringify({ id, object: 'event', type, created, livemode: false, data: { object: intent } });
}

/** The value of `stripe-signature`. */
export function signForStripe(body: string, secret: string, atSeconds = Math.floor(Date.now() / 1000)): string {
  return `t=${atSeconds},v1=${createHmac('sha256', secret).update(`${atSeconds}.${body}`).digest('hex')}`;
}

function refuse(reply: FastifyReply, status: number, error: object): FastifyReply {
  return reply.code(status).send({ error });
}

function metadataIn(form: URLSearchParams): Record<string, string> {
  return Object.fromEntries(
    [...form].flatMap(([name, value]) => {
      const [, key] = /^metadata\[(\w+)\]$/.exec(name) ?? [];
      return key ? [[key, value]] : [];
    }),
  );
}

function pageOf(rows: readonly { id: string }[], query: URLSearchParams, url: string) {
  const after = query.get('starting_after');
  const from = after ? rows.findIndex((row) => row.id === after) + 1 : 0;
  const data = rows.slice(from, from + Number(query.get('limit') ?? 10));
  return { object: 'list', url, data, has_more: from + data.length < rows.length };
}
