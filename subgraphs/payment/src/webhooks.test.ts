import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { sign } from '../test-provider/webhooks.ts';
import { OLDER_SECRET, openTestService, SECRET, type TestOrder, type TestService } from '../test-service.ts';
import { keepEvent, processEventsLeftBehind } from './provider-event.ts';
import { providerEvents } from './tables.ts';

let shop: TestService;
beforeAll(async () => {
  shop = await openTestService();
  shop.provider.reports(false);
});
afterAll(() => shop.close());

/** A payment whose provider stays silent, so that only the reports of the test can settle it. */
async function silentPayment(): Promise<{ order: TestOrder; id: string }> {
  const order = shop.placeOrder();
  const { data } = await shop.ask(
    order.userId,
    'mutation ($input: PaymentStartInput!) { paymentStart(input: $input) { payment { id } } }',
    {
      input: {
        orderId: order.id,
        provider: 'TEST_CARD',
        testCard: {
          number: '4000000000000259',
          expiryMonth: 1,
          expiryYear: new Date().getFullYear() + 1,
          securityCode: '123',
        },
        idempotencyKey: order.id,
      },
    },
  );
  return { order, id: data.paymentStart.payment.id };
}

function report(paymentId: string, more: Record<string, unknown> = {}, id = `evt_${paymentId}`): string {
  const charge = {
    paymentId,
    chargeId: 'tc_1',
    status: 'SUCCEEDED',
    amountMinor: '4990',
    currencyCode: 'EUR',
    failure: null,
  };
  return JSON.stringify({ id, type: 'charge.updated', charge: { ...charge, ...more } });
}

async function post(body: string, signature: string | null = sign(body, SECRET)): Promise<number> {
  const headers = {
    'content-type': 'application/json',
    ...(signature === null ? {} : { 'souk-signature': signature }),
  };
  const answer = await fetch(shop.webhookUrl, { method: 'POST', headers, body });
  return answer.status;
}

const eventsOf = (paymentId: string) =>
  shop.db.select().from(providerEvents).where(eq(providerEvents.paymentId, paymentId));
const processed = (paymentId: string, outcome: string) =>
  vi.waitFor(async () => expect(await eventsOf(paymentId)).toMatchObject([{ outcome, processedAt: expect.any(Date) }]));

it('settles a payment, once for a report that comes three times at once and again later', async () => {
  const { id, order } = await silentPayment();
  const body = report(id);
  expect(await Promise.all([post(body), post(body), post(body)])).toEqual([200, 200, 200]);
  await processed(id, 'CAPTURED');
  expect(await post(body)).toBe(200);
  expect(await eventsOf(id)).toHaveLength(1);
  expect(await shop.factsAbout(order.id)).toHaveLength(1);
});

it('acknowledges a report that comes again while the first is acted upon', async () => {
  const { id } = await silentPayment();
  const body = report(id);
  expect(await post(body)).toBe(200);
  await processed(id, 'CAPTURED');
  await shop.db.transaction(async (tx) => {
    await tx.select().from(providerEvents).where(eq(providerEvents.paymentId, id)).for('update');
    expect(await post(body)).toBe(200);
  });
});

it('believes the secret before, so that a new one can be introduced', async () => {
  const { id } = await silentPayment();
  const body = report(id);
  expect(await post(body, sign(body, OLDER_SECRET))).toBe(200);
  await processed(id, 'CAPTURED');
});

it('keeps a report about another amount, and does not act upon it', async () => {
  const { id } = await silentPayment();
  expect(await post(report(id, { amountMinor: '1' }))).toBe(200);
  await processed(id, 'MISMATCH');
  expect(await shop.payment(id)).toMatchObject({ status: 'PROCESSING', capturedMinor: 0n });
});

it('acknowledges what is no payment of ours', async () => {
  expect(await post(report('somebody-elses'))).toBe(200);
});

it('acts later upon a report that was kept by a process that ended', async () => {
  const { id } = await silentPayment();
  const charge = {
    status: 'CAPTURED' as const,
    reference: 'tc_1',
    amountMinor: 4990n,
    currencyCode: 'EUR',
    failure: null,
  };
  await keepEvent(shop.db, 'TEST_CARD', { id: `evt_${id}`, paymentId: id, charge });
  await shop.db
    .update(providerEvents)
    .set({ receivedAt: new Date(Date.now() - 60_000) })
    .where(eq(providerEvents.paymentId, id));
  await processEventsLeftBehind(shop.db, shop.log);
  await processed(id, 'CAPTURED');
  expect(await shop.payment(id)).toMatchObject({ status: 'CAPTURED' });
});

describe('is refused, with nothing kept,', () => {
  const nowSeconds = () => Math.floor(Date.now() / 1000);
  const forgeries: [string, (body: string) => string | null][] = [
    ['without a signature', () => null],
    ['with a signature that is none', () => 'v1=00'],
    ['signed with another secret', (body) => sign(body, 'a guess')],
    ['with an altered body', (body) => sign(body.replace('4990', '1'), SECRET)],
    ['replayed after five minutes', (body) => sign(body, SECRET, nowSeconds() - 301)],
    ['signed for the future', (body) => sign(body, SECRET, nowSeconds() + 360)],
    [
      'with a fresh time on an old signature',
      (body) => sign(body, SECRET, nowSeconds() - 900).replace(/t=\d+/, `t=${nowSeconds()}`),
    ],
  ];
  it.each(forgeries)('%s', async (_, signature) => {
    const { id } = await silentPayment();
    const body = report(id);
    expect(await post(body, signature(body))).toBe(401);
    expect(await eventsOf(id)).toEqual([]);
    expect(await shop.payment(id)).toMatchObject({ status: 'PROCESSING' });
  });

  it.each([
    ['that is no JSON', 'hello'],
    ['that describes no charge', '{"id":"evt_1"}'],
    ['with a negative amount', report('paym', { amountMinor: '-1' })],
  ])('a signed body %s', async (_, body) => {
    expect(await post(body)).toBe(400);
  });

  it('a body that is too large', async () => {
    expect(await post('x'.repeat(70_000))).toBe(413);
  });
});
