import { Pool } from 'undici';
import { z } from 'zod';
import {
  type Charge,
  type ListedCharge,
  type PaymentProvider,
  ProviderFailure,
  type RefundOutcome,
} from './provider.ts';
import { testCardCharge, testCardPage } from './test-card-charge.ts';
import { createWebhookReader } from './test-card-webhook.ts';

const problem = z.object({ code: z.string() });

const CONNECT_TIMEOUT_MS = 500;
/** Within what the gateway grants a payment, with room for the rest of the work. */
const TIMEOUT_MS = 3_000;

export interface TestCardOptions {
  url: string;
  /** Newest first: the first is sent, each is believed in a webhook. */
  secrets: readonly [string, ...string[]];
  timeoutMs?: number;
}

/** Cards for trying out, by a process that stands for the outside world. */
export function openTestCard({ url, secrets, timeoutMs = TIMEOUT_MS }: TestCardOptions): PaymentProvider {
  const pool = new Pool(new URL(url).origin, {
    connections: 32,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    keepAliveTimeout: 30_000,
  });
  const headers = { authorization: `Bearer ${secrets[0]}`, 'content-type': 'application/json' };

  async function call(method: 'GET' | 'POST', path: string, body?: object): Promise<Answer> {
    try {
      const answer = await pool.request({
        method,
        path,
        headers,
        body: body ? JSON.stringify(body) : null,
        signal: AbortSignal.timeout(timeoutMs),
      });
      return { status: answer.statusCode, body: await answer.body.json() };
    } catch (cause) {
      const outcome = isNeverSent(cause) ? 'not-done' : 'unknown';
      throw new ProviderFailure(outcome, 'The provider of test cards did not answer.', cause);
    }
  }

  return {
    name: 'TEST_CARD',
    label: 'Test card',
    isTestMode: true,
    account: 'test-card',
    needs: 'testCard',
    supports: () => true,
    webhook: createWebhookReader(secrets),

    async charge({ paymentId, amountMinor, currencyCode, card }) {
      if (!card) throw new ProviderFailure('not-done', 'A test card cannot be charged without its number.');
      const body = { paymentId, amountMinor: String(amountMinor), currencyCode, card: { number: card.number } };
      return chargeIn(await call('POST', '/charges', body));
    },

    async find({ paymentId }) {
      const answer = await call('GET', `/charges/${paymentId}`);
      return answer.status === 404 ? null : chargeIn(answer);
    },

    async cancel({ paymentId }) {
      return chargeIn(await call('POST', `/charges/${paymentId}/cancel`, {}));
    },

    async refund({ paymentId, refundId, amountMinor }): Promise<RefundOutcome> {
      const body = { refundId, amountMinor: String(amountMinor) };
      const answer = await call('POST', `/charges/${paymentId}/refunds`, body);
      if (answer.status === 409) return { status: 'FAILED', failure: problem.parse(answer.body).code };
      chargeIn(answer);
      return { status: 'SUCCEEDED' };
    },

    async *list({ from, to }): AsyncGenerator<ListedCharge> {
      const span = { since: from.toISOString(), until: to.toISOString() };
      for (let after: string | null | undefined; after !== null; ) {
        const query = new URLSearchParams({ ...span, ...(after && { after }) });
        const { charges, hasMore } = read(testCardPage, await call('GET', `/charges?${query}`));
        yield* charges;
        after = hasMore ? (charges.at(-1)?.paymentId ?? null) : null;
      }
    },

    close: () => pool.close(),
  };
}

interface Answer {
  status: number;
  body: unknown;
}

function chargeIn(answer: Answer): Charge {
  return read(testCardCharge, answer);
}

/** A request that was refused did nothing; a fault on their side may have come before the deed or after it. */
function read<Result>(schema: z.ZodType<Result>, { status, body }: Answer): Result {
  if (status >= 400) {
    throw new ProviderFailure(status < 500 ? 'not-done' : 'unknown', `The provider of test cards answered ${status}.`);
  }
  const { data, error } = schema.safeParse(body);
  if (!data) throw new ProviderFailure('unknown', 'The provider of test cards answered something else.', error);
  return data;
}

/** Without a connection nothing was sent. Any later failure leaves open whether the request arrived. */
function isNeverSent(cause: unknown): boolean {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'UND_ERR_CONNECT_TIMEOUT';
}
