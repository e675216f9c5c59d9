import { loaderByKey, loaderOfMany } from '@souk/platform/batch';
import type { Database } from '@souk/platform/database';
import { findPaymentsOfOrders } from './order.ts';
import { findPayments } from './payment-read.ts';
import { findMismatches } from './reconcile.ts';
import { findRefunds, findRefundsOfPayments } from './refund.ts';

/** Every read by key, made anew for each request. */
export function createLoaders(db: Database) {
  return {
    paymentById: loaderByKey({ load: (ids) => findPayments(db, ids), key: (payment) => payment.id }),
    paymentsByOrder: loaderOfMany({ load: (ids) => findPaymentsOfOrders(db, ids), key: (payment) => payment.orderId }),
    refundById: loaderByKey({ load: (ids) => findRefunds(db, ids), key: (refund) => refund.id }),
    refundsByPayment: loaderOfMany({
      load: (ids) => findRefundsOfPayments(db, ids),
      key: (refund) => refund.paymentId,
    }),
    mismatchesByReconciliation: loaderOfMany({
      load: (ids) => findMismatches(db, ids),
      key: (mismatch) => mismatch.reconciliationId,
    }),
  };
}

export type Loaders = ReturnType<typeof createLoaders>;
