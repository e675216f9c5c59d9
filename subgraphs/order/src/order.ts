import {
  affectedRows,
  type Database,
  must,
  notSearched,
  type Reader,
  type Transaction,
  transaction,
} from '@souk/platform/database';
import { badUserInput, type Refusal, Refused, refuse, SoukError } from '@souk/platform/errors';
import { newId, parseId } from '@souk/platform/id';
import type { Caller } from '@souk/platform/identity';
import { wakeRelay } from '@souk/platform/jobs';
import { append } from '@souk/platform/outbox';
import { typedText } from '@souk/platform/typed-text';
import { and, asc, eq } from 'drizzle-orm';
import { isCalledOff, mayEditAddress, mayMove, type OrderActor, type OrderStatus } from './order-status.ts';
import { MAX_REMARK_LENGTH } from './order-wish.ts';
import { type PostalAddress, type PostalAddressInput, typedAddress } from './postal-address.ts';
import { type OrderCancelReason, type OrderRow, orderEvents, orderLines, orders } from './tables.ts';

/** The order if the caller may see it: customers see their own, staff with `order:read` and other services see all. */
export function visibleTo<Owned extends { userId: string }>(caller: Caller, order: Owned | null): Owned | null {
  return order && maySeeOrdersOf(caller, order.userId) ? order : null;
}

export function maySeeOrdersOf({ service, viewer }: Caller, userId: string): boolean {
  return service !== 'gateway' || viewer?.userId === userId || (viewer?.scopes.has('order:read') ?? false);
}

/** As what somebody acts on an order. On their own order staff are customers like all others; a service acts for the customer. */
export function actorOn({ userId }: OrderRow, { service, viewer }: Caller): OrderActor | null {
  if (service !== 'gateway' || viewer?.userId === userId) return 'CUSTOMER';
  return viewer?.scopes.has('order:write') ? 'STAFF' : null;
}

/**
 * What names one order: exactly one of its id and its number.
 *
 * @throws BAD_USER_INPUT
 */
export function orderKey({ id, number }: { id?: string | null | undefined; number?: string | null | undefined }) {
  if (typeof id === 'string' && typeof number !== 'string') return { id: parseId('Order', id) };
  if (typeof number === 'string' && typeof id !== 'string') return { number: number.trim().toUpperCase() };
  throw badUserInput('Expected exactly one of id and number.');
}

/** Calls an order off. What was held is released and what was paid is refunded, by those who listen to `order.canceled`. */
export function cancelOrder(
  db: Database,
  caller: Caller,
  input: {
    orderId: string;
    reason: OrderCancelReason;
    message?: string | null | undefined;
    expectedVersion?: number | null | undefined;
  },
): Promise<{ order: OrderRow }> {
  return act(db, caller, input.orderId, (order, actor) => {
    const message = remark(order, input.message);
    expectVersion(order, input.expectedVersion);
    if (actor === 'CUSTOMER' && !customerReasons.includes(input.reason)) {
      const field = ['input', 'reason'];
      refuse('INVALID', `Expected one of ${customerReasons.join(', ')}, got ${input.reason}.`, { field }, { order });
    }
    if (!mayMove(order.status, 'CANCELED', actor)) {
      refuse('NOT_CANCELABLE', `An order that is ${order.status} can no longer be called off.`, {}, { order });
    }
    // What staff say about it may not be for the customer's eyes: they see the reason, colleagues the rest.
    return actor === 'STAFF'
      ? { to: 'CANCELED', actor, set: { cancelReason: input.reason, staffNote: message ?? order.staffNote } }
      : { to: 'CANCELED', actor, message, set: { cancelReason: input.reason } };
  });
}

const customerReasons: readonly OrderCancelReason[] = ['CUSTOMER_REQUEST', 'OTHER'];

/** Sends an order elsewhere, as long as it is not packed. */
export function updateOrderAddress(
  db: Database,
  caller: Caller,
  input: { orderId: string; shippingAddress: PostalAddressInput; expectedVersion: number },
): Promise<{ order: OrderRow }> {
  return act(db, caller, input.orderId, (order, actor) => {
    const refusals: Refusal[] = [];
    const address = typedAddress(input.shippingAddress, ['input', 'shippingAddress'], refusals);
    if (refusals.length > 0) throw new Refused(refusals, { order });
    expectVersion(order, input.expectedVersion);
    if (!mayEditAddress(order.status, actor)) {
      refuse(
        'NOT_EDITABLE',
        `The address of an order that is ${order.status} can no longer be changed.`,
        {},
        { order },
      );
    }
    return { actor, message: 'The shipping address was changed.', set: address };
  });
}

/** The customer says that the parcel has arrived. */
export function confirmReceipt(db: Database, caller: Caller, orderId: string): Promise<{ order: OrderRow }> {
  return act(db, caller, orderId, (_, actor) => {
    if (actor !== 'CUSTOMER') noSuchOrder();
    return { to: 'DELIVERED', actor };
  });
}

/** Staff move an order along. */
export function moveOrderAlong(
  db: Database,
  input: { orderId: string; to: OrderStatus; message?: string | null | undefined; expectedVersion: number },
): Promise<{ order: OrderRow }> {
  return change(db, input.orderId, (order) => {
    const message = remark(order, input.message);
    expectVersion(order, input.expectedVersion);
    const cancelReason = input.to === 'CANCELED' ? ('OTHER' as const) : order.cancelReason;
    return { to: input.to, actor: 'STAFF', message, set: { cancelReason } };
  });
}

