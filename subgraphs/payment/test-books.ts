import { eq } from 'drizzle-orm';
import { expect } from 'vitest';
import { ledgerEntries, ledgerTransactions, payments, refunds } from './src/tables.ts';
import type { TestService } from './test-service.ts';

/**
 * Holds the books against each other when everything has settled: the ledger balances, payments and refunds say what the ledger says,
 * and the provider's own log knows of the same money.
 */
export async function expectBooksToAgree({ db, provider }: TestService): Promise<void> {
  const entries = await db
    .select()
    .from(ledgerEntries)
    .innerJoin(ledgerTransactions, eq(ledgerTransactions.id, ledgerEntries.transactionId));
  const moved = entries.map((row) => ({ ...row.ledger_entries, ...row.ledger_transactions }));
  const balance = (rows: typeof moved) => rows.reduce((total, row) => total + row.amountMinor, 0n);
  for (const [transaction, rows] of Map.groupBy(moved, (row) => `${row.id} ${row.currencyCode}`)) {
    expect(balance(rows), `ledger transaction ${transaction}`).toBe(0n);
  }
  expect(balance(moved.filter((row) => row.account === 'refunds_payable')), 'money in suspense').toBe(0n);

  const facts = await provider.facts();
  const charged = new Map(facts.flatMap((fact) => (fact.type === 'charge.created' ? [[fact.paymentId, BigInt(fact.amountMinor)]] : [])));
  const approved = facts.flatMap((fact) => (fact.type === 'charge.approved' ? [fact.paymentId] : []));
  const taken = approved.map((paymentId) => [paymentId, charged.get(paymentId)]).sort();
  const returned = facts.flatMap((fact) => (fact.type === 'refund.succeeded' ? [[fact.refundId, BigInt(fact.amountMinor)]] : [])).sort();

  const ours = await db.select().from(payments);
  const captured = ours.filter((payment) => payment.capturedMinor > 0n);
  expect(captured.map((payment) => [payment.id, payment.capturedMinor]).sort(), 'captured = approved by the provider').toEqual(taken);
  const sent = (await db.select().from(refunds)).filter((refund) => refund.status === 'SUCCEEDED');
  expect(sent.map((refund) => [refund.id, refund.amountMinor]).sort(), 'refunded = sent by the provider').toEqual(returned);

  for (const payment of captured) {
    const rows = moved.filter((row) => row.paymentId === payment.id && row.account === 'provider_receivable');
    expect(balance(rows), `what the provider holds of ${payment.id}`).toBe(payment.capturedMinor - payment.refundedMinor);
  }
}
