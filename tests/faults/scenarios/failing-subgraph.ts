import { newCustomer } from '../../client.ts';
import { counter } from '../../counters.ts';
import { cancelOrder, createProduct, placedOrder } from '../../shopping.ts';
import type { Rig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';
import { Browse, openVisitor, p99, paced, type Seen, type Visitor } from '../traffic.ts';

const BROWSES_PER_SECOND = 40;
const ORDER_PAGES_PER_SECOND = 20;
/** The rest of the page is there although the part that failed is not waited for any more. */
const AT_ONCE_MS = 250;
const TARGETS = { neighbourRatio: 1.2, breakerMs: 2_000, reachRatio: 1.1, healMs: 10_000 };

/** Payment is slow, hangs, dies, loses its database: pages that need it lose one field, and the rest of the shop notices nothing. */
export const failingSubgraph: Scenario = {
  fault: 'A subgraph slow by 10 s, frozen, dead, with 100 % errors',
  mustHold: "others' p99 ≤ 1.2×; breaker ≤ 2 s; ≤ 1.1× requests reach it; heals ≤ 10 s",
  // Seconds of each fault.
  rounds: { small: 3, full: 20 },

  async run(rig, { rounds: seconds }) {
    const { payment } = rig.network.processes;
    const faults: Record<string, { breakIt: () => void | Promise<void>; mend: () => void | Promise<void> }> = {
      slow: { breakIt: () => payment.slow(10_000), mend: payment.heal },
      frozen: { breakIt: payment.freeze, mend: payment.heal },
      dead: { breakIt: payment.cut, mend: payment.heal },
      'without its database': { breakIt: rig.network.mysql.payment.cut, mend: rig.network.mysql.payment.heal },
    };
    const visitor = openVisitor(rig);
    try {
      const { customer, orderId } = await anOrder(rig);
      const load = () => bothKinds(visitor, customer.accessToken, orderId, seconds);
      await load();
      const healthy = await load();
      const figures: string[] = [];
      const missed: string[] = [];
      for (const [name, { breakIt, mend }] of Object.entries(faults)) {
        const reachedBefore = await requestsAtPayment(rig);
        const brokenAtMs = performance.now();
        await breakIt();
        const failing = await load();
        for (const page of failing.orderPages) expectPageWithoutPayment(page, name);
        const reached = (await requestsAtPayment(rig)) - reachedBefore;
        await mend();
        const healedMs = await untilHealed(visitor, customer.accessToken, orderId);

        const neighbourRatio = p99(failing.browses) / p99(healthy.browses);
        const breakerMs = answersAtOnceFrom(failing.orderPages) - brokenAtMs;
        const reachRatio = reached / failing.orderPages.length;
        figures.push(
          `${name}: others' p99 ${neighbourRatio.toFixed(1)}×, breaker ${breakerMs.toFixed(0)} ms, ${reachRatio.toFixed(2)} requests reach it for each page, healed in ${healedMs.toFixed(0)} ms`,
        );
        for (const [what, value] of Object.entries({ neighbourRatio, breakerMs, reachRatio, healMs: healedMs })) {
          const target = TARGETS[what as keyof typeof TARGETS];
          if (value > target) missed.push(`${name}: ${what} ${value.toFixed(1)} > ${target}`);
        }
      }
      await cancelOrder(customer, orderId);
      return { figures, missed };
    } finally {
      await visitor.close();
    }
  },
};

async function anOrder(rig: Rig) {
  const { variantIds } = await createProduct(rig.admin, [1]);
  const customer = await newCustomer(rig.shop.gatewayUrl);
  const { id } = await placedOrder(customer, [{ variantId: variantIds[0] ?? '', quantity: 1 }]);
  return { customer, orderId: id };
}

const OrderPage = 'query OrderPage($id: ID!) { order(id: $id) { number paymentStatus } }';

async function bothKinds(visitor: Visitor, accessToken: string, id: string, seconds: number) {
  const [browses, orderPages] = await Promise.all([
    paced({ perSecond: BROWSES_PER_SECOND, seconds }, () => visitor.send(Browse)),
    paced({ perSecond: ORDER_PAGES_PER_SECOND, seconds }, () => visitor.send(OrderPage, { id }, accessToken)),
  ]);
  const failed = browses.find(({ status, text }) => status !== 200 || text.includes('"errors"'));
  if (failed) throw new Error(`Expected the catalog to be untouched, got ${failed.status} ${failed.text}`);
  return { browses, orderPages };
}

/** All of the page but the one field; or all of it, before the fault was felt. */
function expectPageWithoutPayment({ status, text }: Seen, fault: string): void {
  const isWhole = /"paymentStatus":"\w+"/.test(text);
  const isPartial = text.includes('"paymentStatus":null') && /"code":"SUBGRAPH_(UNAVAILABLE|TIMEOUT)"/.test(text);
  if (status !== 200 || !/"number":"SK-/.test(text) || !(isWhole || isPartial))
    throw new Error(`Expected the order with payment ${fault} and only that missing, got ${status} ${text}`);
}

/** From when on every answer came at once. */
function answersAtOnceFrom(pages: readonly Seen[]): number {
  const lastSlow = pages.findLast(({ tookMs }) => tookMs > AT_ONCE_MS);
  return lastSlow ? lastSlow.sentAtMs : (pages[0]?.sentAtMs ?? 0);
}

async function untilHealed(visitor: Visitor, accessToken: string, id: string): Promise<number> {
  const mendedAtMs = performance.now();
  for (;;) {
    const { text } = await visitor.send(OrderPage, { id }, accessToken);
    const tookMs = performance.now() - mendedAtMs;
    if (/"paymentStatus":"\w+"/.test(text)) return tookMs;
    if (tookMs > 60_000) throw new Error(`Expected payment to be used again, got ${text}`);
  }
}

function requestsAtPayment(rig: Rig): Promise<number> {
  return counter(rig.shop.metricsUrls.payment, 'souk_http_request_duration_seconds_count', 'route="/graphql"');
}
