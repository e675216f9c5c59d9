import type { Transaction } from '@souk/platform/database';
import { newId } from '@souk/platform/id';
import { sum } from '@souk/platform/money';
import { ledgerEntries, ledgerTransactions } from './tables.ts';

/**
 * The ledger: what happened to the money, double-entry and append-only, in whole minor units. Debits are positive, credits negative.
 *
 * provider_receivable  what providers hold for us
 * customer_orders      what customers have paid for orders, less what was granted back
 * refunds_payable      what was granted back and has not been sent yet; empty when all is settled
 */
export type LedgerAccount = 'provider_receivable' | 'customer_orders' | 'refunds_payable';
export type LedgerKind = 'CAPTURE' | 'REFUND_GRANTED' | 'REFUND_SENT' | 'REFUND_FAILED';

/** From which account to which an amount moves, for each kind of movement. */
export const movements: Record<LedgerKind, { debit: LedgerAccount; credit: LedgerAccount }> = {
  CAPTURE: { debit: 'provider_receivable', credit: 'customer_orders' },
  REFUND_GRANTED: { debit: 'customer_orders', credit: 'refunds_payable' },
  REFUND_SENT: { debit: 'refunds_payable', credit: 'provider_receivable' },
  REFUND_FAILED: { debit: 'refunds_payable', credit: 'customer_orders' },
};

export interface Movement {
  paymentId: string;
  kind: LedgerKind;
  /** What the movement follows from; the same source is booked once. */
  sourceEvent: string;
  amountMinor: bigint;
  currencyCode: string;
}

/** Books a movement in the transaction of its fact. Booked twice, it fails on the unique index, and the fact with it. */
export async function book(
  tx: Transaction,
  { paymentId, kind, sourceEvent, amountMinor, currencyCode }: Movement,
): Promise<void> {
  const { debit, credit } = movements[kind];
  const entries = [
    { account: debit, amountMinor, currencyCode },
    { account: credit, amountMinor: -amountMinor, currencyCode },
  ];
  mustBalance(entries);
  const id = newId('LedgerTransaction');
  await tx.insert(ledgerTransactions).values({ id, paymentId, kind, sourceEvent });
  await tx.insert(ledgerEntries).values(entries.map((entry) => ({ transactionId: id, ...entry })));
}

/** @throws {RangeError} unless the entries of each currency sum to zero */
export function mustBalance(entries: readonly { amountMinor: bigint; currencyCode: string }[]): void {
  for (const [currencyCode, sides] of Map.groupBy(entries, (entry) => entry.currencyCode)) {
    const balance = sum(sides.map((side) => side.amountMinor));
    if (balance !== 0n) throw new RangeError(`Expected entries in ${currencyCode} to sum to 0, got ${balance}.`);
  }
}
