import type { Edge, Connection as Page } from '@souk/platform/connection';
import type { Money as PublicMoney } from '@souk/platform/money';
import type { NextAction, PaymentProvider } from './providers/provider.ts';
import type { PaymentRow, ReconciliationMismatchRow, ReconciliationRow, RefundRow } from './tables.ts';

/** What each GraphQL type is made of. */
export type Payment = PaymentRow;
export type PaymentConnection = Page<PaymentRow>;
export type PaymentEdge = Edge<PaymentRow>;
export type PaymentMethodOption = PaymentProvider;
export type PaymentRedirect = Extract<NextAction, { kind: 'REDIRECT' }>;
export type PaymentClientSecret = Extract<NextAction, { kind: 'CLIENT_SECRET' }>;
export type PaymentQrCode = Extract<NextAction, { kind: 'QR_CODE' }>;
export type Refund = RefundRow;
export type Reconciliation = ReconciliationRow;
export type ReconciliationMismatch = ReconciliationMismatchRow;
export type Money = PublicMoney;
/** An order by its id, with what its own service or the payment has told about it. */
export interface Order {
  id: string;
  number?: string;
  total?: PublicMoney;
}
