import { randomUUID } from 'node:crypto';
import { idToBytes } from '@souk/platform/id';
import { newCustomer } from '../../client.ts';
import { cancelOrder, createProduct, placeOrder } from '../../shopping.ts';
import { newPurchase, type Purchase } from '../races/purchase.ts';
import { race } from '../races/race.ts';
import type { Scene } from '../races/scene.ts';
import { holdSweeper } from '../races/sweeper.ts';
import { putIntoCart } from './events.ts';
import { brokenAbout, told } from './what-is-seen.ts';

/** An order is canceled twice at the same time. */
export async function twoCancel(scene: Scene) {
  const { rig, rows, customer } = scene;
  const { orderId } = await newPurchase(rig, customer);
  const { first, second } = await race(rig, {
    first: () => cancelOrder(customer, orderId),
    heldAt: 'order.change.commit',
    about: orderId,
    second: () => cancelOrder(customer, orderId),
    meet: () => rows.untilOneWaits('order'),
  });
  return { told: [await told(first), await told(second)], broken: await brokenAbout(scene, orderId) };
}

/** Somebody who places an order is stopped after the stock was held, so long that his attempt is taken over and undone; then he goes on. */
export async function aCheckoutIsTakenOver(scene: Scene) {
  const { rig, rows, customer } = scene;
  const { variantIds } = await createProduct(rig.admin, [1]);
  const lines = [{ variantId: variantIds[0] as string, quantity: 1 }];
  const held = await rig.hold('checkout.reserved');
  const placing = told(placeOrder(customer, { lines }));
  const { about: orderId = '' } = await held.reached;
  const id = idToBytes('Order', orderId);
  // His lease is over, as if so much time had passed.
  await rows.ask('UPDATE souk_order.checkouts SET leased_until = CURRENT_TIMESTAMP(3) WHERE order_id = ?', [id]);
  await rows.until("SELECT 1 FROM souk_order.checkouts WHERE order_id = ? AND state = 'UNDONE'", [id]);
  held.release();
  return { told: await placing, broken: await brokenAbout(scene, orderId) };
}

/** A client that lost the answer sends its order again, with the same key. */
export async function anOrderIsSentTwice(scene: Scene) {
  const { rig, customer } = scene;
  const { variantIds } = await createProduct(rig.admin, [3]);
  const wish = { lines: [{ variantId: variantIds[0] as string, quantity: 1 }], idempotencyKey: randomUUID() };
  const orders = [await placeOrder(customer, wish), await placeOrder(customer, wish)].map(
    ({ order }) => order?.id ?? '',
  );
  return { orders: new Set(orders).size, broken: await brokenAbout(scene, ...orders) };
}

/** Two orders, with keys of their own, are placed of one cart at the same time. */
export async function aCartIsOrderedTwice(scene: Scene) {
  const { rig, rows } = scene;
  const customer = await newCustomer(rig.shop.gatewayUrl);
  const { variantIds } = await createProduct(rig.admin, [3]);
  const { id: cartId, version: cartVersion } = await putIntoCart(rows, customer, variantIds[0] as string);
  const order = () => placeOrder(customer, { cartId, cartVersion });
  const { first, second } = await race(rig, {
    first: order,
    heldAt: 'checkout.place.commit',
    second: order,
    // Where nothing keeps them apart, the second does not wait.
    meet: (answer) => Promise.race([answer, rows.untilOneWaits('order')]),
  });
  const answers = await Promise.all([told(first), told(second)]);
  return { told: answers, broken: await brokenAbout(scene, idToBytes('Cart', cartId).toString('hex')) };
}

/** The sweep comes by while one order is overdue and another is in its time. */
export async function theSweepComesBy({ rig, rows, customer }: Scene) {
  const [overdue, inTime] = [await newPurchase(rig, customer), await newPurchase(rig, customer)];
  const sweeper = await holdSweeper(rig, rows);
  await sweeper.makeDue(overdue.orderId);
  await sweeper.pass();
  sweeper.letGo();
  return { overdue: await statusOf(rows, overdue), inTime: await statusOf(rows, inTime) };
}

async function statusOf(rows: Scene['rows'], { orderId }: Purchase): Promise<string> {
  const sql = 'SELECT status FROM souk_order.orders WHERE id = ?';
  return (await rows.until<{ status: string }>(sql, [idToBytes('Order', orderId)])).status;
}
