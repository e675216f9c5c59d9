import { randomUUID } from 'node:crypto';
import { bytesToId, idToBytes } from '@souk/platform/id';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { cancelOrder, pay as payBy, refund as refundBy } from '../../shopping.ts';
import { outcomeOf } from './postbox.ts';
import { ends, newPurchase, type Purchase, type Standing, standingOf } from './purchase.ts';
import { race } from './race.ts';
import { openScene, REPORTED_CARD, type Scene } from './scene.ts';
import { holdSweeper, type Sweeper } from './sweeper.ts';

/**
 * Five may want something of the same order at the same instant: the customer who pays, the customer who cancels, the sweep that lets it expire, the
 * provider who reports that money was taken, and staff who give money back. Each two of them collide here, in both orders, and each collision
 * has one end. The one named first is held right before it commits; nothing here depends on how long anything takes.
 */

let scene: Scene;
let postbox: Scene['postbox'];
let rig: Scene['rig'];
let rows: Scene['rows'];
let customer: Scene['customer'];
let sweeper: Sweeper;
/** What was the end of each collision, to look again when all has settled. */
const ended: { purchase: Purchase; standing: Standing }[] = [];

beforeAll(async () => {
  scene = await openScene();
  ({ postbox, rig, rows, customer } = scene);
  sweeper = await holdSweeper(rig, rows);
});

afterAll(() => scene?.close());

const purchase = () => newPurchase(rig, customer);
const pay = ({ orderId }: Purchase, card?: string, key?: string) => payBy(customer, orderId, card, key);
const cancel = ({ orderId }: Purchase) => cancelOrder(customer, orderId);
const refund = (paymentId: string, amount?: string) => refundBy(rig.admin, paymentId, amount);

/** The provider reports that it took the money; resolves to what came of it. */
async function webhook(paymentId: string): Promise<string> {
  const { eventId } = await postbox.deliver(rig, paymentId);
  return outcomeOf(rows, eventId);
}

/** The order's time is over, and the sweep comes by. */
async function sweep({ orderId }: Purchase): Promise<void> {
  await sweeper.makeDue(orderId);
  await sweeper.pass();
}

const waitsInPayment = () => rows.untilOneWaits('payment');
const waitsInOrder = () => rows.untilOneWaits('order');
/** The second does not have to wait for the first. */
const isThrough = <Answer>(second: Promise<Answer>) => second;
/** The second is through, and what follows from it waits in payment for the first. */
const isThroughAndWaitsInPayment = async (second: Promise<unknown>) => {
  await second;
  await waitsInPayment();
};

/** An order with a payment of which nobody has said yet that it went through, though it did. */
async function unreported(): Promise<{ bought: Purchase; paymentId: string }> {
  const bought = await purchase();
  const { payment } = await pay(bought, REPORTED_CARD);
  expect(payment).toMatchObject({ status: 'PROCESSING' });
  return { bought, paymentId: payment?.id ?? '' };
}

async function paid(): Promise<{ bought: Purchase; paymentId: string }> {
  const bought = await purchase();
  const { payment } = await pay(bought);
  await vi.waitFor(async () => expect(await standingOf(rig, rows, bought)).toEqual(ends.paid()), patience);
  return { bought, paymentId: payment?.id ?? '' };
}

const patience = { timeout: 15_000, interval: 50 };

/** Waits for the one legal end of a collision, and remembers it. */
async function endsAs(bought: Purchase, standing: Standing): Promise<void> {
  await vi.waitFor(async () => expect(await standingOf(rig, rows, bought)).toEqual(standing), patience);
  ended.push({ purchase: bought, standing });
}

const untilPaymentIs = (status: string, { orderId }: Purchase) =>
  rows.until('SELECT id FROM souk_payment.payments WHERE order_id = ? AND status = ?', [
    idToBytes('Order', orderId),
    status,
  ]);
const untilOrderIs = (status: string, { orderId }: Purchase) =>
  rows.until('SELECT id FROM souk_order.orders WHERE id = ? AND status = ?', [idToBytes('Order', orderId), status]);

