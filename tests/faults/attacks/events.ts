import { idToBytes } from '@souk/platform/id';
import { newCustomer, type Person, send } from '../../client.ts';
import { counter } from '../../counters.ts';
import { cancelOrder, createProduct, pay, placeOrder } from '../../shopping.ts';
import { newPurchase } from '../races/purchase.ts';
import { race } from '../races/race.ts';
import type { Rows } from '../races/rows.ts';
import type { Scene } from '../races/scene.ts';
import { holdSweeper } from '../races/sweeper.ts';
import { brokenAbout } from './what-is-seen.ts';

/** What a customer has ordered leaves the cart. The customer puts the same in again, and then the same event is delivered again. */
export async function anEventIsDeliveredTwice({ rig, rows }: Scene) {
  const customer = await newCustomer(rig.shop.gatewayUrl);
  const { variantIds } = await createProduct(rig.admin, [5]);
  const variantId = variantIds[0] as string;
  const { id: cartId, version: cartVersion } = await putIntoCart(rows, customer, variantId);
  const { order } = await placeOrder(customer, { cartId, cartVersion });
  const orderId = order?.id ?? '';
  await pay(customer, orderId);
  const mine = "aggregate_id = ? AND type = 'order.confirmed' AND subscriber = 'cart'";
  const delivered = `SELECT 1 FROM souk_order.outbox WHERE ${mine} AND state = 'DELIVERED'`;
  await rows.until(delivered, [orderId]);
  await putIntoCart(rows, customer, variantId);

  // The report of it got lost, and with Redis everything else that knew of it.
  const unreported = "state = 'QUEUED', delivered_at = NULL, queued_at = CURRENT_TIMESTAMP(3) - INTERVAL 1 MINUTE";
  await rig.wipeRedis();
  await rows.ask(`UPDATE souk_order.outbox SET ${unreported} WHERE ${mine}`, [orderId]);
  await rows.until(delivered, [orderId]);
  const cart = await rows.ask('SELECT 1 FROM souk_cart.cart_lines WHERE cart_id = ?', [idToBytes('Cart', cartId)]);
  return { linesInCart: cart.length };
}

const FillCart = `mutation FillCart($variantId: ID!) {
  cartCreate(input: { currencyCode: "EUR", lines: [{ variantId: $variantId, quantity: 1 }] }) { cart { id version } }
}`;

/** The customer's cart, with one more piece in it. */
export async function putIntoCart(
  rows: Rows,
  customer: Person,
  variantId: string,
): Promise<{ id: string; version: number }> {
  // The cart hears of a new variant a moment after the catalog has it.
  await rows.until('SELECT 1 FROM souk_cart.variant_facts WHERE variant_id = ?', [
    idToBytes('ProductVariant', variantId),
  ]);
  const { data } = (await send(customer, FillCart, { variantId })) as {
    data: { cartCreate: { cart: { id: string; version: number } } };
  };
  return data.cartCreate.cart;
}

/** An order is canceled while the catalog is still at work on its confirmation. */
export async function twoThingsHappenToAnOrder(scene: Scene) {
  const { rig, rows, customer } = scene;
  const { orderId } = await newPurchase(rig, customer);
  const selling = await rig.hold('stock.sold.commit', { about: orderId });
  await pay(customer, orderId);
  await selling.reached;
  await cancelOrder(customer, orderId);
  // Payment was told nothing before, so it is told at once, and the catalog would be with it.
  await rows.until(
    "SELECT 1 FROM souk_order.outbox WHERE aggregate_id = ? AND type = 'order.canceled' AND subscriber = 'payment' AND state = 'DELIVERED'",
    [orderId],
  );
  const broken = await brokenAbout(scene, orderId);
  selling.release();
  return { broken };
}

/** An order that is overdue is paid after all, while the sweep has it in hand. */
export async function theSweepMeetsAPayment(scene: Scene) {
  const { rig, rows, customer } = scene;
  const { orderId } = await newPurchase(rig, customer);
  const deadlocks = () => counter(rig.shop.metricsUrls.order, 'souk_sql_redone_total', 'reason="deadlock"');
  const before = await deadlocks();
  const sweeper = await holdSweeper(rig, rows);
  const relay = await rig.hold('relay.claimed', { about: 'payment' });
  await relay.reached;
  await pay(customer, orderId);
  await sweeper.makeDue(orderId);
  const statusIs = 'SELECT status FROM souk_order.orders WHERE id = ? AND status IN (?)';
  const id = idToBytes('Order', orderId);
  const { first } = await race(rig, {
    first: () => sweeper.pass(),
    heldAt: 'order.expire.chosen',
    about: orderId,
    second: async () => relay.release(),
    meet: () => Promise.race([rows.untilOneWaits('order'), rows.until(statusIs, [id, ['CONFIRMED']])]),
  });
  await first;
  sweeper.letGo();
  const { status } = await rows.until<{ status: string }>(statusIs, [id, ['CONFIRMED', 'EXPIRED']]);
  return { status, deadlocks: (await deadlocks()) - before, broken: await brokenAbout(scene, orderId) };
}
