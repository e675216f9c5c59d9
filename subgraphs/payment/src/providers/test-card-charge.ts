import { z } from 'zod';
import type { Charge, ListedCharge } from './provider.ts';

const amountMinor = z
  .string()
  .regex(/^\d{1,18}$/)
  .transform(BigInt);
const described = z.object({
  status: z.enum(['PROCESSING', 'SUCCEEDED', 'DECLINED', 'CANCELED']),
  chargeId: z.string().max(64).nullable(),
  amountMinor,
  currencyCode: z.string().max(3),
  failure: z.object({ code: z.string().max(64), message: z.string().max(200), isRetryable: z.boolean() }).nullable(),
});

/** A charge as the provider of test cards describes it, in answers and in webhooks. */
export const testCardCharge = described.transform(
  ({ status, chargeId, ...charge }): Charge => ({
    ...charge,
    status: status === 'SUCCEEDED' ? 'CAPTURED' : status,
    reference: chargeId,
  }),
);

/** A page of its record. What was called off before it was charged is in it, too, without a number. */
export const testCardPage = z.object({
  charges: z.array(
    described.extend({ paymentId: z.string().max(64), refundedMinor: amountMinor }).transform(
      ({ status, chargeId, failure: _, ...charge }): ListedCharge => ({
        ...charge,
        reference: chargeId,
        isPaid: status === 'SUCCEEDED',
      }),
    ),
  ),
  hasMore: z.boolean(),
});