/** Payment knows that the order has ended. */
const untilPaymentKnows = ({ orderId }: Purchase) =>
  rows.until("SELECT state FROM souk_payment.order_states WHERE order_id = ? AND state <> 'OPEN'", [
    idToBytes('Order', orderId),
  ]);

async function openPayment({ orderId }: Purchase): Promise<string> {
  const { id } = await rows.until<{ id: Buffer }>('SELECT id FROM souk_payment.payments WHERE live_order_id = ?', [
    idToBytes('Order', orderId),
  ]);
  return bytesToId('Payment', id);
}

const reportsOf = (paymentId: string) =>
  rows.ask('SELECT event_id FROM souk_payment.provider_events WHERE payment_id = ?', [idToBytes('Payment', paymentId)]);

const done = { userErrors: [] };
const refusedWith = (code: string) => ({ userErrors: [{ code }] });
/** Half of the price: a refund that leaves something for another. */
const PART = '4.00';
const rest = ({ total }: Purchase) => (Number(total) - Number(PART)).toFixed(2);

describe('pay × cancel', () => {
  it('a payment that begins first is called off before it is charged', async () => {
    const bought = await purchase();
    const begun = await rig.hold('payment.begun');
    const { first, second } = await race(rig, {
      first: () => pay(bought),
      heldAt: 'payment.begin.commit',
      about: bought.orderId,
      second: () => cancel(bought),
      meet: isThroughAndWaitsInPayment,
    });
    expect(await second).toMatchObject({ ...done, order: { status: 'CANCELED' } });
    await untilPaymentIs('CANCELED', bought);
    begun.release();
    expect(await first).toMatchObject({ ...done, payment: { status: 'CANCELED', capturedAmount: { amount: '0.00' } } });
    await endsAs(bought, ends.unpaid('CANCELED', ['CANCELED']));
  });

  it('a payment that confirms first makes it an order to be called off, with money and stock to be returned', async () => {
    const bought = await purchase();
    const { first, second } = await race(rig, {
      first: () => pay(bought).then(() => untilOrderIs('CANCELED', bought)),
      heldAt: 'inbox.commit',
      about: 'payment.captured',
      second: () => cancel(bought),
      meet: waitsInOrder,
    });
    expect(await second).toMatchObject({ ...done, order: { status: 'CANCELED', version: 3 } });
    await first;
    await endsAs(bought, ends.canceledAfterPayment([bought.total]));
  });

  it('a cancellation that is first leaves the order canceled; the money that was taken meanwhile goes back', async () => {
    const bought = await purchase();
    const { first, second } = await race(rig, {
      first: () => cancel(bought),
      heldAt: 'order.change.commit',
      about: bought.orderId,
      second: () => pay(bought),
      meet: waitsInOrder,
    });
    expect(await first).toMatchObject({ ...done, order: { status: 'CANCELED' } });
    expect(await second).toMatchObject({ ...done, payment: { status: 'CAPTURED' } });
    await endsAs(bought, ends.tooLate('CANCELED', [bought.total]));
  });
});

describe('pay × sweep', () => {
  it('a payment that begins first is called off before it is charged', async () => {
    const bought = await purchase();
    const begun = await rig.hold('payment.begun');
    const { first } = await race(rig, {
      first: () => pay(bought),
      heldAt: 'payment.begin.commit',
      about: bought.orderId,
      second: () => sweep(bought),
      meet: isThroughAndWaitsInPayment,
    });
    await untilPaymentIs('EXPIRED', bought);
    begun.release();
    expect(await first).toMatchObject({ ...done, payment: { status: 'EXPIRED', capturedAmount: { amount: '0.00' } } });
    await endsAs(bought, ends.unpaid('EXPIRED', ['EXPIRED']));
  });

  it('a payment that confirms first keeps the order', async () => {
    const bought = await purchase();
    const charged = await rig.hold('payment.charged');
    const { first } = await race(rig, {
      first: async () => {
        const payment = pay(bought);
        await charged.reached;
        // Nobody may begin to pay an order whose time is over, but a charge that is under way goes on.
        await sweeper.makeDue(bought.orderId);
        charged.release();
        await payment;
        return untilOrderIs('CONFIRMED', bought);
      },
      heldAt: 'inbox.commit',
      about: 'payment.captured',
      second: () => sweeper.pass(),
      meet: isThrough,
    });
    await first;
    await sweeper.pass();
    await endsAs(bought, ends.paid());
  });

  it('a sweep that is first refuses the payment', async () => {
    const bought = await purchase();
    const { second } = await race(rig, {
      first: () => sweep(bought),
      heldAt: 'order.expire.commit',
      about: bought.orderId,
      second: () => pay(bought),
      meet: isThrough,
    });
    expect(await second).toMatchObject({ ...refusedWith('ORDER_NOT_PAYABLE'), payment: null });
    await endsAs(bought, ends.unpaid('EXPIRED', []));
  });
});

