import { createTestDatabase } from '@souk/dev/test-database';
import { type OpenDatabase, openDatabase, transaction } from '@souk/platform/database';
import { newId } from '@souk/platform/id';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { book, mustBalance } from './ledger.ts';
import { ledgerEntries, ledgerTransactions } from './tables.ts';

let database: OpenDatabase;
let drop: () => Promise<void>;
beforeAll(async () => {
  const store = await createTestDatabase('payment');
  database = openDatabase({ url: store.url });
  drop = store.drop;
});
afterAll(async () => {
  await database.close();
  await drop();
});

const movement = {
  paymentId: newId('Payment'),
  kind: 'CAPTURE',
  sourceEvent: 'one',
  amountMinor: 4990n,
  currencyCode: 'EUR',
} as const;

it('books each movement on two accounts, once for each source', async () => {
  await transaction(database.db, (tx) => book(tx, movement));
  const entries = await database.db.select().from(ledgerEntries).orderBy(ledgerEntries.amountMinor);
  expect(entries.map(({ account, amountMinor }) => [account, amountMinor])).toEqual([
    ['customer_orders', -4990n],
    ['provider_receivable', 4990n],
  ]);
  await expect(transaction(database.db, (tx) => book(tx, movement))).rejects.toThrow();
  expect(await database.db.select().from(ledgerTransactions)).toHaveLength(1);
});

it('is never changed: the service’s own account may not', async () => {
  await expect(database.db.update(ledgerEntries).set({ amountMinor: 1n })).rejects.toThrow();
  await expect(database.db.delete(ledgerTransactions)).rejects.toThrow();
  expect(await database.db.select().from(ledgerEntries)).toHaveLength(2);
});

it('refuses entries that do not sum to zero in each currency', () => {
  const entries = [
    { amountMinor: 100n, currencyCode: 'EUR' },
    { amountMinor: -100n, currencyCode: 'USD' },
  ];
  expect(() => mustBalance(entries)).toThrow('Expected entries in EUR to sum to 0, got 100.');
});
