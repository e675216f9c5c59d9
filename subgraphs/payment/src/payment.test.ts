import { randomUUID } from 'node:crypto';
import { newId } from '@souk/platform/id';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { disagreements } from '../test-books.ts';
import { openTestService, type TestOrder, type TestService } from '../test-service.ts';

const APPROVED = '4242424242424242';
const DECLINED = '4000000000000002';
const DELAYED = '4000000000000077';
const SILENT = '4000000000000341';
const LATE = '4000000000000259';

let shop: TestService;
beforeAll(async () => {
  shop = await openTestService();
});
afterEach(() => shop.provider.reports(true));
afterAll(() => shop.close());

const START = `mutation ($input: PaymentStartInput!) {
  paymentStart(input: $input) {
    payment {
      id provider status amount { amount currencyCode } capturedAmount { amount } refundedAmount { amount }
      failure { code message isRetryable } expiresAt order { id }
    }
    userErrors { code field message }
  }
}`;

async function start(order: TestOrder, number: string, more: Record<string, unknown> = {}, userId = order.userId) {
  const input = {
    orderId: order.id,
    provider: 'TEST_CARD',
    testCard: { number, expiryMonth: 12, expiryYear: new Date().getFullYear() + 2, securityCode: '123' },
    idempotencyKey: randomUUID(),
    ...more,
  };
  const { data, errors } = await shop.ask(userId, START, { input });
  return { ...data?.paymentStart, errors };
}

async function cancel(paymentId: string, userId: string, idempotencyKey = randomUUID()) {
  const source = `mutation ($input: PaymentCancelInput!) {
    paymentCancel(input: $input) { payment { id status } userErrors { code field } }
  }`;
  const { data } = await shop.ask(userId, source, { input: { paymentId, idempotencyKey } });
  return data.paymentCancel;
}

const statusOf = async (id: string) => (await shop.payment(id))?.status;
const until = (id: string, status: string) => vi.waitFor(async () => expect(await statusOf(id)).toBe(status), 3_000);