describe('pay × webhook', () => {
  it('the answer to the charge is first: the report changes nothing', async () => {
    const bought = await purchase();
    const { first, second } = await race(rig, {
      first: () => pay(bought),
      heldAt: 'payment.settle.commit',
      second: async () => webhook(await openPayment(bought)),
      meet: waitsInPayment,
    });
    expect(await first).toMatchObject({ ...done, payment: { status: 'CAPTURED' } });
    expect(await second).toBe('UNCHANGED');
    await endsAs(bought, ends.paid());
  });

  it('the report is first: the answer to the charge changes nothing', async () => {
    const bought = await purchase();
    const charged = await rig.hold('payment.charged');
    const payment = pay(bought);
    await charged.reached;
    const id = await openPayment(bought);
    const { first } = await race(rig, {
      first: () => webhook(id),
      heldAt: 'webhook.commit',
      about: id,
      second: async () => charged.release(),
      meet: waitsInPayment,
    });
    expect(await first).toBe('CAPTURED');
    expect(await payment).toMatchObject({ ...done, payment: { status: 'CAPTURED' } });
    await endsAs(bought, ends.paid());
  });

  it('the report of one payment is first: another one cannot begin', async () => {
    const { bought, paymentId } = await unreported();
    const { first, second } = await race(rig, {
      first: () => webhook(paymentId),
      heldAt: 'webhook.commit',
      about: paymentId,
      second: () => pay(bought),
      meet: waitsInPayment,
    });
    expect(await first).toBe('CAPTURED');
    expect(await second).toMatchObject({ ...refusedWith('ALREADY_PAID'), payment: null });
    await endsAs(bought, ends.paid());
  });
});

describe('pay × refund', () => {
  it('a payment that is first can be refunded', async () => {
    const bought = await purchase();
    const { first, second } = await race(rig, {
      first: () => pay(bought),
      heldAt: 'payment.settle.commit',
      second: async () => refund(await openPayment(bought), PART),
      meet: waitsInPayment,
    });
    expect(await first).toMatchObject(done);
    expect(await second).toMatchObject({ ...done, refund: { status: 'SUCCEEDED', amount: { amount: PART } } });
    await endsAs(bought, ends.refunded('PARTIALLY_REFUNDED', [PART]));
  });

  it('a refund that comes before the money is refused', async () => {
    const bought = await purchase();
    const { first, second } = await race(rig, {
      first: () => pay(bought),
      heldAt: 'payment.charged',
      second: async () => refund(await openPayment(bought), PART),
      meet: isThrough,
    });
    expect(await second).toMatchObject({ ...refusedWith('NOT_REFUNDABLE'), refund: null });
    expect(await first).toMatchObject({ ...done, payment: { status: 'CAPTURED' } });
    await endsAs(bought, ends.paid());
  });

  it('a refund that is first does not make the order payable again', async () => {
    const { bought, paymentId } = await paid();
    const { first, second } = await race(rig, {
      first: () => refund(paymentId),
      heldAt: 'refund.grant.commit',
      about: paymentId,
      second: () => pay(bought),
      meet: isThrough,
    });
    expect(await second).toMatchObject({ ...refusedWith('ALREADY_PAID'), payment: null });
    expect(await first).toMatchObject({ ...done, payment: { status: 'REFUNDED' } });
    await endsAs(bought, ends.refunded('REFUNDED', [bought.total]));
    expect(await pay(bought)).toMatchObject({ ...refusedWith('ALREADY_PAID'), payment: null });
  });
});

