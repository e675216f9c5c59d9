import { amountMinor, createdAt, instant, updatedAt } from '@souk/platform/database';
import { idColumn } from '@souk/platform/id';
import { sql } from 'drizzle-orm';
import {
  boolean,
  char,
  check,
  index,
  int,
  json,
  mysqlTable,
  primaryKey,
  uniqueIndex,
  varchar,
} from 'drizzle-orm/mysql-core';
import type { LedgerAccount, LedgerKind } from './ledger.ts';
import type { Charge, NextAction, ProviderName } from './providers/provider.ts';

export { idempotencyKeys } from '@souk/platform/idempotency';
export { eventFailures, inbox } from '@souk/platform/inbox';
export { outbox } from '@souk/platform/outbox';

export type PaymentStatus =
  | 'REQUIRES_ACTION'
  | 'PROCESSING'
  | 'AUTHORIZED'
  | 'CAPTURED'
  | 'FAILED'
  | 'CANCELED'
  | 'PARTIALLY_REFUNDED'
  | 'REFUNDED'
  | 'EXPIRED';

/** One attempt to pay an order. The row is committed before the provider is asked, so no charge is ever unknown here. */
export const payments = mysqlTable(
  'payments',
  {
    id: idColumn('Payment', 'id').primaryKey(),
    orderId: idColumn('Order', 'order_id').notNull(),
    orderNumber: varchar('order_number', { length: 32 }).notNull(),
    userId: idColumn('User', 'user_id').notNull(),
    provider: varchar('provider', { length: 16 }).$type<ProviderName>().notNull(),
    status: varchar('status', { length: 24 }).$type<PaymentStatus>().notNull(),
    currencyCode: char('currency_code', { length: 3 }).notNull(),
    amountMinor: amountMinor('amount_minor').notNull(),
    capturedMinor: amountMinor('captured_minor').notNull().default(sql`0`),
    refundedMinor: amountMinor('refunded_minor').notNull().default(sql`0`),
    /** Granted and on its way; counted in `refundedMinor` once the provider has sent it. */
    refundPendingMinor: amountMinor('refund_pending_minor').notNull().default(sql`0`),
    failureCode: varchar('failure_code', { length: 64 }),
    failureMessage: varchar('failure_message', { length: 200 }),
    failureIsRetryable: boolean('failure_is_retryable'),
    providerReference: varchar('provider_reference', { length: 64 }),
    /** What the customer has to do, with REQUIRES_ACTION. */
    nextAction: json('next_action').$type<StoredAction>(),
    /** All that is kept of a card. */
    cardBrand: varchar('card_brand', { length: 16 }),
    cardLast4: char('card_last4', { length: 4 }),
    /** The order while this payment may still pay it or has paid it. Unique: so no order is paid twice. */
    liveOrderId: idColumn('Order', 'live_order_id'),
    expiresAt: instant('expires_at'),
    cancelRequestedAt: instant('cancel_requested_at'),
    /** When to ask the provider again how it stands; null once it is settled. */
    checkAt: instant('check_at'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    uniqueIndex('payments_live_order').on(table.liveOrderId),
    index('payments_by_order').on(table.orderId, table.id),
    index('payments_by_status').on(table.status, table.id),
    index('payments_by_day').on(table.provider, table.createdAt),
    index('payments_to_check').on(table.checkAt),
    check('payments_captured', sql`captured_minor >= 0 AND captured_minor <= amount_minor`),
    check(
      'payments_refunded',
      sql`refunded_minor >= 0 AND refund_pending_minor >= 0 AND refunded_minor + refund_pending_minor <= captured_minor`,
    ),
  ],
);

export type RefundStatus = 'PENDING' | 'SUCCEEDED' | 'FAILED';

/** Money to send back. Granted in one transaction with its reason, sent until the provider has done it or refuses for good. */
export const refunds = mysqlTable(
  'refunds',
  {
    id: idColumn('Refund', 'id').primaryKey(),
    paymentId: idColumn('Payment', 'payment_id').notNull(),
    amountMinor: amountMinor('amount_minor').notNull(),
    currencyCode: char('currency_code', { length: 3 }).notNull(),
    status: varchar('status', { length: 16 }).$type<RefundStatus>().notNull(),
    reason: varchar('reason', { length: 500 }).notNull(),
    /** Why the provider refuses, with FAILED. */
    failure: varchar('failure', { length: 200 }),
    /** When to ask the provider next; null once it is settled. */
    sendAt: instant('send_at'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    index('refunds_by_payment').on(table.paymentId, table.id),
    index('refunds_to_send').on(table.sendAt),
    check('refunds_amount', sql`amount_minor > 0`),
  ],
);

/** A movement of money, booked once. The service's account may not change or remove a row of the ledger. */
export const ledgerTransactions = mysqlTable(
  'ledger_transactions',
  {
    id: idColumn('LedgerTransaction', 'id').primaryKey(),
    paymentId: idColumn('Payment', 'payment_id').notNull(),
    kind: varchar('kind', { length: 24 }).$type<LedgerKind>().notNull(),
    /** What it follows from: the payment captured, or the refund. */
    sourceEvent: varchar('source_event', { length: 64 }).notNull(),
    createdAt: createdAt(),
  },
  (table) => [uniqueIndex('ledger_transactions_source').on(table.paymentId, table.kind, table.sourceEvent)],
);

/** One side of a movement. The entries of a transaction sum to zero in each currency. */
export const ledgerEntries = mysqlTable(
  'ledger_entries',
  {
    transactionId: idColumn('LedgerTransaction', 'transaction_id').notNull(),
    account: varchar('account', { length: 32 }).$type<LedgerAccount>().notNull(),
    currencyCode: char('currency_code', { length: 3 }).notNull(),
    amountMinor: amountMinor('amount_minor').notNull(),
  },
  (table) => [primaryKey({ columns: [table.transactionId, table.account, table.currencyCode] })],
);

/** What payment knows of an order: whether its money is still welcome. Locked before any payment of the order. */
export const orderStates = mysqlTable('order_states', {
  orderId: idColumn('Order', 'order_id').primaryKey(),
  state: varchar('state', { length: 16 }).$type<'OPEN' | 'CANCELED' | 'EXPIRED'>().notNull(),
  updatedAt: updatedAt(),
});

/** What providers report, each event once, kept before it is acted upon. */
export const providerEvents = mysqlTable(
  'provider_events',
  {
    provider: varchar('provider', { length: 16 }).$type<ProviderName>().notNull(),
    eventId: varchar('event_id', { length: 128 }).notNull(),
    paymentId: idColumn('Payment', 'payment_id').notNull(),
    charge: json('charge').$type<StoredCharge>().notNull(),
    /** What came of it; null until it was acted upon. */
    outcome: varchar('outcome', { length: 24 }),
    receivedAt: instant('received_at').notNull().default(sql`CURRENT_TIMESTAMP(3)`),
    processedAt: instant('processed_at'),
  },
  (table) => [
    primaryKey({ columns: [table.provider, table.eventId] }),
    index('provider_events_to_process').on(table.processedAt, table.receivedAt),
  ],
);

/** One comparison of a day's payments with the provider's own record of it. */
export const reconciliations = mysqlTable(
  'reconciliations',
  {
    id: idColumn('Reconciliation', 'id').primaryKey(),
    provider: varchar('provider', { length: 16 }).$type<ProviderName>().notNull(),
    /** In UTC, as `2026-11-21`. */
    day: char('day', { length: 10 }).notNull(),
    /** True until it is finished, then null. Unique with provider and day: so none is at work twice. */
    isRunning: boolean('is_running'),
    /** Until when somebody is at work on it. */
    leasedUntil: instant('leased_until').notNull().default(sql`CURRENT_TIMESTAMP(3)`),
    matched: int('matched').notNull().default(0),
    repaired: int('repaired').notNull().default(0),
    mismatchCount: int('mismatch_count').notNull().default(0),
    /** Why the provider could not be asked, the last time it was tried. */
    failure: varchar('failure', { length: 200 }),
    startedAt: instant('started_at').notNull().default(sql`CURRENT_TIMESTAMP(3)`),
    finishedAt: instant('finished_at'),
  },
  (table) => [
    uniqueIndex('reconciliations_running').on(table.provider, table.day, table.isRunning),
    index('reconciliations_due').on(table.isRunning, table.leasedUntil),
  ],
);

export type MismatchKind = 'UNKNOWN_CHARGE' | 'DUPLICATE_CHARGE' | 'AMOUNT' | 'MISSING_CHARGE' | 'REFUND';

/** What a person has to look at. */
export const reconciliationMismatches = mysqlTable(
  'reconciliation_mismatches',
  {
    reconciliationId: idColumn('Reconciliation', 'reconciliation_id').notNull(),
    position: int('position').notNull(),
    kind: varchar('kind', { length: 24 }).$type<MismatchKind>().notNull(),
    paymentId: idColumn('Payment', 'payment_id'),
    providerReference: varchar('provider_reference', { length: 64 }),
    expectedMinor: amountMinor('expected_minor'),
    expectedCurrency: char('expected_currency', { length: 3 }),
    foundMinor: amountMinor('found_minor'),
    foundCurrency: char('found_currency', { length: 3 }),
  },
  (table) => [primaryKey({ columns: [table.reconciliationId, table.position] })],
);

/** A charge as JSON, which has no 64-bit integers. What the customer has to do stands with the payment. */
export type StoredCharge = Omit<Charge, 'amountMinor' | 'nextAction'> & { amountMinor: string };
/** A next action without secrets: those are asked of the provider again. */
export type StoredAction = Exclude<NextAction, { kind: 'CLIENT_SECRET' }> | { kind: 'CLIENT_SECRET' };
export type PaymentRow = typeof payments.$inferSelect;
export type RefundRow = typeof refunds.$inferSelect;
export type OrderStateRow = typeof orderStates.$inferSelect;
export type ReconciliationRow = typeof reconciliations.$inferSelect;
export type ReconciliationMismatchRow = typeof reconciliationMismatches.$inferSelect;