describe('paymentStart', () => {
  it('captures an approved card and states the fact once', async () => {
    const order = shop.placeOrder();
    const { payment, userErrors } = await start(order, APPROVED);
    expect(userErrors).toEqual([]);
    expect(payment).toMatchObject({
      status: 'CAPTURED',
      provider: 'TEST_CARD',
      amount: { amount: '49.90', currencyCode: 'EUR' },
      capturedAmount: { amount: '49.90' },
      refundedAmount: { amount: '0.00' },
      failure: null,
      expiresAt: null,
      order: { id: order.id },
    });
    const facts = await shop.factsAbout(order.id);
    expect(facts).toMatchObject([
      { type: 'payment.captured', payload: { paymentId: payment.id, amountMinor: '4990', currencyCode: 'EUR' } },
    ]);
  });

  it('keeps nothing of the card but its brand and last four digits', async () => {
    const { payment } = await start(shop.placeOrder(), APPROVED);
    const row = await shop.payment(payment.id);
    expect(row).toMatchObject({ cardBrand: 'visa', cardLast4: '4242' });
    expect(JSON.stringify(Object.values(row ?? {}), (_, value) => String(value))).not.toContain(APPROVED);
    expect(JSON.stringify(await shop.provider.facts())).not.toContain(APPROVED);
  });

  it('tells of a decline, and lets the order be paid by another attempt', async () => {
    const order = shop.placeOrder();
    const declined = await start(order, DECLINED);
    expect(declined.userErrors).toMatchObject([{ code: 'DECLINED', message: 'The card was declined.' }]);
    expect(declined.payment).toMatchObject({
      status: 'FAILED',
      failure: { code: 'card_declined', message: 'The card was declined.', isRetryable: false },
    });
    expect(await shop.factsAbout(order.id)).toEqual([]);
    const { payment } = await start(order, APPROVED);
    expect(payment.status).toBe('CAPTURED');
  });

  it('answers a repeated key with the same payment, also when it was declined', async () => {
    const order = shop.placeOrder();
    const idempotencyKey = randomUUID();
    const first = await start(order, DECLINED, { idempotencyKey });
    const again = await start(order, DECLINED, { idempotencyKey });
    expect(again).toEqual(first);
    const charged = (await shop.provider.facts()).filter((fact) => fact.paymentId === first.payment.id);
    expect(charged.map((fact) => fact.type)).toEqual(['charge.created', 'charge.declined']);
  });

  it('charges once when the same request arrives five times at once', async () => {
    const order = shop.placeOrder();
    const idempotencyKey = randomUUID();
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => start(order, APPROVED, { idempotencyKey })));
    expect(new Set(answers.map((answer) => answer.payment.id)).size).toBe(1);
    expect(answers.flatMap((answer) => answer.userErrors)).toEqual([]);
  });

  it('lets one of five payments of an order through when they start at once', async () => {
    const order = shop.placeOrder();
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => start(order, APPROVED)));
    expect(answers.filter((answer) => answer.payment?.status === 'CAPTURED')).toHaveLength(1);
    const codes = new Set(answers.flatMap((answer) => answer.userErrors.map((error: { code: string }) => error.code)));
    expect([...codes].every((code) => code === 'ALREADY_PAID' || code === 'PAYMENT_IN_PROGRESS')).toBe(true);
    expect(await shop.factsAbout(order.id)).toHaveLength(1);
  });

  it('waits for a delayed approval, which a webhook reports', async () => {
    const order = shop.placeOrder();
    const { payment, userErrors } = await start(order, DELAYED);
    expect([payment.status, payment.expiresAt, userErrors]).toEqual(['PROCESSING', order.paymentDueAt, []]);
    expect((await start(order, APPROVED)).userErrors).toMatchObject([{ code: 'PAYMENT_IN_PROGRESS' }]);
    await until(payment.id, 'CAPTURED');
    expect(await shop.factsAbout(order.id)).toHaveLength(1);
  });

  it('finds a delayed approval out by itself when the webhook is lost', async () => {
    shop.provider.reports(false);
    const { payment } = await start(shop.placeOrder(), DELAYED);
    await vi.waitFor(
      async () => expect((await shop.provider.charges()?.find(payment.id))?.status).toBe('SUCCEEDED'),
      3_000,
    );
    expect(await statusOf(payment.id)).toBe('PROCESSING');
    await shop.sweep();
    expect(await statusOf(payment.id)).toBe('CAPTURED');
  });

  it('treats a charge without an answer as unknown, and looks it up', async () => {
    const order = shop.placeOrder();
    const { payment, userErrors } = await start(order, SILENT);
    expect([payment.status, userErrors]).toEqual(['PROCESSING', []]);
    await shop.sweep();
    expect(await statusOf(payment.id)).toBe('CAPTURED');
    expect(await shop.factsAbout(order.id)).toHaveLength(1);
  });

  it('gives up a payment that the provider has never heard of, and bars a charge still on its way', async () => {
    const order = shop.placeOrder();
    const { payment } = await start(order, APPROVED);
    const unheard = { ...(await shop.payment(payment.id)), id: newId('Payment'), orderId: newId('Order') };
    const { payments } = await import('./tables.ts');
    await shop.db.insert(payments).values({
      ...(unheard as typeof payments.$inferInsert),
      status: 'PROCESSING',
      capturedMinor: 0n,
      liveOrderId: unheard.orderId,
      checkAt: new Date(0),
    });
    const { orderStates } = await import('./tables.ts');
    await shop.db.insert(orderStates).values({ orderId: unheard.orderId, state: 'OPEN' });
    await shop.sweep();
    expect(await shop.payment(unheard.id)).toMatchObject({
      status: 'FAILED',
      failureCode: 'not_charged',
      liveOrderId: null,
    });
    const late = { paymentId: unheard.id, amountMinor: 4990n, currencyCode: 'EUR', cardNumber: APPROVED };
    expect(await shop.provider.charges()?.charge(late)).toMatchObject({ status: 'CANCELED' });
  });

  it('says that the provider is away when nothing can have happened there, and the order stays payable', async () => {
    const order = shop.placeOrder();
    await shop.provider.stop();
    const away = await start(order, APPROVED);
    await shop.provider.start();
    expect(away.userErrors).toMatchObject([{ code: 'PROVIDER_UNAVAILABLE' }]);
    expect(away.payment).toMatchObject({ status: 'FAILED', failure: { isRetryable: true } });
    expect((await start(order, APPROVED)).payment.status).toBe('CAPTURED');
  });

  describe('is refused, with nothing on record,', () => {
    const past = new Date(Date.now() - 1_000).toISOString();
    const refusals: [string, Partial<TestOrder>, string, Record<string, unknown>, string, string[] | null][] = [
      [
        'for an order that was called off',
        { status: 'CANCELED' },
        APPROVED,
        {},
        'ORDER_NOT_PAYABLE',
        ['input', 'orderId'],
      ],
      [
        'for an order whose time is over',
        { paymentDueAt: past },
        APPROVED,
        {},
        'ORDER_NOT_PAYABLE',
        ['input', 'orderId'],
      ],
      ['without a card', {}, APPROVED, { testCard: null }, 'REQUIRED', ['input', 'testCard']],
      ['for a mistyped card', {}, '4242424242424241', {}, 'INVALID', ['input', 'testCard', 'number']],
      ['for an empty key', {}, APPROVED, { idempotencyKey: '' }, 'INVALID', ['input', 'idempotencyKey']],
    ];
    it.each(refusals)('%s', async (_, facts, number, more, code, field) => {
      const order = shop.placeOrder(facts);
      const { payment, userErrors } = await start(order, number, more);
      expect([payment, userErrors]).toMatchObject([null, [{ code, field }]]);
      const { data } = await shop.ask(order.userId, ORDER, { orders: [{ __typename: 'Order', id: order.id }] });
      expect(data._entities).toEqual([{ payments: [], paymentStatus: 'UNPAID' }]);
    });

    it('for somebody else’s order', async () => {
      const order = shop.placeOrder();
      const { userErrors } = await start(order, APPROVED, {}, newId('User'));
      expect(userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
      expect((await start(order, APPROVED)).payment.status).toBe('CAPTURED');
    });

    it('for a paid order', async () => {
      const order = shop.placeOrder();
      await start(order, APPROVED);
      expect((await start(order, APPROVED)).userErrors).toMatchObject([{ code: 'ALREADY_PAID' }]);
    });

    it('for a key that stands for another order', async () => {
      const [order, other] = [shop.placeOrder(), shop.placeOrder()];
      other.userId = order.userId;
      const idempotencyKey = randomUUID();
      await start(order, APPROVED, { idempotencyKey });
      const { userErrors } = await start(other, APPROVED, { idempotencyKey });
      expect(userErrors).toMatchObject([{ code: 'IDEMPOTENCY_KEY_REUSED' }]);
    });

    it('after twenty attempts', async () => {
      const order = shop.placeOrder();
      for (let attempt = 0; attempt < 20; attempt++) await start(order, DECLINED);
      expect((await start(order, APPROVED)).userErrors).toMatchObject([{ code: 'TOO_MANY_ATTEMPTS' }]);
    });

    it('for an id of another kind', async () => {
      const order = shop.placeOrder();
      const { errors } = await start(order, APPROVED, { orderId: newId('Cart') });
      expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
    });
  });
});