/** Money for an order has come in. Whatever else the order is by then stays as it is: what came too late or too often is sent back by payment. */
export async function confirmPaidOrder(
  tx: Transaction,
  paid: { orderId: string; amountMinor: string; currencyCode: string; eventId: string },
): Promise<void> {
  await changeOrder(tx, paid.orderId, (order) => {
    if (order.status !== 'AWAITING_PAYMENT') return null;
    const actor = 'PAYMENT_PROVIDER';
    const causedBy = paid.eventId;
    if (BigInt(paid.amountMinor) === order.totalMinor && paid.currencyCode === order.currencyCode) {
      return { to: 'CONFIRMED', actor, causedBy };
    }
    // Nobody ships for another sum than the one agreed on. The order expires, and payment then sends back what it took.
    const message = 'A payment came that is not of the amount due. It does not count and will be returned.';
    return { actor, message, causedBy };
  });
}

/** What to do with an order, decided from its present state. Without `to` its status stays. */
export interface OrderChange {
  to?: OrderStatus;
  actor: OrderActor;
  message?: string | null;
  set?: Partial<PostalAddress & Pick<OrderRow, 'cancelReason' | 'staffNote'>>;
  /** The event of another service that led to this. */
  causedBy?: string;
}

/** Others move an order at the same time; nobody does so ten times while we look. */
const MAX_TRIES = 10;

/**
 * The one way an order changes: read, decide, and write by compare-and-set on status and version, with the row of the timeline and the fact
 * for others, in the caller's transaction. If somebody else was faster, read and decide again. A decision of null changes nothing.
 *
 * @throws {Refused} NOT_FOUND; INVALID_TRANSITION when the table of transitions does not have it
 */
export async function changeOrder(
  tx: Transaction,
  orderId: string,
  decide: (order: OrderRow) => OrderChange | null,
): Promise<OrderRow> {
  for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
    const order = await readOrder(tx, orderId);
    const decision = decide(order);
    if (!decision) return order;
    const { to, actor } = decision;
    if (to && !mayMove(order.status, to, actor)) {
      refuse('INVALID_TRANSITION', `An order that is ${order.status} cannot become ${to} this way.`, {}, { order });
    }
    if (await write(tx, order, decision)) return readOrder(tx, orderId);
  }
  throw new SoukError('SUBGRAPH_TIMEOUT', 'The order is being changed by others. Try again.', { retryable: true });
}

async function readOrder(reader: Reader, orderId: string): Promise<OrderRow> {
  const [order] = await reader.select().from(orders).where(eq(orders.id, orderId));
  return order ?? noSuchOrder();
}

function noSuchOrder(): never {
  refuse('NOT_FOUND', 'There is no such order, or it is not yours.');
}

/** Returns whether this write won. */
async function write(tx: Transaction, order: OrderRow, change: OrderChange): Promise<boolean> {
  const { to = order.status, actor, message = null, causedBy = null, set = {} } = change;
  const version = order.version + 1;
  const written = await tx
    .update(orders)
    .set({
      ...set,
      status: to,
      version,
      paymentDueAt: to === 'AWAITING_PAYMENT' ? order.paymentDueAt : null,
      liveCartVersion: isCalledOff(to) ? null : order.liveCartVersion,
    })
    .where(
      must(
        and(eq(orders.id, order.id), eq(notSearched(orders.status), order.status), eq(orders.version, order.version)),
      ),
    );
  if (affectedRows(written) !== 1) return false;
  await tx
    .insert(orderEvents)
    .values({ id: newId('OrderEvent'), orderId: order.id, version, from: order.status, to, actor, message, causedBy });
  await append(tx, { type: 'order.changed', aggregateId: order.id, payload: { orderId: order.id } });
  if (to !== order.status) await stateFact(tx, order, to);
  return true;
}

/** Says to others what follows from the new status. */
async function stateFact(tx: Transaction, order: OrderRow, to: OrderStatus): Promise<void> {
  const { id: orderId, userId, cartId } = order;
  if (isCalledOff(to)) {
    await append(tx, { type: 'order.canceled', aggregateId: orderId, payload: { orderId, userId, status: to } });
  }
  if (to === 'CONFIRMED') {
    const lines = await tx
      .select({ variantId: orderLines.variantId, quantity: orderLines.quantity })
      .from(orderLines)
      .where(eq(orderLines.orderId, orderId))
      .orderBy(asc(orderLines.position));
    await append(tx, { type: 'order.confirmed', aggregateId: orderId, payload: { orderId, userId, cartId, lines } });
  }
}

/** A change by somebody who may act on this order; for everybody else there is no such order. */
function act(
  db: Database,
  caller: Caller,
  orderId: string,
  decide: (order: OrderRow, actor: OrderActor) => OrderChange,
): Promise<{ order: OrderRow }> {
  return change(db, orderId, (order) => {
    const actor = actorOn(order, caller);
    if (!actor) noSuchOrder();
    return decide(order, actor);
  });
}

async function change(db: Database, orderId: string, decide: (order: OrderRow) => OrderChange) {
  const id = parseId('Order', orderId);
  const order = await transaction(db, (tx) => changeOrder(tx, id, decide));
  wakeRelay(db);
  return { order };
}

function expectVersion(order: OrderRow, expectedVersion: number | null | undefined): void {
  if (typeof expectedVersion !== 'number' || expectedVersion === order.version) return;
  const field = ['input', 'expectedVersion'];
  const message = `Expected version ${expectedVersion}, but the order is at version ${order.version}. Show it again.`;
  refuse('STALE_VERSION', message, { field }, { order });
}

function remark(order: OrderRow, text: string | null | undefined): string | null {
  const refusals: Refusal[] = [];
  const message = typedText(
    text,
    { field: ['input', 'message'], maximumLength: MAX_REMARK_LENGTH, hasLines: true },
    refusals,
  );
  if (refusals.length > 0) throw new Refused(refusals, { order });
  return message;
}
