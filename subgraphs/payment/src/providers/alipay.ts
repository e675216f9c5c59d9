import { money } from '@souk/platform/money';
import type { AlipaySdk } from 'alipay-sdk';
import { z } from 'zod';
import { AlipayRefusal, beijingTime, call, openSdk } from './alipay-call.ts';
import { createNotifyReader } from './alipay-notify.ts';
import { CURRENCY, chargeOf, listedOf, sales, trade } from './alipay-trade.ts';
import {
  type Charge,
  type ChargeRequest,
  type NextAction,
  type PaymentProvider,
  ProviderFailure,
  type ProviderName,
  type RefundOutcome,
} from './provider.ts';

/** Within what the gateway grants a payment, with room for the rest of the work. */
const TIMEOUT_MS = 3_000;

export interface AlipayOptions {
  appId: string;
  /** The app's own key: base64 of PKCS #8. */
  privateKey: string;
  /** Alipay's key for this app: base64 of SPKI. */
  publicKey: string;
  /** The account that the money goes to. */
  sellerId: string;
  /** Where Alipay reaches `/webhooks/alipay` from outside. */
  notifyUrl: string;
  /** Another gateway than Alipay's own, for its sandbox or a stand-in. */
  gateway?: string | undefined;
  timeoutMs?: number;
}

/** Paying on Alipay's page: the customer follows a signed link and comes back to the shop. */
export function openAlipayPage(options: AlipayOptions): PaymentProvider {
  return openAlipay(options, {
    name: 'ALIPAY_PAGE',
    label: 'Alipay',
    needs: 'returnUrl',
    path: 'alipay/page',
    begin: async (sdk, bizContent, { notifyUrl, returnUrl }) => ({
      kind: 'REDIRECT',
      url: sdk.pageExecute('alipay.trade.page.pay', 'GET', {
        ...{ notifyUrl, ...(returnUrl && { returnUrl }), timestamp: beijingTime(new Date()) },
        bizContent: { ...bizContent, product_code: 'FAST_INSTANT_TRADE_PAY' },
      }),
    }),
  });
}

/** Paying by a code that the customer scans with Alipay. */
export function openAlipayQr(options: AlipayOptions): PaymentProvider {
  return openAlipay(options, {
    name: 'ALIPAY_QR',
    label: 'Alipay QR code',
    needs: null,
    path: 'alipay/qr',
    begin: async (sdk, bizContent, { notifyUrl }) => {
      const answer = await call(sdk, 'alipay.trade.precreate', bizContent, precreated, { notifyUrl });
      return { kind: 'QR_CODE', payload: answer.qr_code };
    },
  });
}

/** All that differs between the ways to pay by Alipay. */
interface Product extends Pick<PaymentProvider, 'label' | 'needs'> {
  name: ProviderName;
  path: string;
  begin(
    sdk: AlipaySdk,
    bizContent: Record<string, string>,
    urls: { notifyUrl: string; returnUrl: string | null },
  ): Promise<NextAction>;
}

const precreated = z.object({ qr_code: z.string().min(1).max(1_024) });
const closed = z.object({ trade_no: z.string().max(64).optional() });
const refunded = z.object({ fund_change: z.string().optional() });
const refundFound = z.object({ refund_status: z.string().optional() });

