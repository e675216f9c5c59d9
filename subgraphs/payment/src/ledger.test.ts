import { createTestDatabase, type TestDatabase } from '@souk/dev/test-database';
import { type OpenDatabase, openDatabase, transaction } from '@souk/platform/database';
import { newId } from '@souk/platform/id';
import { createLogger } from '@souk/platform/logger';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { book, mustBalance } from './ledger.ts';
import { checkLedgerRights } from './ledger-rights.ts';
import { ledgerEntries, ledgerTransactions } from './tables.ts';

let database: OpenDatabase;
let store: TestDatabase;
beforeAll(async () => {
  store = await createTestDatabase('payment');
  database = openDatabase({ url: store.url });
});
afterAll(async () => {
  await database.close();
  await store.drop();
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

it('has its rights checked, and an account that could rewrite it is noticed', async () => {
  const log = createLogger('payment', { level: 'silent' });
  expect(await checkLedgerRights(database.db, log)).toBe(true);
  const admin = openDatabase({ url: store.adminUrl });
  expect(await checkLedgerRights(admin.db, log)).toBe(false);
  expect(await admin.db.select().from(ledgerEntries)).toHaveLength(2);
  await admin.close();
});

it('refuses entries that do not sum to zero in each currency', () => {
  const entries = [
    { amountMinor: 100n, currencyCode: 'EUR' },
    { amountMinor: -100n, currencyCode: 'USD' },
  ];
  expect(() => mustBalance(entries)).toThrow('Expected entries in EUR to sum to 0, got 100.');
});