describe('cancel × sweep', () => {
  it('a cancellation that is first is what happened to the order', async () => {
    const bought = await purchase();
    await sweeper.makeDue(bought.orderId);
    const { first } = await race(rig, {
      first: () => cancel(bought),
      heldAt: 'order.change.commit',
      about: bought.orderId,
      second: () => sweeper.pass(),
      meet: isThrough,
    });
    expect(await first).toMatchObject({ ...done, order: { status: 'CANCELED' } });
    await sweeper.pass();
    await endsAs(bought, ends.unpaid('CANCELED', []));
  });

  it('a sweep that is first leaves nothing to cancel', async () => {
    const bought = await purchase();
    const { second } = await race(rig, {
      first: () => sweep(bought),
      heldAt: 'order.expire.commit',
      about: bought.orderId,
      second: () => cancel(bought),
      meet: waitsInOrder,
    });
    expect(await second).toMatchObject(refusedWith('NOT_CANCELABLE'));
    await endsAs(bought, ends.unpaid('EXPIRED', []));
  });
});

describe('cancel × webhook', () => {
  it('a cancellation that is first stays; the money that is reported goes back', async () => {
    const { bought, paymentId } = await unreported();
    const { first, second } = await race(rig, {
      first: () => cancel(bought),
      heldAt: 'order.change.commit',
      about: bought.orderId,
      second: () => webhook(paymentId),
      meet: waitsInOrder,
    });
    expect(await first).toMatchObject({ ...done, order: { status: 'CANCELED' } });
    expect(await second).toBe('CAPTURED');
    await endsAs(bought, ends.tooLate('CANCELED', [bought.total]));
  });

  it('a report that is first takes the money, and the cancellation returns it', async () => {
    const { bought, paymentId } = await unreported();
    const { first, second } = await race(rig, {
      first: () => webhook(paymentId),
      heldAt: 'webhook.commit',
      about: paymentId,
      second: () => cancel(bought),
      meet: isThroughAndWaitsInPayment,
    });
    expect(await second).toMatchObject({ ...done, order: { status: 'CANCELED' } });
    expect(await first).toBe('CAPTURED');
    await endsAs(bought, ends.tooLate('CANCELED', [bought.total]));
  });

  it('a report that comes after the news of the cancellation takes the money and returns it at once', async () => {
    const { bought, paymentId } = await unreported();
    const { first, second } = await race(rig, {
      first: () => cancel(bought).then(() => untilPaymentKnows(bought)),
      heldAt: 'payment.close.commit',
      about: bought.orderId,
      second: () => webhook(paymentId),
      meet: waitsInPayment,
    });
    await first;
    expect(await second).toBe('CAPTURED_AND_RETURNED');
    await endsAs(bought, ends.tooLate('CANCELED', [bought.total]));
  });
});

describe('cancel × refund', () => {
  it('a cancellation that is first returns what the refund has left', async () => {
    const { bought, paymentId } = await paid();
    const { first, second } = await race(rig, {
      first: () => cancel(bought),
      heldAt: 'order.change.commit',
      about: bought.orderId,
      second: () => refund(paymentId, PART),
      meet: isThrough,
    });
    expect(await second).toMatchObject({ ...done, refund: { status: 'SUCCEEDED' } });
    expect(await first).toMatchObject({ ...done, order: { status: 'CANCELED' } });
    await endsAs(bought, ends.canceledAfterPayment([PART, rest(bought)]));
  });

  it('a refund that is first leaves the rest to the cancellation', async () => {
    const { bought, paymentId } = await paid();
    const { first, second } = await race(rig, {
      first: () => refund(paymentId, PART),
      heldAt: 'refund.grant.commit',
      about: paymentId,
      second: () => cancel(bought),
      meet: isThroughAndWaitsInPayment,
    });
    expect(await second).toMatchObject({ ...done, order: { status: 'CANCELED' } });
    expect(await first).toMatchObject(done);
    await endsAs(bought, ends.canceledAfterPayment([PART, rest(bought)]));
  });

  it('a cancellation whose news is first leaves nothing to refund', async () => {
    const { bought, paymentId } = await paid();
    const { first, second } = await race(rig, {
      first: () => cancel(bought).then(() => untilPaymentKnows(bought)),
      heldAt: 'payment.close.commit',
      about: bought.orderId,
      second: () => refund(paymentId, PART),
      meet: waitsInPayment,
    });
    await first;
    expect(await second).toMatchObject({ ...refusedWith('REFUND_EXCEEDS_CAPTURED'), refund: null });
    await endsAs(bought, ends.canceledAfterPayment([bought.total]));
  });
});

