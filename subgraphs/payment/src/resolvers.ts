import { payload } from '@souk/platform/errors';
import { parseId } from '@souk/platform/id';
import { money, parseMoney } from '@souk/platform/money';
import { scalarsFor } from '@souk/platform/scalars';
import { readSubgraphSdl } from '@souk/schema/subgraphs';
import { actorOf, type Context } from './context.ts';
import type { Resolvers } from './generated/resolvers.ts';
import { nextActionOf } from './next-action.ts';
import { amountDueOf, paymentStatusOf } from './order.ts';
import { paymentCancel, paymentStart } from './payment.ts';
import { listPayments, maySee } from './payment-read.ts';
import { listReconciliations, reconciliationRun } from './reconcile.ts';
import { paymentRefund } from './refund.ts';

export const resolvers: Resolvers = {
  ...scalarsFor(readSubgraphSdl('payment')),

  Query: {
    payment: (_, { id }, context) => visiblePayment(parseId('Payment', id), context),
    paymentMethods: (_, { currencyCode }, { cashier }) =>
      [...cashier.providers.values()].filter((provider) => provider.supports(currencyCode)),
    payments: (_, args, { db }) => listPayments(db, args),
    reconciliations: (_, { first }, { db }) => listReconciliations(db, first ?? 20),
  },

  Mutation: {
    paymentStart: (_, { input }, context) =>
      payload(() => paymentStart(context.db, context.cashier, actorOf(context), input)),
    paymentCancel: (_, { input }, context) =>
      payload(() => paymentCancel(context.db, context.cashier, actorOf(context), input)),
    paymentRefund: (_, { input }, context) =>
      payload(() => paymentRefund(context.db, context.cashier, actorOf(context), input)),
    reconciliationRun: (_, wanted, { db, cashier }) => payload(() => reconciliationRun(db, cashier, wanted)),
  },

  Payment: {
    __resolveReference: ({ id }, context) => visiblePayment(id, context),
    order: ({ orderId, orderNumber }) => ({ id: orderId, number: orderNumber }),
    amount: ({ amountMinor, currencyCode }) => money(amountMinor, currencyCode),
    capturedAmount: ({ capturedMinor, currencyCode }) => money(capturedMinor, currencyCode),
    refundedAmount: ({ refundedMinor, currencyCode }) => money(refundedMinor, currencyCode),
    // Whoever acts pays: it is for nobody else, staff included.
    nextAction: (payment, _, { viewer, cashier }) =>
      viewer?.userId === payment.userId ? nextActionOf(cashier, payment) : null,
    failure: ({ failureCode: code, failureMessage: message, failureIsRetryable: isRetryable }) =>
      code !== null && message !== null ? { code, message, isRetryable: isRetryable ?? false } : null,
    refunds: ({ id }, _, { loaders }) => loaders.refundsByPayment.load(id),
  },

  PaymentNextAction: { __resolveType: ({ kind }) => actionTypes[kind] },

  Refund: {
    __resolveReference: async ({ id }, context) => {
      const refund = await context.loaders.refundById.load(id);
      return refund && (await visiblePayment(refund.paymentId, context)) ? refund : null;
    },
    amount: ({ amountMinor, currencyCode }) => money(amountMinor, currencyCode),
  },

  Order: {
    payments: ({ id }, _, context) => visiblePayments(id, context),
    paymentStatus: async ({ id }, _, context) => {
      const payments = await visiblePayments(id, context);
      return payments && paymentStatusOf(payments);
    },
    amountDue: async ({ id, total }, _, context) => {
      const payments = await visiblePayments(id, context);
      if (!payments || !total) return null;
      const { amountMinor, currencyCode } = amountDueOf(parseMoney(total), payments);
      return money(amountMinor, currencyCode);
    },
  },

  Reconciliation: {
    mismatches: ({ id }, _, { loaders }) => loaders.mismatchesByReconciliation.load(id),
  },

  ReconciliationMismatch: {
    expected: ({ expectedMinor, expectedCurrency }) => moneyOrNothing(expectedMinor, expectedCurrency),
    found: ({ foundMinor, foundCurrency }) => moneyOrNothing(foundMinor, foundCurrency),
  },

  PaymentMethodOption: {
    provider: ({ name }) => name,
  },

  Node: { __resolveType: () => 'Payment' },
  UserError: { __resolveType: () => 'PaymentUserError' },
};

function moneyOrNothing(amountMinor: bigint | null, currencyCode: string | null) {
  return amountMinor !== null && currencyCode !== null ? money(amountMinor, currencyCode) : null;
}

const actionTypes = {
  REDIRECT: 'PaymentRedirect',
  CLIENT_SECRET: 'PaymentClientSecret',
  QR_CODE: 'PaymentQrCode',
} as const;

async function visiblePayment(id: string, { loaders, viewer }: Context) {
  const payment = await loaders.paymentById.load(id);
  return payment && maySee(viewer, payment) ? payment : null;
}

/**
 * All payments of an order; null for guests, and for staff who may see orders but not payments. To a stranger the order of somebody else is like one that has
 * never been, which has none: otherwise null would tell that there is such an order, and that somebody pays it.
 */
async function visiblePayments(orderId: string, { loaders, viewer }: Context) {
  if (!viewer) return null;
  const payments = await loaders.paymentsByOrder.load(orderId);
  if (payments.every((payment) => maySee(viewer, payment))) return payments;
  return viewer.scopes.has('order:read') ? null : [];
}
