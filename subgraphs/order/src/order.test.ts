import { newId } from '@souk/platform/id';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CANCEL, CONFIRM_RECEIPT, EDIT_ADDRESS, MOVE, openTestService, type TestService } from '../test-service.ts';
import type { OrderStatus } from './order-status.ts';

let service: TestService;
let ann: string;
let bob: string;

beforeAll(async () => {
  service = await openTestService();
  ann = service.newCustomer();
  bob = service.newCustomer();
});
afterAll(() => service.close());

const elsewhere = { recipient: 'Carl', line1: '3 Hill', city: 'Zug', countryCode: 'CH' };
const cancel = async (userId: string, input: Record<string, unknown>, ...scopes: string[]) =>
  (await service.ask(userId, CANCEL, { input: { reason: 'CUSTOMER_REQUEST', ...input } }, ...scopes)).data.orderCancel;
const move = async (orderId: string, to: OrderStatus, input: Record<string, unknown> = {}) => {
  const { version: expectedVersion } = await service.readOrder(orderId);
  const variables = { input: { orderId, to, expectedVersion, ...input } };
  return (await service.ask(newId('User'), MOVE, variables, 'order:write', 'order:read')).data.orderTransition;
};

/** Runs something that must be refused, and expects that the order, its timeline and what others heard stay as they were. */
async function expectUnchanged(orderId: string, attempt: () => Promise<unknown>) {
  const look = async () => [
    await service.readOrder(orderId),
    await service.readTimeline(orderId),
    await service.readFacts(orderId),
    await service.countChanges(orderId),
  ];
  const before = await look();
  await attempt();
  expect(await look()).toEqual(before);
}

/** The timeline is numbered without gaps up to the order's version, each step begins where the last one ended, and it ends at its status. */
async function expectSoundTimeline(orderId: string) {
  const order = await service.readOrder(orderId);
  const timeline = await service.readTimeline(orderId);
  expect(timeline.map(({ version }) => version)).toEqual(timeline.map((_, index) => index + 1));
  expect(order.version).toBe(timeline.length);
  expect(timeline.at(-1)?.to).toBe(order.status);
  for (const [index, { from }] of timeline.entries()) expect(from).toBe(index === 0 ? null : timeline[index - 1]?.to);
}

it('tells gateways of every change, whatever it is', async () => {
  const { id: orderId } = await service.newPaidOrder(ann);
  expect(await service.countChanges(orderId)).toBe(1);
  await move(orderId, 'PROCESSING');
  await move(orderId, 'SHIPPED');
  expect(await service.countChanges(orderId)).toBe(3);
});

describe('orderCancel', () => {
  it('calls an unpaid order off and tells the others', async () => {
    const { id: orderId } = await service.newOrder(ann);
    const { order, userErrors } = await cancel(ann, { orderId, message: ' Changed my mind ' });
    expect(userErrors).toEqual([]);
    expect(order).toMatchObject({
      status: 'CANCELED',
      version: 2,
      cancelReason: 'CUSTOMER_REQUEST',
      paymentDueAt: null,
      allowedActions: [],
    });
    expect(order.events.nodes[1]).toEqual({
      from: 'AWAITING_PAYMENT',
      to: 'CANCELED',
      actor: 'CUSTOMER',
      message: 'Changed my mind',
    });
    expect(await service.readFacts(orderId)).toEqual([
      { type: 'order.canceled', payload: { orderId, userId: ann, status: 'CANCELED' } },
    ]);
    await expectSoundTimeline(orderId);
  });

  it('calls a paid order off until the shop has begun with it', async () => {
    const paid = await service.newPaidOrder(ann);
    expect((await cancel(ann, { orderId: paid.id })).order.status).toBe('CANCELED');
    const begun = await service.newPaidOrder(ann);
    await move(begun.id, 'PROCESSING');
    await expectUnchanged(begun.id, async () => {
      const refused = await cancel(ann, { orderId: begun.id });
      expect(refused).toMatchObject({ order: { status: 'PROCESSING' }, userErrors: [{ code: 'NOT_CANCELABLE' }] });
    });
  });

  it('does not find the order of somebody else, not even for staff who only read', async () => {
    const { id: orderId } = await service.newOrder(ann);
    await expectUnchanged(orderId, async () => {
      const notFound = { order: null, userErrors: [{ code: 'NOT_FOUND' }] };
      expect(await cancel(bob, { orderId })).toMatchObject(notFound);
      expect(await cancel(bob, { orderId }, 'order:read')).toMatchObject(notFound);
    });
    expect(await cancel(ann, { orderId: newId('Order') })).toMatchObject({ userErrors: [{ code: 'NOT_FOUND' }] });
  });

  it('keeps from the customer what staff say about it', async () => {
    const { id: orderId } = await service.newOrder(ann);
    const { order } = await cancel(bob, { orderId, reason: 'FRAUD', message: 'Stolen card' }, 'order:write');
    expect(order).toMatchObject({ status: 'CANCELED', cancelReason: 'FRAUD' });
    expect(order.events.nodes[1]).toMatchObject({ actor: 'STAFF', message: null });
    expect((await service.readOrder(orderId)).staffNote).toBe('Stolen card');
    const query = 'query ($id: ID!) { order(id: $id) { id staffNote } }';
    expect((await service.ask(ann, query, { id: orderId })).data.order.staffNote).toBeNull();
    expect((await service.ask(bob, query, { id: orderId }, 'order:read')).data.order.staffNote).toBe('Stolen card');
  });

  it('refuses a reason that is for staff, a stale version and a message without end', async () => {
    const { id: orderId, version } = await service.newOrder(ann);
    await expectUnchanged(orderId, async () => {
      expect(await cancel(ann, { orderId, reason: 'FRAUD' })).toMatchObject({ userErrors: [{ code: 'INVALID' }] });
      const stale = await cancel(ann, { orderId, expectedVersion: version + 1 });
      expect(stale).toMatchObject({ order: { id: orderId, version }, userErrors: [{ code: 'STALE_VERSION' }] });
      const long = await cancel(ann, { orderId, message: 'x'.repeat(501) });
      expect(long).toMatchObject({ order: { id: orderId }, userErrors: [{ code: 'INVALID' }] });
    });
  });
});

