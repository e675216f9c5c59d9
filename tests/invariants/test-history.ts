import { newId } from '@souk/platform/id';
import type { SubgraphName } from '@souk/schema/subgraphs';
import { getTableName } from 'drizzle-orm';
import type { MySqlTable } from 'drizzle-orm/mysql-core';
import * as cart from '../../subgraphs/cart/src/tables.ts';
import * as catalog from '../../subgraphs/catalog/src/tables.ts';
import type { OrderActor, OrderStatus } from '../../subgraphs/order/src/order-status.ts';
import * as order from '../../subgraphs/order/src/tables.ts';
import type { LedgerKind } from '../../subgraphs/payment/src/ledger.ts';
import * as payment from '../../subgraphs/payment/src/tables.ts';
import * as user from '../../subgraphs/user/src/tables.ts';

/** The rows of a small shop in which everything is as it should be, a few of each kind, and the ids of what stands in it. */
export interface TestHistory {
  rows: { in: SubgraphName; table: MySqlTable; rows: Record<string, unknown>[] }[];
  orders: Record<Story, TestOrder>;
  variants: Record<Variant, string>;
  users: { ada: string; eve: string };
  /** `reused` was revoked because a token of it came twice. */
  sessions: { live: string; reused: string };
}

export interface TestOrder {
  id: string;
  paymentId: string;
  /** What it led to, by type. */
  events: { confirmed: string; canceled: string; captured: string };
}

type Story = keyof typeof stories;
type Variant = keyof typeof stock;

const stock = { mug: 100, tea: 100, last: 1 };
const prices: Record<Variant, bigint> = { mug: 1_990n, tea: 450n, last: 9_900n };

/** What became of each order, and of the money for it. `awaiting` is the one that is not settled. */
const stories = {
  delivered: {
    path: ['CONFIRMED', 'SHIPPED', 'DELIVERED'],
    lines: { mug: 2, tea: 1 },
    money: 'kept',
    hold: 'COMMITTED',
  },
  confirmed: { path: ['CONFIRMED'], lines: { mug: 1, last: 1 }, money: 'kept', hold: 'COMMITTED' },
  refunded: { path: ['CONFIRMED', 'CANCELED'], lines: { tea: 1 }, money: 'returned', hold: 'RETURNED' },
  expired: { path: ['EXPIRED'], lines: { mug: 1 }, money: 'late', hold: 'RELEASED' },
  canceled: { path: ['CANCELED'], lines: { tea: 2 }, money: 'declined', hold: 'RELEASED' },
  awaiting: { path: [], lines: { mug: 1 }, money: 'on its way', hold: 'HELD' },
} as const satisfies Record<
  string,
  {
    path: OrderStatus[];
    lines: Partial<Record<Variant, number>>;
    money: 'kept' | 'returned' | 'late' | 'declined' | 'on its way';
    hold: 'HELD' | 'COMMITTED' | 'RELEASED' | 'RETURNED';
  }
>;

const actors: Partial<Record<OrderStatus, OrderActor>> = {
  CONFIRMED: 'PAYMENT_PROVIDER',
  EXPIRED: 'SYSTEM',
  CANCELED: 'STAFF',
};

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);

