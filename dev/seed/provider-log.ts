import { existsSync } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import { testCards } from '../../subgraphs/payment/test-provider/cards.ts';
import type { Fact } from '../../subgraphs/payment/test-provider/log.ts';
import type { DemoOrder } from './orders.ts';

/**
 * Adds what the provider of test cards did in the past to its log, from which it knows everything after its next start.
 * Told twice, it is written once.
 */
export async function appendToProviderLog(file: string, orders: readonly DemoOrder[]): Promise<void> {
  const facts = orders.flatMap(factsOf).sort((one, other) => (one.at < other.at ? -1 : 1));
  const written = existsSync(file) ? await readFile(file, 'utf8') : '';
  if (facts[0] && written.includes(facts[0].paymentId)) return;
  await appendFile(file, facts.map((fact) => `${JSON.stringify(fact)}\n`).join(''), { mode: 0o600 });
}

function factsOf({ payments, totalMinor, currencyCode }: DemoOrder): Fact[] {
  const amountMinor = String(totalMinor);
  return payments.flatMap(({ id: paymentId, chargeId, cardNumber, startedAt, settledAt, failure, refund }) => {
    const at = settledAt.toISOString();
    const facts: Fact[] = [
      {
        at: startedAt.toISOString(),
        type: 'charge.created',
        paymentId,
        chargeId,
        amountMinor,
        currencyCode,
        cardLast4: cardNumber.slice(-4),
        outcome: testCards[cardNumber]?.outcome ?? 'DECLINE',
        approvesAt: null,
      },
      failure ? { at, type: 'charge.declined', paymentId, failure } : { at, type: 'charge.approved', paymentId },
    ];
    if (refund) {
      facts.push({
        at: refund.sentAt.toISOString(),
        type: 'refund.succeeded',
        paymentId,
        refundId: refund.id,
        amountMinor,
      });
    }
    return facts;
  });
}