describe('orderAddressUpdate', () => {
  const edit = async (userId: string, input: Record<string, unknown>, ...scopes: string[]) =>
    (await service.ask(userId, EDIT_ADDRESS, { input: { shippingAddress: elsewhere, ...input } }, ...scopes)).data
      .orderAddressUpdate;

  it('replaces the whole address and keeps the status and the time to pay', async () => {
    const { id: orderId, paymentDueAt } = await service.newOrder(ann);
    const { order } = await edit(ann, { orderId, expectedVersion: 1 });
    expect(order).toMatchObject({ status: 'AWAITING_PAYMENT', version: 2, shippingAddress: elsewhere });
    expect(order.paymentDueAt).toBe(paymentDueAt?.toISOString());
    expect(await service.readFacts(orderId)).toEqual([]);
    await expectSoundTimeline(orderId);
  });

  it('is refused when stale, faulty, too late or not one’s own', async () => {
    const { id: orderId } = await service.newPaidOrder(ann);
    await move(orderId, 'PROCESSING');
    await expectUnchanged(orderId, async () => {
      const stale = await edit(ann, { orderId, expectedVersion: 1 });
      expect(stale).toMatchObject({ order: { version: 3 }, userErrors: [{ code: 'STALE_VERSION' }] });
      const faulty = await edit(ann, { orderId, expectedVersion: 3, shippingAddress: { ...elsewhere, city: ' ' } });
      const field = ['input', 'shippingAddress', 'city'];
      expect(faulty).toMatchObject({ order: { id: orderId }, userErrors: [{ code: 'REQUIRED', field }] });
      expect(await edit(ann, { orderId, expectedVersion: 3 })).toMatchObject({
        userErrors: [{ code: 'NOT_EDITABLE' }],
      });
      expect(await edit(bob, { orderId, expectedVersion: 3 })).toMatchObject({ userErrors: [{ code: 'NOT_FOUND' }] });
    });
    expect((await edit(bob, { orderId, expectedVersion: 3 }, 'order:write')).userErrors).toEqual([]);
  });
});

