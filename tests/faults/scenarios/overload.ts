import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { newCustomer, type Person, patiently } from '../../client.ts';
import { address, cancelOrder, createProduct, unpaidOrders } from '../../shopping.ts';
import type { Rig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';
import { openVisitor, p99, paced, type Seen, type Visitor } from '../traffic.ts';

const TIMES_PEAK = 3;
const CHECKOUTS_PER_SECOND = 2;
/** An answer that comes later is of no use to anybody. */
const USEFUL_MS = 2_000;
const TARGETS = { goodput: 0.8, refusalMs: 50, checkouts: 0.95 };

/** Everybody looks for something else: what many ask for is kept, or asked for once, and would not make the shop work. */
const Search = `query Search($query: String!) {
  productSearch(query: $query, first: 10) { nodes { id title priceRange { min { amount } } } }
}`;

/** Three times as many requests as the shop can answer: it answers as many as before, refuses the others at once, and still sells. */
export const overload: Scenario = {
  fault: '3× overload',
  mustHold: 'goodput ≥ 80 % of peak; refusals ≤ 50 ms; checkout keeps its share',
  // Seconds of overload.
  rounds: { small: 4, full: 30 },

  async run(rig, { rounds: seconds }) {
    const visitor = openVisitor(rig);
    // Those who buy need not wait until one of those who browse has hung up.
    const buyer = openVisitor(rig);
    try {
      const customer = await newCustomer(rig.shop.gatewayUrl);
      const checkout = await openCheckout(rig, buyer, customer);
      let searches = 0;
      const browse = () => visitor.send(Search, { query: `shirt ${++searches}` });
      await peakOf(browse, 1);
      const peak = await peakOf(browse, Math.min(seconds, 10));
      const [browses, checkouts] = await Promise.all([
        paced({ perSecond: Math.round(peak * TIMES_PEAK), seconds }, browse),
        paced({ perSecond: CHECKOUTS_PER_SECOND, seconds }, checkout),
      ]);
      const useful = browses.filter((seen) => isGood(seen) && seen.tookMs <= USEFUL_MS);
      const refused = browses.filter(isRefusal);
      const unclear = browses.find((seen) => !isGood(seen) && !isRefusal(seen) && seen.status !== null);
      if (unclear) throw new Error(`Expected an answer or a refusal, got ${unclear.status} ${unclear.text}`);
      const goodput = useful.length / seconds / peak;
      const refusalMs = p99(refused);
      const sold = checkouts.flatMap(({ text }) => ORDER_ID.exec(text)?.[1] ?? []);
      // A purchase whose answer did not arrive may have been made.
      for (const orderId of await patiently(() => unpaidOrders(customer))) {
        await patiently(() => cancelOrder(customer, orderId));
      }

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
      await Promise.all([visitor.close(), buyer.close()]);
    }
  },
};

const ORDER_ID = /"order":\{"id":"(\w+)"/;

const IN_FLIGHT_AT_PEAK = 32;

/** Answers a second when nobody waits for longer than the others make them. */
async function peakOf(browse: () => Promise<Seen>, seconds: number): Promise<number> {
  const until = performance.now() + seconds * 1_000;
  let answers = 0;
  const visit = async () => {
    while (performance.now() < until) {
      const seen = await browse();
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
