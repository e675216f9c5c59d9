import { counter } from '../../counters.ts';
import { createProduct, placeOrder } from '../../shopping.ts';
import { race } from '../races/race.ts';
import type { Scene } from '../races/scene.ts';
import { brokenAbout, told } from './what-is-seen.ts';

/** Two buyers want the last piece, and the second looks before the first has taken it. */
export async function twoWantTheLastPiece(scene: Scene) {
  const { rig, rows, customer } = scene;
  const { variantIds } = await createProduct(rig.admin, [1]);
  const variantId = variantIds[0] as string;
  const buy = () => placeOrder(customer, { lines: [{ variantId, quantity: 1 }] });
  const { first, second } = await race(rig, {
    first: buy,
    heldAt: 'stock.hold.commit',
    second: buy,
    meet: () => rows.untilOneWaits('catalog'),
  });
  return { told: [await told(first), await told(second)], broken: await brokenAbout(scene, variantId) };
}

/** Two buyers want the same two variants, each in another order, and both have locked one of them. */
export async function twoWantTheSameTwo({ rig, rows, customer }: Scene) {
  const { variantIds } = await createProduct(rig.admin, [2, 2]);
  const lines = variantIds.toSorted().map((variantId) => ({ variantId, quantity: 1 }));
  const deadlocks = () => counter(rig.shop.metricsUrls.catalog, 'souk_sql_redone_total', 'reason="deadlock"');
  const before = await deadlocks();
  const { first, second } = await race(rig, {
    first: () => placeOrder(customer, { lines }),
    heldAt: 'stock.hold.line',
    about: lines[1]?.variantId as string,
    second: () => placeOrder(customer, { lines: lines.toReversed() }),
    meet: () => rows.untilOneWaits('catalog'),
  });
  return { told: [await told(first), await told(second)], deadlocks: (await deadlocks()) - before };
}