describe('orderTransition and orderReceiptConfirm', () => {
  const receive = async (userId: string, orderId: string, ...scopes: string[]) =>
    (await service.ask(userId, CONFIRM_RECEIPT, { orderId }, ...scopes)).data.orderReceiptConfirm;

  it('move a paid order to the customer’s door', async () => {
    const { id: orderId } = await service.newPaidOrder(ann);
    expect((await move(orderId, 'PROCESSING')).order.status).toBe('PROCESSING');
    const { order } = await move(orderId, 'SHIPPED', { message: 'Parcel 123' });
    expect(order.events.nodes.at(-1)).toEqual({
      from: 'PROCESSING',
      to: 'SHIPPED',
      actor: 'STAFF',
      message: 'Parcel 123',
    });
    const delivered = await receive(ann, orderId);
    expect(delivered.order).toMatchObject({ status: 'DELIVERED', allowedActions: ['REQUEST_REFUND'] });
    await expectSoundTimeline(orderId);
  });

  it('refuse what the table does not have', async () => {
    const { id: unpaid } = await service.newOrder(ann);
    await expectUnchanged(unpaid, async () => {
      for (const to of ['CONFIRMED', 'PROCESSING', 'SHIPPED', 'DELIVERED', 'EXPIRED', 'AWAITING_PAYMENT'] as const) {
        expect(await move(unpaid, to)).toMatchObject({
          order: { status: 'AWAITING_PAYMENT' },
          userErrors: [{ code: 'INVALID_TRANSITION' }],
        });
      }
      expect(await receive(ann, unpaid)).toMatchObject({ userErrors: [{ code: 'INVALID_TRANSITION' }] });
    });
    const { id: paid } = await service.newPaidOrder(ann);
    await expectUnchanged(paid, async () => {
      expect(await move(paid, 'CONFIRMED')).toMatchObject({ userErrors: [{ code: 'INVALID_TRANSITION' }] });
    });
  });

  it('are for staff, and for the one who receives', async () => {
    const { id: orderId } = await service.newPaidOrder(ann);
    await move(orderId, 'SHIPPED');
    await expectUnchanged(orderId, async () => {
      expect(await receive(bob, orderId)).toMatchObject({ order: null, userErrors: [{ code: 'NOT_FOUND' }] });
      expect(await receive(bob, orderId, 'order:write')).toMatchObject({ userErrors: [{ code: 'NOT_FOUND' }] });
      const input = { orderId, to: 'DELIVERED', expectedVersion: 3 };
      const denied = await service.ask(ann, MOVE, { input }, 'order:read');
      expect(denied.errors[0]?.extensions['code']).toBe('FORBIDDEN');
    });
  });
});

describe('payment.captured', () => {
  const captured = (order: { id: string; totalMinor: bigint }, change: Record<string, string> = {}) => ({
    paymentId: newId('Payment'),
    orderId: order.id,
    amountMinor: String(order.totalMinor),
    currencyCode: 'EUR',
    ...change,
  });

  it('confirms the order, once, and tells what was bought', async () => {
    const { shop } = service;
    const variantId = shop.addVariant();
    const cart = shop.addCart(ann, [{ variantId, quantity: 2 }]);
    const order = await service.newOrder(ann, { lines: null, cartId: cart.id });
    const id = newId('Event');
    expect(await service.hear('payment.captured', captured(order), { id })).toBe('handled');
    expect(await service.hear('payment.captured', captured(order), { id })).toBe('repeated');
    await service.hear('payment.captured', captured(order));
    expect(await service.readOrder(order.id)).toMatchObject({ status: 'CONFIRMED', version: 2, paymentDueAt: null });
    expect((await service.readTimeline(order.id))[1]).toMatchObject({ actor: 'PAYMENT_PROVIDER', causedBy: id });
    const lines = [{ variantId, quantity: 2 }];
    expect(await service.readFacts(order.id)).toEqual([
      { type: 'order.confirmed', payload: { orderId: order.id, userId: ann, cartId: cart.id, lines } },
    ]);
  });

  it.each([{ amountMinor: '1' }, { currencyCode: 'USD' }])('does not confirm for another sum: %o', async (change) => {
    const order = await service.newOrder(ann);
    await service.hear('payment.captured', captured(order, change));
    expect(await service.readOrder(order.id)).toMatchObject({ status: 'AWAITING_PAYMENT', version: 2 });
    expect(await service.readFacts(order.id)).toEqual([]);
    await expectSoundTimeline(order.id);
  });

  it('never brings an order back that was called off', async () => {
    const order = await service.newOrder(ann);
    await cancel(ann, { orderId: order.id });
    await expectUnchanged(order.id, () => service.hear('payment.captured', captured(order)));
  });

  it('and a cancellation at the same moment leave a sound order that both agree on', async () => {
    for (let round = 0; round < 10; round++) {
      const order = await service.newOrder(ann);
      await Promise.all([
        service.hear('payment.captured', captured(order)),
        cancel(ann, { orderId: order.id }),
        cancel(ann, { orderId: order.id }),
      ]);
      expect((await service.readOrder(order.id)).status).toBe('CANCELED');
      await expectSoundTimeline(order.id);
      const types = (await service.readFacts(order.id)).map(({ type }) => type);
      expect([['order.canceled'], ['order.confirmed', 'order.canceled']]).toContainEqual(types);
    }
  });
});
