import { z } from 'zod';
import type { Charge } from './provider.ts';

/** A charge as the provider of test cards describes it, in answers and in webhooks. */
export const testCardCharge = z
  .object({
    status: z.enum(['PROCESSING', 'SUCCEEDED', 'DECLINED', 'CANCELED']),
    chargeId: z.string().max(64).nullable(),
    amountMinor: z
      .string()
      .regex(/^\d{1,18}$/)
      .transform(BigInt),
    currencyCode: z.string().max(3),
    failure: z.object({ code: z.string().max(64), message: z.string().max(200), isRetryable: z.boolean() }).nullable(),
  })
  .transform(
    ({ status, chargeId, ...charge }): Charge => ({
      ...charge,
      status: status === 'SUCCEEDED' ? 'CAPTURED' : status,
      reference: chargeId,
    }),
  );
