import { randomUUID } from 'node:crypto';
import { idToBytes } from '@souk/platform/id';
import { cancelOrder, orderState, pay, refund } from '../../shopping.ts';
import { outcomeOf } from '../races/postbox.ts';
import { newPurchase } from '../races/purchase.ts';
import { race } from '../races/race.ts';
import { REPORTED_CARD, type Scene } from '../races/scene.ts';
import { brokenAbout, told } from './what-is-seen.ts';

/** The provider reports that it took the money, while payment learns that the order was canceled. */
export async function moneyComesTooLate(scene: Scene) {
  const { rig, rows, postbox, customer } = scene;
  const { orderId } = await newPurchase(rig, customer);
  const paymentId = await paymentOf(pay(customer, orderId, REPORTED_CARD));
  const closed = "SELECT 1 FROM souk_payment.order_states WHERE order_id = ? AND state = 'CANCELED'";
  const { first, second } = await race(rig, {
    first: () => cancelOrder(customer, orderId).then(() => rows.until(closed, [idToBytes('Order', orderId)])),
    heldAt: 'payment.close.commit',
    about: orderId,
    second: () => postbox.deliver(rig, paymentId).then(({ eventId }) => outcomeOf(rows, eventId)),
    meet: () => rows.untilOneWaits('payment'),
  });
  await first;
  return { outcome: await second, broken: await brokenAbout(scene, paymentId) };
}

/** The answer to a charge and the provider's report of it are booked at the same time. */
export async function aCaptureIsToldTwice({ rig, rows, postbox, customer }: Scene) {
  const { orderId } = await newPurchase(rig, customer);
  const charged = await rig.hold('payment.charged');
  const paid = told(pay(customer, orderId));
  const { about: paymentId = '' } = await charged.reached;
  const { first } = await race(rig, {
    first: () => postbox.deliver(rig, paymentId).then(({ eventId }) => outcomeOf(rows, eventId)),
    heldAt: 'webhook.commit',
    about: paymentId,
    second: async () => charged.release(),
    meet: () => rows.untilOneWaits('payment'),
  });
  return { report: await first, payer: await paid };
}

/** A report of the provider is delivered twice. */
export async function aReportIsRepeated(scene: Scene) {
  const { rig, rows, postbox, customer } = scene;
  const { orderId } = await newPurchase(rig, customer);
  const paymentId = await paymentOf(pay(customer, orderId, REPORTED_CARD));
  const { eventId } = await postbox.deliver(rig, paymentId);
  await outcomeOf(rows, eventId);
  await postbox.deliver(rig, paymentId);
  return { broken: await brokenAbout(scene, eventId) };
}

/** A customer pays an order that is paid, and has not heard of it yet. */
export async function anOrderIsPaidTwice(scene: Scene) {
  const { rig, customer } = scene;
  const { orderId } = await newPurchase(rig, customer);
  const relay = await rig.hold('relay.claimed', { about: 'payment' });
  await relay.reached;
  const answers = [await told(pay(customer, orderId)), await told(pay(customer, orderId))];
  relay.release();
  return { told: answers, broken: await brokenAbout(scene, orderId) };
}

/** Staff give back more than was taken. */
export async function tooMuchIsRefunded(scene: Scene) {
  const { rig, customer } = scene;
  const { orderId } = await newPurchase(rig, customer);
  const paymentId = await paymentOf(pay(customer, orderId));
  return { told: await told(refund(rig.admin, paymentId, '99.00')) };
}

/** Staff refund a part; the request is stopped for longer than its lease, so that the same request, sent again, takes over; then the first goes on. */
export async function aRefundIsTakenOver({ rig, rows, customer }: Scene) {
  const { orderId } = await newPurchase(rig, customer);
  const paymentId = await paymentOf(pay(customer, orderId));
  const key = randomUUID();
  const refundPart = () => told(refund(rig.admin, paymentId, '1.00', key));
  const held = await rig.hold('key.taken', { about: 'paymentRefund' });
  const first = refundPart();
  await held.reached;
  const over = 'UPDATE souk_payment.idempotency_keys SET leased_until = CURRENT_TIMESTAMP(3) WHERE idempotency_key = ?';
  await rows.ask(over, [key]);
  const second = await refundPart();
  held.release();
  const answers = [await first, second];
  const { payments } = await orderState(rig.admin, orderId);
  return { told: answers, refunds: payments?.[0]?.refunds.length };
}

/** The account of the payment service gets more rights than it should have. */
export async function rightsAreLookedAt(scene: Scene) {
  return { broken: await brokenAbout(scene, 'souk_payment@%') };
}

/** The payment that was begun. @throws when there is none, or it has failed */
async function paymentOf(answer: ReturnType<typeof pay>): Promise<string> {
  const { payment, userErrors } = await answer;
  if (payment && userErrors.length === 0) return payment.id;
  throw new Error(`Expected a payment, got ${JSON.stringify(userErrors)}`);
}
