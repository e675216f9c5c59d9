import { createSign, createVerify, generateKeyPairSync, randomUUID } from 'node:crypto';
import { freePort } from '@souk/dev/free-port';
import { type FastifyRequest, fastify } from 'fastify';

/**
 * A stand-in for Alipay's gateway that speaks the part of its wire format that the shop uses: signed form requests, signed JSON answers, links to
 * its page, codes, signed notifications. It verifies every request with the app's public key. What the buyer does is done by the test.
 *
 * https://opendocs.alipay.com/common/02kf5q (signing a request), /common/02mse7 (verifying an answer), /open/270/105902 (notifications)
 */
export type AlipayStandIn = Awaited<ReturnType<typeof openAlipayStandIn>>;

export interface Trade {
  trade_no: string;
  out_trade_no: string;
  total_amount: string;
  trade_status: 'WAIT_BUYER_PAY' | 'TRADE_SUCCESS' | 'TRADE_FINISHED' | 'TRADE_CLOSED';
  gmt_create: string;
  gmt_pay?: string;
  /** Amount by the number of the refund. */
  refunds: Map<string, string>;
}

type Fields = Record<string, string>;

const APP_ID = '2021000122671080';
const SELLER_ID = '2088102146225135';

export async function openAlipayStandIn() {
  const app = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const alipay = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const offers = new Map<string, Fields>();
  const trades = new Map<string, Trade>();
  const requests: { method: string; parameters: Fields; bizContent: Fields }[] = [];
  let trouble: 'none' | 'silent' | 'fault' | 'unsigned' | 'forged' = 'none';

  const methods: Record<string, (biz: Fields) => Fields | Record<string, unknown>> = {
    'alipay.trade.precreate': (biz) => {
      offers.set(biz['out_trade_no'] ?? '', biz);
      return { out_trade_no: biz['out_trade_no'], qr_code: `https://qr.alipay.example/${biz['out_trade_no']}` };
    },
    'alipay.trade.query': (biz) => {
      const { refunds: _, ...trade } = known(biz);
      return { ...trade, buyer_logon_id: '159****5620' };
    },
    'alipay.trade.close': (biz) => {
      const trade = known(biz);
      if (trade.trade_status !== 'WAIT_BUYER_PAY') throw new Refused('ACQ.TRADE_STATUS_ERROR');
      trade.trade_status = 'TRADE_CLOSED';
      return { trade_no: trade.trade_no, out_trade_no: trade.out_trade_no };
    },
    'alipay.trade.refund': (biz) => {
      const trade = known(biz);
      const [id, amount] = [biz['out_request_no'] ?? '', biz['refund_amount'] ?? ''];
      const isNew = !trade.refunds.has(id);
      if (isNew) {
        const left = fen(trade.total_amount) - [...trade.refunds.values()].reduce((sum, each) => sum + fen(each), 0);
        if (trade.trade_status !== 'TRADE_SUCCESS') throw new Refused('ACQ.TRADE_STATUS_ERROR');
        if (fen(amount) > left) throw new Refused('ACQ.REASON_TRADE_REFUND_FEE_ERR');
        trade.refunds.set(id, amount);
        if (fen(amount) === left) trade.trade_status = 'TRADE_CLOSED';
      }
      return { trade_no: trade.trade_no, out_trade_no: trade.out_trade_no, fund_change: isNew ? 'Y' : 'N' };
    },
    'alipay.trade.fastpay.refund.query': (biz) => {
      const found = known(biz).refunds.get(biz['out_request_no'] ?? '');
      return found ? { refund_amount: found, refund_status: 'REFUND_SUCCESS' } : {};
    },
    'alipay.data.bill.sell.query': ({
      start_time: from = '',
      end_time: to = '',
      page_no = '1',
      page_size = '2000',
    }) => {
      const found = [...trades.values()].filter(({ gmt_create }) => gmt_create >= from && gmt_create < to);
      const start = (Number(page_no) - 1) * Number(page_size);
      const detail_list = found.slice(start, start + Number(page_size)).map((trade) => ({
        alipay_order_no: trade.trade_no,
        merchant_order_no: trade.out_trade_no,
        total_amount: trade.total_amount,
        refund_amount: yuanOf([...trade.refunds.values()].reduce((sum, each) => sum + fen(each), 0)),
        gmt_create: trade.gmt_create,
        ...(trade.gmt_pay && { gmt_pay: trade.gmt_pay }),
        trade_status: '成功',
        other_account: '张*(a*@alipay.com)',
      }));
      return { page_no, page_size, total_size: String(found.length), detail_list };
    },
  };

  function known(biz: Fields): Trade {
    const trade = trades.get(biz['out_trade_no'] ?? '');
    if (!trade) throw new Refused('ACQ.TRADE_NOT_EXIST');
    return trade;
  }

  /** The fields of a request whose signature fits; anything else is refused as Alipay does. */
  function verified(fields: Fields): { method: string; parameters: Fields; bizContent: Fields } {
    const { sign = '', ...parameters } = fields;
    const isGenuine = createVerify('RSA-SHA256').update(joined(parameters)).verify(app.publicKey, sign, 'base64');
    if (!isGenuine || parameters['sign_type'] !== 'RSA2') throw new Refused('isv.invalid-signature', '40002');
    if (parameters['app_id'] !== APP_ID) throw new Refused('isv.invalid-app-id', '40002');
    const bizContent = JSON.parse(parameters['biz_content'] ?? '{}') as Fields;
    return { method: parameters['method'] ?? '', parameters, bizContent };
  }

  const server = fastify();
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  server.post('/gateway.do', async (request, reply) => {
    if (trouble === 'fault') return reply.code(502).send('<html>Bad Gateway</html>');
    const fields = fieldsOf(request);
    let content: object;
    try {
      const asked = verified(fields);
      requests.push(asked);
      content = { code: '10000', msg: 'Success', ...methods[asked.method]?.(asked.bizContent) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      content = { code: error.code, msg: 'Business Failed', sub_code: error.subCode, sub_msg: 'no' };
    }
    if (trouble === 'silent') {
      reply.hijack();
      return reply;
    }
    const text = JSON.stringify(content);
    const signer = trouble === 'forged' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : alipay;
    const sign = createSign('RSA-SHA256').update(text).sign(signer.privateKey, 'base64');
    const name = `${fields['method']?.replaceAll('.', '_')}_response`;
    const body = `{"${name}":${text}${trouble === 'unsigned' ? '' : `,"sign":${JSON.stringify(sign)}`}}`;
    return reply.type('application/json;charset=utf-8').send(body);
  });
  const port = await freePort();
  await server.listen({ port });

  const begin = (biz: Fields): Trade => {
    const trade: Trade = {
      trade_no: `20261121${String(trades.size).padStart(20, '0')}`,
      out_trade_no: biz['out_trade_no'] ?? '',
      total_amount: biz['total_amount'] ?? '',
      trade_status: 'WAIT_BUYER_PAY',
      gmt_create: beijing(new Date()),
      refunds: new Map(),
    };
    trades.set(trade.out_trade_no, trade);
    return trade;
  };

  return {
    options: {
      appId: APP_ID,
      privateKey: app.privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
      publicKey: alipay.publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
      sellerId: SELLER_ID,
      notifyUrl: 'https://pay.example.com/webhooks/alipay',
      gateway: `http://127.0.0.1:${port}/gateway.do`,
    },
    trades,
    requests,
    /** `silent` does as asked and never answers; `fault` answers 502; `unsigned` and `forged` answer what Alipay would not. */
    have(what: typeof trouble) {
      trouble = what;
    },
    /** The buyer opens the link and signs in: only now there is a trade. */
    visit(url: string): { trade: Trade; parameters: Fields } {
      const { parameters, bizContent } = verified(Object.fromEntries(new URL(url).searchParams));
      return { trade: begin(bizContent), parameters };
    },
    /** The buyer scans the code: only now there is a trade. */
    scan(outTradeNo: string): Trade {
      const offer = offers.get(outTradeNo);
      if (!offer) throw new Error('There is no such code.');
      return begin(offer);
    },
    pay(trade: Trade): void {
      Object.assign(trade, { trade_status: 'TRADE_SUCCESS', gmt_pay: beijing(new Date()) });
    },
    /** A notification as Alipay posts it; `more` is signed with the rest. */
    notification(trade: Trade, more: Fields = {}): Fields {
      const { refunds: _, ...about } = trade;
      return {
        ...about,
        ...{ notify_id: randomUUID().replaceAll('-', ''), notify_type: 'trade_status_sync' },
        ...{ notify_time: beijing(new Date()), app_id: APP_ID, seller_id: SELLER_ID },
        ...{ charset: 'utf-8', version: '1.0', subject: '订单 A&B=100%', buyer_id: '2088101117955611' },
        ...more,
      };
    },
    /** Signs as Alipay does, which leaves `sign_type` out. */
    signed(fields: Fields, { key = alipay.privateKey, hash = 'RSA-SHA256', type = 'RSA2' } = {}): Fields {
      const sign = createSign(hash).update(joined(fields)).sign(key, 'base64');
      return { ...fields, sign, sign_type: type };
    },
    async close() {
      server.server.closeAllConnections();
      await server.close();
    },
  };
}

class Refused extends Error {
  readonly subCode: string;
  readonly code: string;

  constructor(subCode: string, code = '40004') {
    super(subCode);
    this.subCode = subCode;
    this.code = code;
  }
}

function fieldsOf(request: FastifyRequest): Fields {
  const query = new URLSearchParams(request.url.split('?')[1]);
  return Object.fromEntries([...query, ...new URLSearchParams(String(request.body ?? ''))]);
}

function joined(fields: Fields): string {
  const names = Object.keys(fields).sort();
  return names.map((name) => `${name}=${fields[name]}`).join('&');
}

function beijing(instant: Date): string {
  return new Date(instant.getTime() + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
}

function fen(yuan: string): number {
  return Math.round(Number(yuan) * 100);
}

function yuanOf(amount: number): string {
  return (amount / 100).toFixed(2);
}
