import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FastifyInstance, fastify } from 'fastify';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { testCards } from './cards.ts';
import { type Charge, openCharges } from './charges.ts';
import { openLog } from './log.ts';
import { serveCharges } from './server.ts';

let folder: string;
let app: FastifyInstance;
let stop: () => Promise<void>;
let reported: Charge[] = [];

async function open(): Promise<void> {
  const log = await openLog(join(folder, 'test-card.log'));
  const charges = openCharges({
    log,
    approvalDelayMs: 50,
    lateApprovalMs: 120,
    report: (charge) => reported.push(charge),
  });
  app = fastify();
  await serveCharges(app, { charges, secret: 'secret' });
  stop = async () => {
    charges.stop();
    await app.close();
    await log.close();
  };
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'souk-test-card-'));
  reported = [];
  await open();
});
afterEach(async () => {
  await stop();
  await rm(folder, { recursive: true });
});

async function call(method: 'GET' | 'POST', url: string, payload?: object, authorization = 'Bearer secret') {
  const answer = await app.inject({ method, url, headers: { authorization }, ...(payload ? { payload } : {}) });
  return { status: answer.statusCode, ...answer.json() };
}

const charge = (paymentId: string, number = '4242424242424242', amountMinor = '1000') =>
  call('POST', '/charges', { paymentId, amountMinor, currencyCode: 'EUR', card: { number } });

it('answers nobody without the secret', async () => {
  expect(await call('GET', '/charges/p1', undefined, 'Bearer guess')).toEqual({ status: 401, code: 'unauthorized' });
});

it('charges once for a payment, and refuses the same payment with another amount', async () => {
  const [first, again] = [await charge('p1'), await charge('p1')];
  expect(first).toMatchObject({ status: 'SUCCEEDED', amountMinor: '1000', cardLast4: '4242' });
  expect(again).toEqual(first);
  expect(await charge('p1', '4242424242424242', '1001')).toMatchObject({ status: 409, code: 'key_reused' });
  expect(reported).toHaveLength(1);
});

it('declines by number, and every card it does not know', async () => {
  expect(await charge('p1', '4000000000009995')).toMatchObject({ failure: { code: 'insufficient_funds' } });
  expect(await charge('p2', '5555555555554444')).toMatchObject({ failure: { code: 'not_a_test_card' } });
});

it('refunds once for a refund, and never more than was charged', async () => {
  await charge('p1');
  const refund = (refundId: string, amountMinor: string) =>
    call('POST', '/charges/p1/refunds', { refundId, amountMinor });
  expect(await refund('r1', '600')).toMatchObject({ refundedMinor: '600' });
  expect(await refund('r1', '600')).toMatchObject({ refundedMinor: '600' });
  expect(await refund('r2', '401')).toMatchObject({ status: 409, code: 'refund_exceeds_charge' });
  expect(await refund('r2', '400')).toMatchObject({ refundedMinor: '1000' });
});

it('approves after a while, unless canceled; the late card in spite of it', async () => {
  for (const [id, number] of [
    ['p1', '4000000000000077'],
    ['p2', '4000000000000077'],
    ['p3', '4000000000000259'],
  ] as const) {
    expect(await charge(id, number)).toMatchObject({ status: 'PROCESSING' });
  }
  expect(await call('POST', '/charges/p2/cancel', {})).toMatchObject({ status: 'CANCELED' });
  expect(await call('POST', '/charges/p3/cancel', {})).toMatchObject({ status: 'CANCELED' });
  await vi.waitFor(async () => expect(await call('GET', '/charges/p3')).toMatchObject({ status: 'SUCCEEDED' }));
  expect(await call('GET', '/charges/p1')).toMatchObject({ status: 'SUCCEEDED' });
  expect(await call('GET', '/charges/p2')).toMatchObject({ status: 'CANCELED' });
});

it('never charges a payment that was canceled before it came', async () => {
  await call('POST', '/charges/p1/cancel', {});
  expect(await charge('p1')).toMatchObject({ status: 'CANCELED', chargeId: null });
});

it('knows everything again after a restart, also what was still to be approved', async () => {
  await charge('p1');
  await call('POST', '/charges/p1/refunds', { refundId: 'r1', amountMinor: '250' });
  await charge('p2', '4000000000000077');
  await stop();
  await appendFile(join(folder, 'test-card.log'), '{"type":"charge.created","paymentId":"torn');
  await open();
  expect(await call('GET', '/charges/p1')).toMatchObject({ status: 'SUCCEEDED', refundedMinor: '250' });
  await vi.waitFor(async () => expect(await call('GET', '/charges/p2')).toMatchObject({ status: 'SUCCEEDED' }));
  const lines = (await readFile(join(folder, 'test-card.log'), 'utf8')).trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line).type)).toEqual([
    'charge.created',
    'charge.approved',
    'refund.succeeded',
    'charge.created',
    'charge.approved',
  ]);
});

it('lists what was charged within a span of time, page by page', async () => {
  await Promise.all(['p1', 'p2', 'p3'].map((id) => charge(id)));
  const since = new Date(Date.now() - 60_000).toISOString();
  const { charges, hasMore } = await call('GET', `/charges?since=${since}`);
  expect([charges.map((each: { paymentId: string }) => each.paymentId), hasMore]).toEqual([['p1', 'p2', 'p3'], false]);
  const rest = await call('GET', `/charges?since=${since}&after=p2`);
  expect(rest.charges).toMatchObject([{ paymentId: 'p3' }]);
  expect((await call('GET', `/charges?since=${since}&until=${since}`)).charges).toEqual([]);
  expect(await call('GET', '/charges?since=yesterday')).toMatchObject({ status: 400, code: 'invalid_request' });
});

it('knows only cards whose number could be one', () => {
  for (const number of Object.keys(testCards)) {
    const digits = [...number].reverse().map((digit, index) => Number(digit) * (index % 2 === 1 ? 2 : 1));
    expect(digits.reduce((total, digit) => total + (digit > 9 ? digit - 9 : digit), 0) % 10, number).toBe(0);
  }
});
