import { parseMoney } from '@souk/platform/money';
import { z } from 'zod';
import type { Charge, ListedCharge } from './provider.ts';

/** Alipay's amounts are decimal text, and all of them are yuan. */
export const CURRENCY = 'CNY';

export const yuan = z.string().transform((amount, context) => {
  try {
    return parseMoney({ amount, currencyCode: CURRENCY }).amountMinor;
  } catch {
    context.addIssue({ code: 'custom', message: 'Expected an amount in yuan.' });
    return z.NEVER;
  }
});

/** What a notification and the answer to a query say of a trade. */
export const trade = z.object({
  trade_no: z.string().min(1).max(64),
  out_trade_no: z.string().max(64),
  trade_status: z.enum(['WAIT_BUYER_PAY', 'TRADE_SUCCESS', 'TRADE_FINISHED', 'TRADE_CLOSED']),
  total_amount: yuan,
});

export function chargeOf({ trade_no, trade_status, total_amount }: z.output<typeof trade>): Charge {
  return {
    status: statuses[trade_status],
    reference: trade_no,
    amountMinor: total_amount,
    currencyCode: CURRENCY,
    failure: null,
  };
}

/** A trade begins when the buyer scans the code or signs in to the page: until TRADE_SUCCESS no money has moved. */
const statuses: Record<z.output<typeof trade>['trade_status'], Charge['status']> = {
  WAIT_BUYER_PAY: 'REQUIRES_ACTION',
  TRADE_SUCCESS: 'CAPTURED',
  TRADE_FINISHED: 'CAPTURED',
  TRADE_CLOSED: 'CANCELED',
};

/** A sale in the account's record, whichever way it was paid and whoever made it. */
const sale = z.object({
  alipay_order_no: z.string().max(64),
  merchant_order_no: z.string().max(64).optional(),
  total_amount: yuan,
  refund_amount: yuan.optional(),
  gmt_pay: z.string().optional(),
});

/** A page of that record. */
export const sales = z.object({
  total_size: z.coerce.number().int().min(0),
  detail_list: z.array(sale).default([]),
});

/** Its words for where a sale stands are made for people; when it was paid is plain. */
export function listedOf(found: z.output<typeof sale>): ListedCharge {
  return {
    paymentId: found.merchant_order_no ?? null,
    reference: found.alipay_order_no,
    isPaid: Boolean(found.gmt_pay),
    amountMinor: found.total_amount,
    currencyCode: CURRENCY,
    refundedMinor: found.refund_amount ?? 0n,
  };
}
