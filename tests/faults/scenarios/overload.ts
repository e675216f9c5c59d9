import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { newCustomer, type Person } from '../../client.ts';
import { address, cancelOrder, createProduct } from '../../shopping.ts';
import type { Rig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';
import { Browse, openVisitor, p99, paced, type Seen, type Visitor } from '../traffic.ts';

const TIMES_PEAK = 3;
const CHECKOUTS_PER_SECOND = 2;
/** An answer that comes later is of no use to anybody. */
const USEFUL_MS = 2_000;
const TARGETS = { goodput: 0.8, refusalMs: 50, checkouts: 0.95 };

/** Three times as many requests as the shop can answer: it answers as many as before, refuses the others at once, and still sells. */
export const overload: Scenario = {
  fault: '3× overload',
  mustHold: 'goodput ≥ 80 % of peak; refusals ≤ 50 ms; checkout keeps its share',
  // Seconds of overload.
  rounds: { small: 4, full: 30 },

  async run(rig, { rounds: seconds }) {
    const visitor = openVisitor(rig);
    try {
      const customer = await newCustomer(rig.shop.gatewayUrl);
      const checkout = await openCheckout(rig, visitor, customer);
      await peakOf(visitor, 1);
      const peak = await peakOf(visitor, Math.min(seconds, 10));
      const [browses, checkouts] = await Promise.all([
        paced({ perSecond: Math.round(peak * TIMES_PEAK), seconds }, () => visitor.send(Browse)),
        paced({ perSecond: CHECKOUTS_PER_SECOND, seconds }, checkout),
      ]);
      const useful = browses.filter((seen) => isGood(seen) && seen.tookMs <= USEFUL_MS);
      const refused = browses.filter(isRefusal);
      const unclear = browses.find((seen) => !isGood(seen) && !isRefusal(seen) && seen.status !== null);
      if (unclear) throw new Error(`Expected an answer or a refusal, got ${unclear.status} ${unclear.text}`);
      const goodput = useful.length / seconds / peak;
      const refusalMs = p99(refused);
      const sold = checkouts.flatMap(({ text }) => /"order":\{"id":"(\w+)"/.exec(text)?.[1] ?? []);
      await Promise.all(sold.map((orderId) => cancelOrder(customer, orderId)));

      const unanswered = browses.filter(({ status }) => status === null).length;
      return {
        figures: [
          `peak ${Math.round(peak)}/s, offered ${Math.round(peak * TIMES_PEAK)}/s: goodput ${Math.round(goodput * 100)} % of peak`,
          `${refused.length} refused, p99 ${Math.round(refusalMs)} ms; ${unanswered} of ${browses.length} without an answer`,
          `${sold.length} of ${checkouts.length} checkouts went through`,
        ],
        missed: [
          ...(goodput < TARGETS.goodput
            ? [`goodput ${Math.round(goodput * 100)} % < 80 %: load and shop share the same cores`]
            : []),
          ...(refusalMs > TARGETS.refusalMs ? [`refusals take ${Math.round(refusalMs)} ms > 50 ms`] : []),
          ...(sold.length < checkouts.length * TARGETS.checkouts
            ? [`${checkouts.length - sold.length} checkouts did not go through`]
            : []),
        ],
      };
    } finally {
      await visitor.close();
    }
  },
};

const IN_FLIGHT_AT_PEAK = 32;

/** Answers a second when nobody waits for longer than the others make them. */
async function peakOf(visitor: Visitor, seconds: number): Promise<number> {
  const until = performance.now() + seconds * 1_000;
  let answers = 0;
  const visit = async () => {
    while (performance.now() < until) {
      const seen = await visitor.send(Browse);
      if (isGood(seen)) answers++;
      else await delay(10);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT_AT_PEAK }, visit));
  return answers / seconds;
}

function isGood({ status, text }: Seen): boolean {
  return status === 200 && !text.includes('"errors"');
}

/** The door refuses whole requests, the way to a subgraph a field; either says so with a code that clients know. */
function isRefusal({ status, text }: Seen): boolean {
  return (
    (status === 200 || status === 429 || status === 503) &&
    /"code":"(RATE_LIMITED|OVERLOADED|SUBGRAPH_UNAVAILABLE|SUBGRAPH_TIMEOUT)"/.test(text)
  );
}

const OrderOne =
  'mutation OrderOne($input: OrderPlaceInput!) { orderPlace(input: $input) { order { id } userErrors { code } } }';

async function openCheckout(rig: Rig, visitor: Visitor, { accessToken }: Person): Promise<() => Promise<Seen>> {
  const { variantIds } = await createProduct(rig.admin, [1_000]);
  const lines = [{ variantId: variantIds[0], quantity: 1 }];
  return () =>
    visitor.send(OrderOne, { input: { lines, shippingAddress: address, idempotencyKey: randomUUID() } }, accessToken);
}
