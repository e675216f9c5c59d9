import type { Edit } from './edit.ts';

const checkout = 'subgraphs/order/src/checkout.ts';
const payment = 'subgraphs/payment/src/payment.ts';
const settlement = 'subgraphs/payment/src/settlement.ts';
const refundDelivery = 'subgraphs/payment/src/refund-delivery.ts';
const jobs = 'platform/src/jobs.ts';

/**
 * The places where a process can be held, killed or frozen. Each lies between a step that has been taken and the next, which has not;
 * `….commit` is the last moment before a transaction commits, with all its locks held. With a place goes what it is about, mostly an id.
 */
const places = {
  // Placing an order, as checkout.ts tells it.
  'key.taken': after('platform/src/idempotency.ts', 'const { fence } = held;', 'operation'),
  'checkout.begun': after(checkout, 'const attempt = await begin(desk, userId, key);', 'attempt.orderId'),
  'checkout.reserved': before(checkout, 'if (quote) return quote;', 'attempt.orderId'),
  'checkout.place.commit': after(checkout, 'await settle(tx, { orderId });', 'orderId'),
  'checkout.placed': before(checkout, 'return { orderId: attempt.orderId };', 'attempt.orderId'),
  'checkout.undoing': before(
    checkout,
    'const last = undoSteps.findIndex(({ step }) => step === reached);',
    'attempt.orderId',
  ),
  'checkout.released': before(
    checkout,
    "await db.update(checkouts).set({ state: 'UNDONE' }).where(held(attempt, 'UNDOING'));",
    'attempt.orderId',
  ),
  'checkout.taken-over': after(
    checkout,
    'const stale = await takeOver(desk.db, lte(checkouts.leasedUntil, now));',
    "''",
  ),
  /** Between the locks of two variants, about the one to be locked next. */
  'stock.hold.line': after(
    'subgraphs/catalog/src/reservation.ts',
    'for (const [variantId, quantity] of quantities) {',
    'variantId',
  ),
  'stock.hold.commit': after(
    'subgraphs/catalog/src/reservation.ts',
    "await recordMovements(tx, 'RESERVED', lines);",
    'orderId',
  ),

  'stock.end.commit': inside(
    'subgraphs/catalog/src/reservation-end.ts',
    'transaction(db, (tx) => end(tx, id))',
    (reach) => `transaction(db, async (tx) => { const done = await end(tx, id); ${reach('id')} return done; })`,
  ),
  'stock.adjust.commit': after('subgraphs/catalog/src/stock.ts', 'await settle(tx, { variantId });', 'variantId'),

  'stock.sold.commit': after('subgraphs/catalog/src/events.ts', 'await commitHold(tx, orderId);', 'orderId'),

  // An order that changes, by request, by the clock or by an event.
  'order.change.commit': inside(
    'subgraphs/order/src/order.ts',
    'transaction(db, (tx) => changeOrder(tx, id, decide))',
    (reach) =>
      `transaction(db, async (tx) => { const done = await changeOrder(tx, id, decide); ${reach('id')} return done; })`,
  ),
  /** `all` for the sweep, `one` for the reminder of a single order. */
  'order.expire.begin': before(
    'subgraphs/order/src/expiry.ts',
    'const expired = await transaction(db, async (tx) => {',
    "which ? 'one' : 'all'",
  ),
  'order.expire.chosen': before('subgraphs/order/src/expiry.ts', 'for (const { id } of overdue) {', 'overdue[0]?.id'),
  'order.expire.commit': before('subgraphs/order/src/expiry.ts', 'return overdue.length;', 'overdue[0]?.id'),
  'inbox.commit': after('platform/src/inbox.ts', 'await handler(tx, event);', 'event.type'),
  'inbox.committed': before('platform/src/inbox.ts', "return 'handled';", 'event.type'),
  'fact.stated': after('platform/src/outbox.ts', 'await tx.insert(outbox).values(rows);', 'facts[0]?.type'),
  'relay.claimed': after(jobs, 'const rows = await claim(db, listener);', 'service'),
  'relay.handed': after(jobs, 'await queue.addBulk(rows.map(toJob));', 'rows[0]?.type'),
  'relay.told': inside(
    jobs,
    'settle(() => markDelivered(db, jobId, listener).then(polling.wake))',
    (reach) => `settle(async () => { ${reach('jobId')} await markDelivered(db, jobId, listener).then(polling.wake); })`,
  ),

  // Money.
  'payment.begin.commit': after(payment, 'await answer(tx, { paymentId: id });', 'orderId'),
  'payment.begun': before(payment, 'if (isNew) await charge(', 'begun.paymentId'),
  'payment.charged': inside(
    payment,
    'await settle(db, log, subject, await provider.charge(request));',
    (reach) =>
      `const word = await provider.charge(request); ${reach('paymentId')} await settle(db, log, subject, word);`,
  ),
  'payment.cancel.commit': before(payment, 'await answer(tx, { paymentId });', 'paymentId'),
  'payment.settle.commit': inside(
    settlement,
    'transaction(db, (tx) => settlePayment(tx, subject, charge))',
    (reach) =>
      `transaction(db, async (tx) => { const done = await settlePayment(tx, subject, charge); ${reach('subject.paymentId')} return done; })`,
  ),
  'payments.due.taken': whenAny(settlement, 'await Promise.all(due.map((id) => checkPayment(db, work, id)));'),
  'payment.asked': after(
    settlement,
    'const word = await ask(provider, row.payment, Number(row.isUnwanted) === 1);',
    'paymentId',
  ),
  'provider.recorded': after('subgraphs/payment/test-provider/charges.ts', 'await log.append(...facts);', 'paymentId'),
  'webhook.kept': before('subgraphs/payment/src/provider-event.ts', 'const waiting = and(', 'eventId'),
  'webhook.commit': before('subgraphs/payment/src/provider-event.ts', 'report(log, paymentId, outcome);', 'paymentId'),
  'payment.close.commit': inside(
    'subgraphs/payment/src/events.ts',
    'closeOrder(tx, orderId, status),',
    (reach) => `closeOrder(tx, orderId, status).then(async () => { ${reach('orderId')} }),`,
  ),
  'refund.grant.commit': before('subgraphs/payment/src/refund.ts', 'await settle(tx, { refundId });', 'paymentId'),
  'refund.granted': before('subgraphs/payment/src/refund.ts', 'await sendRefund(db, ', 'paymentId'),
  'refund.sent': before(refundDelivery, "if (outcome.status === 'FAILED')\n      log.error(", 'paymentId'),
  'refunds.due.taken': whenAny(refundDelivery, 'await Promise.all(due.map((id) => sendRefund(db, work, id)));'),

  // A cart and a session.
  'cart.claim.commit': inside(
    'subgraphs/cart/src/cart-claim.ts',
    'transaction(db, (tx) => claim(tx, userId, cartId))',
    (reach) =>
      `transaction(db, async (tx) => { const done = await claim(tx, userId, cartId); ${reach('cartId')} return done; })`,
  ),
  'cart.order.commit': after('subgraphs/cart/src/cart-order.ts', 'await touchCart(tx, cart);', 'cartId'),
  'session.start.commit': inside(
    'subgraphs/user/src/sign-in.ts',
    'return { user, grant: await startSession(tx, user.id, client) };',
    (reach) => `const grant = await startSession(tx, user.id, client); ${reach('user.id')} return { user, grant };`,
  ),
  'session.refresh.commit': inside(
    'subgraphs/user/src/token-refresh.ts',
    "return { kind: 'granted', grant: await rotate(tx, session, token) };",
    (reach) =>
      `const grant = await rotate(tx, session, token); ${reach('session.id')} return { kind: 'granted', grant };`,
  ),
} satisfies Record<string, Place>;