const ORDER = `query ($orders: [_Any!]!) {
  _entities(representations: $orders) { ... on Order { payments { id } paymentStatus } }
}`;

describe('paymentCancel', () => {
  it('calls off a payment under way and frees the order', async () => {
    const order = shop.placeOrder();
    const { payment } = await start(order, DELAYED);
    expect(await cancel(payment.id, order.userId)).toEqual({
      payment: { id: payment.id, status: 'CANCELED' },
      userErrors: [],
    });
    expect((await shop.provider.charges()?.find(payment.id))?.status).toBe('CANCELED');
    expect((await start(order, APPROVED)).payment.status).toBe('CAPTURED');
  });

  it('refuses once money was taken, and shows the payment', async () => {
    const order = shop.placeOrder();
    const { payment } = await start(order, APPROVED);
    const refused = await cancel(payment.id, order.userId);
    expect(refused).toMatchObject({ payment: { status: 'CAPTURED' }, userErrors: [{ code: 'NOT_CANCELABLE' }] });
  });

  it('finds no payment of somebody else', async () => {
    const { payment } = await start(shop.placeOrder(), DELAYED);
    const refused = await cancel(payment.id, newId('User'));
    expect(refused).toMatchObject({ payment: null, userErrors: [{ code: 'NOT_FOUND' }] });
    await until(payment.id, 'CAPTURED');
  });

  it('keeps the wish while the provider is away, and fulfils it later', async () => {
    const order = shop.placeOrder();
    const { payment } = await start(order, LATE);
    await shop.provider.stop();
    expect(await cancel(payment.id, order.userId)).toMatchObject({ payment: { status: 'PROCESSING' }, userErrors: [] });
    await shop.provider.start();
    await shop.sweep();
    expect(['CANCELED', 'CAPTURED']).toContain(await statusOf(payment.id));
    await vi.waitFor(
      async () => expect((await shop.provider.charges()?.find(payment.id))?.status).toBe('SUCCEEDED'),
      3_000,
    );
  });

  it('answers a repeated key alike', async () => {
    const order = shop.placeOrder();
    const { payment } = await start(order, DELAYED);
    const key = randomUUID();
    const first = await cancel(payment.id, order.userId, key);
    expect(await cancel(payment.id, order.userId, key)).toEqual(first);
  });
});

describe('who may see a payment', () => {
  const READ = 'query ($id: ID!) { payment(id: $id) { id status } }';
  const NODE = 'query ($ref: [_Any!]!) { _entities(representations: $ref) { ... on Payment { id } } }';

  it('is who paid and staff, by id and as an entity', async () => {
    const order = shop.placeOrder();
    const { payment } = await start(order, APPROVED);
    const ref = [{ __typename: 'Payment', id: payment.id }];
    const viewers: [string, string[], boolean][] = [
      [order.userId, [], true],
      [newId('User'), ['payment:read'], true],
      [newId('User'), ['order:read'], false],
      [newId('User'), [], false],
    ];
    for (const [user, scopes, sees] of viewers) {
      const byId = await shop.ask(user, READ, { id: payment.id }, scopes);
      expect(byId.data.payment?.id ?? null).toBe(sees ? payment.id : null);
      const entity = await shop.ask(user, NODE, { ref }, scopes);
      expect(entity.data._entities).toEqual([sees ? { id: payment.id } : null]);
    }
    const anonymous = await shop.ask(null, NODE, { ref });
    expect(anonymous.data._entities).toEqual([null]);
  });
});

it('leaves books that agree with the provider’s own log', async () => {
  await vi.waitFor(async () => {
    await shop.sweep();
    expect(await disagreements(shop)).toEqual([]);
  }, 5_000);
});