/** @param isSettled leaves out what is still under way */
export function testHistory({ isSettled }: { isSettled: boolean }): TestHistory {
  const collected = new Map<string, TestHistory['rows'][number]>();
  const add: Add = (name, table, ...rows) => {
    // Several services have an inbox, all of one definition.
    const place = `${name} ${getTableName(table)}`;
    const known = collected.get(place) ?? { in: name, table, rows: [] };
    known.rows.push(...rows);
    collected.set(place, known);
  };

  const users = { ada: newId('User'), eve: newId('User') };
  const sessions = addPeople(add, users);
  const variants = Object.fromEntries(
    Object.keys(stock).map((name) => [name, newId('ProductVariant')]),
  ) as TestHistory['variants'];
  const onHand = { ...stock };
  const reserved = { mug: 0, tea: 0, last: 0 };
  const told = Object.entries(stories).filter(([name]) => !(isSettled && name === 'awaiting'));
  const orders = Object.fromEntries(
    told.map(([name, story]) => {
      for (const [variant, quantity] of Object.entries(story.lines) as [Variant, number][]) {
        if (story.hold === 'COMMITTED') onHand[variant] -= quantity;
        if (story.hold === 'HELD') reserved[variant] += quantity;
      }
      return [name, addOrder(add, { name: name as Story, buyer: users.ada, variants })];
    }),
  ) as TestHistory['orders'];

  for (const [name, variantId] of Object.entries(variants) as [Variant, string][]) {
    const priced = { priceMinor: prices[name], currencyCode: 'EUR', title: name };
    const product = { productId: newId('Product'), position: 1, sku: name, selectedOptions: [] };
    add('catalog', catalog.productVariants, { id: variantId, ...product, ...priced });
    add('catalog', catalog.stockLevels, { variantId, onHand: onHand[name], reserved: reserved[name] });
    const received = {
      id: newId('StockMovement'),
      kind: 'RECEIVED',
      quantity: stock[name],
      createdAt: minutesAgo(600),
    };
    add('catalog', catalog.stockMovements, { variantId, ...received });
    const facts = { available: onHand[name] - reserved[name], isSellable: true, statedAt: minutesAgo(600) };
    add('cart', cart.variantFacts, { variantId, ...priced, ...facts });
  }
  return { rows: [...collected.values()], orders, variants, users, sessions };
}

type Add = (name: SubgraphName, table: MySqlTable, ...rows: Record<string, unknown>[]) => void;

function addOrder(
  add: Add,
  { name, buyer, variants }: { name: Story; buyer: string; variants: TestHistory['variants'] },
): TestOrder {
  const { path, lines, money, hold }: (typeof stories)[Story] = stories[name];
  const [id, paymentId] = [newId('Order'), newId('Payment')];
  const events = { confirmed: newId('Event'), canceled: newId('Event'), captured: newId('Event') };
  const statuses: OrderStatus[] = ['AWAITING_PAYMENT', ...path];
  const status = statuses.at(-1) ?? 'AWAITING_PAYMENT';
  const isOpen = status === 'AWAITING_PAYMENT';
  const isCalledOff = status === 'CANCELED' || status === 'EXPIRED';
  // Each step a minute after the one before; the order that is still open is a minute old.
  const at = (step: number) => minutesAgo(isOpen ? 1 : 120 - step);
  const amounts = Object.entries(lines).map(([variant, quantity]) => prices[variant as Variant] * BigInt(quantity));
  const totalMinor = amounts.reduce((sum, amount) => sum + amount, 0n);

  add('order', order.orders, {
    id,
    number: `SK-${id.slice(-9)}`.toUpperCase(),
    userId: buyer,
    status,
    version: statuses.length,
    currencyCode: 'EUR',
    ...{ subtotalMinor: totalMinor, shippingMinor: 0n, taxMinor: 0n, totalMinor },
    ...{
      recipient: 'Ada Lovelace',
      line1: '12 St James Square',
      city: 'London',
      postalCode: 'SW1Y 4JH',
      countryCode: 'GB',
    },
    paymentDueAt: isOpen ? minutesAgo(-9) : null,
    ...(name === 'delivered' && { cartId: newId('Cart'), liveCartVersion: 3 }),
    placedAt: at(0),
  });
  for (const [index, to] of statuses.entries()) {
    const from = statuses[index - 1] ?? null;
    const causedBy = to === 'CONFIRMED' ? events.captured : null;
    const happened = { from, to, actor: actors[to] ?? 'CUSTOMER', causedBy, createdAt: at(index) };
    const actor = to === 'SHIPPED' ? { actor: 'STAFF' } : {};
    add('order', order.orderEvents, {
      id: newId('OrderEvent'),
      orderId: id,
      version: index + 1,
      ...happened,
      ...actor,
    });
  }
  const attempt = { userId: buyer, idempotencyKey: `key of ${name}`, state: 'PLACED', reached: 'RESERVE_STOCK' };
  add('order', order.checkouts, { orderId: id, ...attempt, leasedUntil: at(0), createdAt: at(0) });
  const key = { owner: buyer, operation: 'orderPlace', key: `key of ${name}`, fingerprint: 'f' };
  add('order', order.idempotencyKeys, { ...key, leasedUntil: at(0), answer: { orderId: id }, createdAt: at(0) });

  add('catalog', catalog.stockReservations, {
    orderId: id,
    id: newId('StockReservation'),
    status: hold,
    expiresAt: isOpen ? minutesAgo(-15) : minutesAgo(100),
    createdAt: at(0),
  });
  const wasPaid = statuses.includes('CONFIRMED');
  const moves = [
    'RESERVED',
    ...(wasPaid ? ['COMMITTED'] : []),
    ...(isCalledOff ? [wasPaid ? 'RETURNED' : 'RELEASED'] : []),
  ];
  for (const [index, [variant, quantity]] of (Object.entries(lines) as [Variant, number][]).entries()) {
    const [variantId, unitPriceMinor] = [variants[variant], prices[variant]];
    const quoted = { variantId, quantity, unitPriceMinor, sku: variant, title: variant };
    add('order', order.orderLines, { id: newId('OrderLine'), orderId: id, position: index + 1, ...quoted });
    add('catalog', catalog.stockReservationLines, { orderId: id, ...quoted, currencyCode: 'EUR' });
    for (const [step, kind] of moves.entries()) {
      const movement = { id: newId('StockMovement'), variantId, kind, quantity, orderId: id, createdAt: at(step) };
      add('catalog', catalog.stockMovements, movement);
    }
  }

  addMoney(add, { orderId: id, paymentId, buyer, totalMinor, money, status, at });
  if (wasPaid) addEvent(add, events.captured, 'payment.captured', id, at(1), 'payment', ['order']);
  if (wasPaid) addEvent(add, events.confirmed, 'order.confirmed', id, at(1), 'order', ['catalog', 'cart']);
  if (isCalledOff)
    addEvent(add, events.canceled, 'order.canceled', id, at(statuses.length), 'order', ['catalog', 'payment']);
  return { id, paymentId, events };
}

