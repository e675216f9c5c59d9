import { eq } from 'drizzle-orm';
import { ledgerEntries, ledgerTransactions, payments, refunds } from './src/tables.ts';
import type { TestService } from './test-service.ts';

/**
 * Holds the books against each other when everything has settled: the ledger balances, payments and refunds say what the ledger says,
 * and the provider's own log knows of the same money.
 *
 * @returns a line for everything that does not agree
 */
export async function disagreements({ db, provider }: TestService): Promise<string[]> {
  const found: string[] = [];
  const compare = (what: string, ours: unknown, theirs: unknown) => {
    if (String(ours) !== String(theirs)) found.push(`${what}: ${ours} against ${theirs}`);
  };
  const entries = await db
    .select()
    .from(ledgerEntries)
    .innerJoin(ledgerTransactions, eq(ledgerTransactions.id, ledgerEntries.transactionId));
  const moved = entries.map((row) => ({ ...row.ledger_entries, ...row.ledger_transactions }));
  for (const [transaction, rows] of Map.groupBy(moved, (row) => `${row.id} ${row.currencyCode}`)) {
    compare(`ledger transaction ${transaction}`, balance(rows), 0n);
  }
  compare('money in suspense', balance(moved.filter((row) => row.account === 'refunds_payable')), 0n);

  const ours = await db.select().from(payments);
  for (const payment of ours) {
    const held = moved.filter((row) => row.paymentId === payment.id && row.account === 'provider_receivable');
    compare(`held of ${payment.id}`, payment.capturedMinor - payment.refundedMinor, balance(held));
  }

  const facts = await provider.facts();
  const charged = new Map(
    facts.flatMap((fact) => (fact.type === 'charge.created' ? [[fact.paymentId, fact.amountMinor]] : [])),
  );
  const taken = facts.flatMap((fact) =>
    fact.type === 'charge.approved' ? [`${fact.paymentId} ${charged.get(fact.paymentId)}`] : [],
  );
  const captured = ours.filter((payment) => payment.capturedMinor > 0n);
  compare('captured', captured.map((payment) => `${payment.id} ${payment.capturedMinor}`).sort(), taken.sort());

  const sent = (await db.select().from(refunds)).filter((refund) => refund.status === 'SUCCEEDED');
  const returned = facts.flatMap((fact) =>
    fact.type === 'refund.succeeded' ? [`${fact.refundId} ${fact.amountMinor}`] : [],
  );
  compare('refunded', sent.map((refund) => `${refund.id} ${refund.amountMinor}`).sort(), returned.sort());
  return found;
}

function balance(rows: readonly { amountMinor: bigint }[]): bigint {
  return rows.reduce((total, row) => total + row.amountMinor, 0n);
}
