import { z } from 'zod';

/** What the provider of test cards says happened to the money: the witness outside of the shop. */
export interface ProviderLog {
  charges(): Promise<ProviderCharge[]>;
}

const charge = z.object({
  paymentId: z.string(),
  chargeId: z.string().nullable(),
  status: z.string(),
  amountMinor: z.string(),
  currencyCode: z.string(),
  refundedMinor: z.string(),
  createdAt: z.string(),
});
export type ProviderCharge = z.infer<typeof charge>;

const page = z.object({ charges: z.array(charge), hasMore: z.boolean() });

const TIMEOUT_MS = 10_000;

/** Reads the provider's list over its HTTP API, page by page. */
export function openProviderLog({ url, secret }: { url: string; secret: string }): ProviderLog {
  async function since(instant: string): Promise<z.infer<typeof page>> {
    const answer = await fetch(new URL(`/charges?since=${instant}`, url), {
      headers: { authorization: `Bearer ${secret}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!answer.ok)
      throw new Error(`The provider of test cards answered ${answer.status} to a question for its charges.`);
    return page.parse(await answer.json());
  }

  return {
    async charges() {
      const found = new Map<string, ProviderCharge>();
      for (let instant = new Date(0).toISOString(); ; ) {
        const { charges, hasMore } = await since(instant);
        for (const each of charges) found.set(each.paymentId, each);
        const last = charges.at(-1)?.createdAt;
        if (!hasMore || last === undefined) return [...found.values()];
        // Pages overlap by the charges of one instant; a page of nothing else could not be passed.
        if (last === instant)
          throw new Error(`The provider of test cards made more charges at ${last} than fit on a page.`);
        instant = last;
      }
    },
  };
}