function openAlipay(options: AlipayOptions, { path, begin, ...product }: Product): PaymentProvider {
  const { appId, sellerId, notifyUrl, gateway, timeoutMs = TIMEOUT_MS } = options;
  const sdk = openSdk({ ...options, timeoutMs });

  async function find(paymentId: string): Promise<Charge | null> {
    try {
      const found = await call(sdk, 'alipay.trade.query', { out_trade_no: paymentId }, trade);
      if (found.out_trade_no !== paymentId)
        throw new ProviderFailure('unknown', 'Alipay answered about another trade.');
      return chargeOf(found);
    } catch (error) {
      if (isRefusal(error, 'ACQ.TRADE_NOT_EXIST')) return null;
      throw error;
    }
  }

  return {
    ...product,
    account: 'alipay',
    isTestMode: gateway !== undefined && new URL(gateway).hostname !== 'openapi.alipay.com',
    supports: (currencyCode) => currencyCode === CURRENCY,
    webhook: createNotifyReader(sdk, { path, appId, sellerId }),

    async charge(request) {
      const urls = { notifyUrl: `${notifyUrl}/${path.split('/')[1]}`, returnUrl: request.returnUrl };
      try {
        const nextAction = await begin(sdk, orderOf(request), urls);
        return { ...unpaid(request.amountMinor), status: 'REQUIRES_ACTION', nextAction };
      } catch (error) {
        // Nobody has seen the code, so nobody can pay by it.
        if (error instanceof ProviderFailure) throw new ProviderFailure('not-done', error.message, error.cause);
        throw error;
      }
    },

    find: ({ paymentId }) => find(paymentId),

    /**
     * Closes a trade that waits for its buyer. `alipay.trade.cancel` would not do: it sends back the money of a trade that is paid. Where there is no
     * trade yet there is nothing to close; then the link or code is good until the payment's own time is over.
     */
    async cancel({ paymentId }) {
      try {
        const { trade_no } = await call(sdk, 'alipay.trade.close', { out_trade_no: paymentId }, closed);
        return { ...unpaid(0n), status: 'CANCELED', reference: trade_no ?? null };
      } catch (error) {
        if (!(error instanceof AlipayRefusal)) throw error;
        return (await find(paymentId)) ?? { ...unpaid(0n), status: 'CANCELED' };
      }
    },

    async refund({ paymentId, refundId, amountMinor }): Promise<RefundOutcome> {
      const about = { out_trade_no: paymentId, out_request_no: refundId };
      const wanted = { ...about, refund_amount: money(amountMinor, CURRENCY).amount };
      try {
        const { fund_change } = await call(sdk, 'alipay.trade.refund', wanted, refunded);
        if (fund_change === 'Y') return { status: 'SUCCEEDED' };
      } catch (error) {
        if (error instanceof AlipayRefusal && refusedForGood.has(error.code)) {
          return { status: 'FAILED', failure: error.code };
        }
        throw error;
      }
      // Asked a second time, Alipay moves nothing; whether it did the first time has to be looked up.
      const found = await call(sdk, 'alipay.trade.fastpay.refund.query', about, refundFound);
      return { status: found.refund_status === 'REFUND_SUCCESS' ? 'SUCCEEDED' : 'PENDING' };
    },

    async *list({ from, to }) {
      const span = { start_time: beijingTime(from), end_time: beijingTime(to), page_size: '2000' };
      for (let page = 1, seen = 0, total = 1; seen < total; page++) {
        const asked = { ...span, page_no: String(page) };
        const { detail_list: found, total_size } = await call(sdk, 'alipay.data.bill.sell.query', asked, sales);
        for (const sale of found) yield listedOf(sale);
        seen += found.length;
        total = found.length > 0 ? total_size : 0;
      }
    },

    close: async () => {},
  };
}

/** What both ways to pay tell Alipay. */
function orderOf({ paymentId, orderNumber, amountMinor, expiresAt }: ChargeRequest): Record<string, string> {
  return {
    out_trade_no: paymentId,
    total_amount: money(amountMinor, CURRENCY).amount,
    subject: `Order ${orderNumber}`,
    ...(expiresAt && { time_expire: beijingTime(expiresAt) }),
  };
}

function unpaid(amountMinor: bigint): Omit<Charge, 'status'> {
  return { reference: null, amountMinor, currencyCode: CURRENCY, failure: null };
}

function isRefusal(error: unknown, code: string): boolean {
  return error instanceof AlipayRefusal && error.code === code;
}

/** https://opendocs.alipay.com/open/028sm9: reasons that no waiting will cure. */
const refusedForGood = new Set([
  'ACQ.TRADE_NOT_EXIST',
  'ACQ.TRADE_HAS_FINISHED',
  'ACQ.TRADE_STATUS_ERROR',
  'ACQ.REASON_TRADE_REFUND_FEE_ERR',
  'ACQ.REFUND_AMT_NOT_EQUAL_TOTAL',
  'ACQ.NOT_ALLOW_PARTIAL_REFUND',
]);