interface Money {
  orderId: string;
  paymentId: string;
  buyer: string;
  totalMinor: bigint;
  money: (typeof stories)[Story]['money'];
  status: OrderStatus;
  at: (step: number) => Date;
}

function addMoney(add: Add, { orderId, paymentId, buyer, totalMinor, money, status, at }: Money): void {
  const isCaptured = money === 'kept' || money === 'returned' || money === 'late';
  const isReturned = money === 'returned' || money === 'late';
  const isLive = money === 'kept' || money === 'returned' || money === 'on its way';
  const paymentStatus = isReturned
    ? 'REFUNDED'
    : isCaptured
      ? 'CAPTURED'
      : money === 'declined'
        ? 'FAILED'
        : 'PROCESSING';
  add('payment', payment.payments, {
    id: paymentId,
    orderId,
    orderNumber: 'SK',
    userId: buyer,
    provider: 'TEST_CARD',
    status: paymentStatus,
    currencyCode: 'EUR',
    amountMinor: totalMinor,
    capturedMinor: isCaptured ? totalMinor : 0n,
    refundedMinor: isReturned ? totalMinor : 0n,
    providerReference: `tc_${paymentId}`,
    liveOrderId: isLive ? orderId : null,
    createdAt: at(0),
  });
  const state = status === 'CANCELED' || status === 'EXPIRED' ? status : 'OPEN';
  add('payment', payment.orderStates, { orderId, state, updatedAt: at(2) });

  const book = (kind: LedgerKind, debit: string, credit: string, sourceEvent: string) => {
    const transactionId = newId('LedgerTransaction');
    add('payment', payment.ledgerTransactions, { id: transactionId, paymentId, kind, sourceEvent, createdAt: at(2) });
    const side = (account: string, amountMinor: bigint) => ({
      transactionId,
      account,
      currencyCode: 'EUR',
      amountMinor,
    });
    add('payment', payment.ledgerEntries, side(debit, totalMinor), side(credit, -totalMinor));
  };
  if (isCaptured) {
    book('CAPTURE', 'provider_receivable', 'customer_orders', paymentId);
    const reported = { provider: 'TEST_CARD', eventId: `report on ${paymentId}`, paymentId, outcome: 'UNCHANGED' };
    add('payment', payment.providerEvents, {
      ...reported,
      charge: { status: 'CAPTURED' },
      receivedAt: at(1),
      processedAt: at(1),
    });
  }
  if (isReturned) {
    const refundId = newId('Refund');
    const refund = {
      id: refundId,
      paymentId,
      amountMinor: totalMinor,
      currencyCode: 'EUR',
      reason: 'The order was canceled.',
    };
    add('payment', payment.refunds, { ...refund, status: 'SUCCEEDED', createdAt: at(3), updatedAt: at(3) });
    book('REFUND_GRANTED', 'customer_orders', 'refunds_payable', refundId);
    book('REFUND_SENT', 'refunds_payable', 'provider_receivable', refundId);
  }
}

