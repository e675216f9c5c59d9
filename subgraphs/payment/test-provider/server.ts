import { timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { type Charge, type Charges, Conflict, refundedOf } from './charges.ts';

const paymentId = z.string().regex(/^[\w-]{1,64}$/);
const amountMinor = z
  .string()
  .regex(/^[1-9]\d{0,17}$/)
  .transform(BigInt);
const chargeBody = z.object({
  paymentId,
  amountMinor,
  currencyCode: z.string().regex(/^[A-Z]{3}$/),
  card: z.object({ number: z.string().regex(/^\d{12,19}$/) }),
});
const refundBody = z.object({ refundId: paymentId, amountMinor });
const listQuery = z.object({
  since: z.iso.datetime(),
  until: z.iso.datetime().optional(),
  /** The payment that the page before ended with. */
  after: paymentId.optional(),
});

const MAX_LISTED = 1_000;
/** Longer than any client waits. */
const SILENCE_MS = 30_000;

/** The provider's HTTP API. Every request carries the shared secret as a bearer token; payment and refund ids are idempotency keys. */
export async function serveCharges(
  app: FastifyInstance,
  { charges, secret }: { charges: Charges; secret: string },
): Promise<void> {
  await app.register(async (scope) => {
    scope.addHook('onRequest', async (request, reply) => {
      if (!isSecret(request.headers.authorization, secret)) return reply.code(401).send({ code: 'unauthorized' });
    });

    scope.setErrorHandler((error, _request, reply) => {
      if (error instanceof z.ZodError)
        return reply.code(400).send({ code: 'invalid_request', message: z.prettifyError(error) });
      if (error instanceof Conflict) return reply.code(409).send({ code: error.code, message: error.message });
      throw error;
    });

    scope.post('/charges', async (request, reply) => {
      const { card, ...wanted } = chargeBody.parse(request.body);
      const charge = await charges.charge({ ...wanted, cardNumber: card.number });
      if (charge.outcome === 'APPROVE_SILENTLY') return stayNeverAnswered(reply);
      return describeCharge(charge);
    });

    scope.post('/charges/:paymentId/cancel', async (request) =>
      describeCharge(await charges.cancel(idOf(request.params))),
    );

    scope.post('/charges/:paymentId/refunds', async (request) => {
      const refund = refundBody.parse(request.body);
      return describeCharge(await charges.refund({ ...refund, paymentId: idOf(request.params) }));
    });

    scope.get('/charges/:paymentId', async (request, reply) => {
      const charge = await charges.find(idOf(request.params));
      return charge ? describeCharge(charge) : reply.code(404).send({ code: 'not_found' });
    });

    scope.get('/charges', async (request) => {
      const { since, until, after } = listQuery.parse(request.query);
      const span = { from: new Date(since), to: until ? new Date(until) : null, after: after ?? null };
      const found = await charges.list(span, MAX_LISTED + 1);
      return { charges: found.slice(0, MAX_LISTED).map(describeCharge), hasMore: found.length > MAX_LISTED };
    });
  });
}

/** A charge as answers and webhooks show it. */
export function describeCharge(charge: Charge) {
  return {
    paymentId: charge.paymentId,
    chargeId: charge.chargeId,
    status: charge.status,
    amountMinor: String(charge.amountMinor),
    currencyCode: charge.currencyCode,
    cardLast4: charge.cardLast4,
    failure: charge.failure,
    refundedMinor: String(refundedOf(charge)),
    refunds: [...charge.refunds].map(([refundId, refunded]) => ({ refundId, amountMinor: String(refunded) })),
    createdAt: charge.createdAt.toISOString(),
  };
}

function idOf(params: unknown): string {
  return z.object({ paymentId }).parse(params).paymentId;
}

function stayNeverAnswered(reply: FastifyReply): FastifyReply {
  reply.hijack();
  setTimeout(() => reply.raw.destroy(), SILENCE_MS).unref();
  return reply;
}

function isSecret(authorization: string | undefined, secret: string): boolean {
  const given = Buffer.from(authorization ?? '');
  const expected = Buffer.from(`Bearer ${secret}`);
  return given.length === expected.length && timingSafeEqual(given, expected);
}