describe('sweep × webhook', () => {
  it('a sweep that is first ends the order; the money that is reported goes back', async () => {
    const { bought, paymentId } = await unreported();
    const { second } = await race(rig, {
      first: () => sweep(bought),
      heldAt: 'order.expire.commit',
      about: bought.orderId,
      second: () => webhook(paymentId),
      meet: waitsInOrder,
    });
    expect(await second).toBe('CAPTURED');
    await endsAs(bought, ends.tooLate('EXPIRED', [bought.total]));
  });

  it('a report that is first takes the money, and the end of the order returns it', async () => {
    const { bought, paymentId } = await unreported();
    const { first } = await race(rig, {
      first: () => webhook(paymentId),
      heldAt: 'webhook.commit',
      about: paymentId,
      second: () => sweep(bought),
      meet: isThroughAndWaitsInPayment,
    });
    expect(await first).toBe('CAPTURED');
    await endsAs(bought, ends.tooLate('EXPIRED', [bought.total]));
  });
});

describe('sweep × refund', () => {
  /** Money is there, and the order has not heard of it: only so can it expire and be refunded at once. */
  async function paidUnheard() {
    const bought = await purchase();
    const relay = await rig.hold('relay.claimed', { about: 'payment' });
    await relay.reached;
    const { payment } = await pay(bought);
    return { bought, paymentId: payment?.id ?? '', relay };
  }

  it('a sweep that is first returns what the refund has left', async () => {
    const { bought, paymentId, relay } = await paidUnheard();
    const { second } = await race(rig, {
      first: () => sweep(bought),
      heldAt: 'order.expire.commit',
      about: bought.orderId,
      second: () => refund(paymentId, PART),
      meet: isThrough,
    });
    expect(await second).toMatchObject({ ...done, refund: { status: 'SUCCEEDED' } });
    relay.release();
    await endsAs(bought, ends.tooLate('EXPIRED', [PART, rest(bought)]));
  });

  it('a refund that is first leaves the rest to the end of the order', async () => {
    const { bought, paymentId, relay } = await paidUnheard();
    const { first } = await race(rig, {
      first: () => refund(paymentId, PART),
      heldAt: 'refund.grant.commit',
      about: paymentId,
      second: () => sweep(bought),
      meet: isThroughAndWaitsInPayment,
    });
    expect(await first).toMatchObject(done);
    relay.release();
    await endsAs(bought, ends.tooLate('EXPIRED', [PART, rest(bought)]));
  });
});

describe('webhook × refund', () => {
  it('a report that is first can be refunded', async () => {
    const { bought, paymentId } = await unreported();
    const { first, second } = await race(rig, {
      first: () => webhook(paymentId),
      heldAt: 'webhook.commit',
      about: paymentId,
      second: () => refund(paymentId),
      meet: waitsInPayment,
    });
    expect(await first).toBe('CAPTURED');
    expect(await second).toMatchObject({ ...done, payment: { status: 'REFUNDED' } });
    await endsAs(bought, ends.refunded('REFUNDED', [bought.total]));
  });

  it('a refund that is first is not undone by a report that comes again', async () => {
    const { bought, paymentId } = await paid();
    const { first, second } = await race(rig, {
      first: () => refund(paymentId),
      heldAt: 'refund.grant.commit',
      about: paymentId,
      second: () => webhook(paymentId),
      meet: waitsInPayment,
    });
    expect(await first).toMatchObject(done);
    expect(await second).toBe('UNCHANGED');
    await endsAs(bought, ends.refunded('REFUNDED', [bought.total]));
  });
});