const outboxes = { order: order.outbox, payment: payment.outbox };
const inboxes = { catalog: catalog.inbox, cart: cart.inbox, order: order.inbox, payment: payment.inbox };

function addEvent(
  add: Add,
  eventId: string,
  type: string,
  aggregateId: string,
  occurredAt: Date,
  from: keyof typeof outboxes,
  listeners: (keyof typeof inboxes)[],
): void {
  for (const subscriber of listeners) {
    const stated = { eventId, subscriber, type, aggregateId, payload: {}, trace: {}, state: 'DELIVERED' };
    add(from, outboxes[from], { ...stated, occurredAt, deliveredAt: occurredAt });
    add(subscriber, inboxes[subscriber], { eventId, type, handledAt: occurredAt });
  }
}

function addPeople(add: Add, users: TestHistory['users']): TestHistory['sessions'] {
  const sessions = { live: newId('Session'), reused: newId('Session') };
  for (const [name, id] of Object.entries(users)) {
    add('user', user.users, {
      id,
      email: `${name}@example.com`,
      emailKey: `${name}@example.com`,
      emailDomain: 'example.com',
      passwordHash: '$argon2id$v=19$m=19456,t=2,p=1$HCef1vVPtTTtDTBXQXCfwg$YdPMydQYL+ZZF/qkpqiXcjCt+HQREyDMb9U2H7e/uX0',
      displayName: name,
    });
  }
  const ends = { expiresAt: minutesAgo(-600), endsAt: minutesAgo(-6_000) };
  const began = { userId: users.ada, createdAt: minutesAgo(60), ...ends };
  add('user', user.sessions, { id: sessions.live, ...began, revokedAt: null, revokedBecause: null });
  add('user', user.sessions, {
    id: sessions.reused,
    ...began,
    revokedAt: minutesAgo(5),
    revokedBecause: 'TOKEN_REUSED',
  });
  add('user', user.accessChanges, { version: 1, kind: 'SESSION', subject: sessions.reused, changedAt: minutesAgo(5) });
  for (const [index, sessionId] of Object.values(sessions).entries()) {
    const [first, second] = [Buffer.alloc(32, 0x80 + index), Buffer.alloc(32, 0x90 + index)];
    const token = { sessionId, expiresAt: ends.expiresAt };
    add('user', user.refreshTokens, {
      hash: first,
      ...token,
      usedAt: minutesAgo(30),
      successorHash: second,
      createdAt: minutesAgo(60),
    });
    add('user', user.refreshTokens, {
      hash: second,
      ...token,
      usedAt: null,
      successorHash: null,
      createdAt: minutesAgo(30),
    });
  }
  add('user', user.mails, {
    userId: users.ada,
    kind: 'PASSWORD_CHANGED',
    state: 'SENT',
    createdAt: minutesAgo(90),
    dueAt: minutesAgo(90),
  });
  return sessions;
}