export type PointName = keyof typeof places;
export const pointNames = Object.keys(places) as PointName[];

/** What has to be edited so that processes notice the places they pass. */
export const pointEdits: readonly Edit[] = pointNames.map((name) =>
  places[name]((about) => `await globalThis.reachPoint?.('${name}', ${about});`),
);

declare global {
  /** Set in processes under test only: resolves when the process may go on. `about` says which order, payment or kind of event it is. */
  var reachPoint: ((point: PointName, about: string | undefined) => Promise<void> | undefined) | undefined;
}

/** Makes the edit of a place from the code that tells of it. */
type Place = (reach: (about: string) => string) => Edit;

/** All on one line, so that errors keep their line numbers. */
function after(file: string, text: string, about: string): Place {
  return inside(file, text, (reach) => `${text} ${reach(about)}`);
}

function before(file: string, text: string, about: string): Place {
  return inside(file, text, (reach) => `${reach(about)} ${text}`);
}

/** Before a sweep works on what it has taken; one that found nothing is of no interest. */
function whenAny(file: string, text: string): Place {
  return inside(file, text, (reach) => `if (due.length > 0) { ${reach('due[0]')} } ${text}`);
}

function inside(file: string, find: string, replace: (reach: (about: string) => string) => string): Place {
  return (reach) => ({ file, find, replace: replace(reach) });
}