describe('each with itself', () => {
  it('of two payments, one begins', async () => {
    const bought = await purchase();
    const { first, second } = await race(rig, {
      first: () => pay(bought),
      heldAt: 'payment.begin.commit',
      about: bought.orderId,
      second: () => pay(bought),
      meet: waitsInPayment,
    });
    expect(await second).toMatchObject({ ...refusedWith('PAYMENT_IN_PROGRESS'), payment: null });
    expect(await first).toMatchObject({ ...done, payment: { status: 'CAPTURED' } });
    await endsAs(bought, ends.paid());
  });

  it('of two payments with one key, both are the same', async () => {
    const bought = await purchase();
    const key = randomUUID();
    const charged = await rig.hold('payment.charged');
    const { first, second } = await race(rig, {
      first: () => pay(bought, undefined, key),
      heldAt: 'payment.begin.commit',
      about: bought.orderId,
      second: () => pay(bought, undefined, key),
      // The key is locked with the payment.
      meet: waitsInPayment,
    });
    const answer = await second;
    expect(answer).toMatchObject({ ...done, payment: { status: 'PROCESSING' } });
    charged.release();
    expect(await first).toMatchObject({ ...done, payment: { id: answer.payment?.id, status: 'CAPTURED' } });
    await endsAs(bought, ends.paid());
  });

  it('of two cancellations, one happens', async () => {
    const bought = await purchase();
    const { first, second } = await race(rig, {
      first: () => cancel(bought),
      heldAt: 'order.change.commit',
      about: bought.orderId,
      second: () => cancel(bought),
      meet: waitsInOrder,
    });
    expect(await first).toMatchObject({ ...done, order: { status: 'CANCELED' } });
    expect(await second).toMatchObject(refusedWith('NOT_CANCELABLE'));
    await endsAs(bought, ends.unpaid('CANCELED', []));
  });

  it('of two refunds, both together give back no more than was taken', async () => {
    const { bought, paymentId } = await paid();
    const { first, second } = await race(rig, {
      first: () => refund(paymentId, PART),
      heldAt: 'refund.grant.commit',
      about: paymentId,
      second: () => refund(paymentId, bought.total),
      meet: waitsInPayment,
    });
    expect(await first).toMatchObject({ ...done, refund: { status: 'SUCCEEDED' } });
    expect(await second).toMatchObject({ ...refusedWith('REFUND_EXCEEDS_CAPTURED'), refund: null });
    await endsAs(bought, ends.refunded('PARTIALLY_REFUNDED', [PART]));
  });

  it('of two reports out of order, the one that the money was taken counts', async () => {
    const { bought, paymentId } = await unreported();
    const { first, second } = await race(rig, {
      first: () => webhook(paymentId),
      heldAt: 'webhook.commit',
      about: paymentId,
      second: async () => outcomeOf(rows, (await postbox.deliver(rig, paymentId, 'PROCESSING')).eventId),
      meet: waitsInPayment,
    });
    expect(await first).toBe('CAPTURED');
    expect(await second).toBe('UNCHANGED');
    await endsAs(bought, ends.paid());
  });

  it('of one report that comes twice, one is acted upon', async () => {
    const { bought, paymentId } = await unreported();
    const { first, second } = await race(rig, {
      first: () => webhook(paymentId),
      heldAt: 'webhook.commit',
      about: paymentId,
      second: () => postbox.deliver(rig, paymentId),
      meet: isThrough,
    });
    expect(await first).toBe('CAPTURED');
    await second;
    expect(await reportsOf(paymentId)).toHaveLength(1);
    await endsAs(bought, ends.paid());
  });
});

it('holds everything that has to hold, and every collision has ended as it did', async () => {
  sweeper.letGo();
  await rig.settle();
  for (const { purchase: bought, standing } of ended) expect(await standingOf(rig, rows, bought)).toEqual(standing);
});
