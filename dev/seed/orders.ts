import { hash } from 'node:crypto';
import { fullTitle } from '@souk/catalog/variant-facts';
import type { OrderStatus } from '@souk/order/order-status';
import type { OrderCancelReason } from '@souk/order/tables';
import { sum, times } from '@souk/platform/money';
import { type ChargeFailure, testCards } from '../../subgraphs/payment/test-provider/cards.ts';
import { demoId } from './demo-id.ts';
import { after, DAY_MS, FAR_AWAY, HOUR_MS, LAST_DAY } from './demo-time.ts';
import { type DemoEvent, type Story, stories, tell } from './order-story.ts';
import { customers, type DemoAddress, type DemoPerson } from './people.ts';
import type { DemoVariant } from './product-variants.ts';
import type { DemoProduct } from './products.ts';
import { type Random, randomFor } from './random.ts';

/**
 * One order of the past, told once for everybody: the order service, the catalog that held its stock, the payment service and the provider of
 * test cards each keep their part of it, and so the parts agree.
 */
export interface DemoOrder {
  id: string;
  number: string;
  customer: DemoPerson;
  address: DemoAddress;
  currencyCode: string;
  totalMinor: bigint;
  lines: DemoLine[];
  note: string | null;
  placedAt: Date;
  /** Oldest first, its placing included. */
  events: DemoEvent[];
  status: OrderStatus;
  cancelReason: OrderCancelReason | null;
  paymentDueAt: Date | null;
  payments: DemoPayment[];
}

export interface DemoLine {
  id: string;
  productId: string;
  variantId: string;
  sku: string;
  title: string;
  unitPriceMinor: bigint;
  quantity: number;
}

/** One attempt to pay: it took the whole amount, or failed. */
export interface DemoPayment {
  id: string;
  chargeId: string;
  cardNumber: string;
  startedAt: Date;
  settledAt: Date;
  failure: ChargeFailure | null;
  refund: { id: string; grantedAt: Date; sentAt: Date; reason: string } | null;
}

/** Past orders of these products. The first belong to the demo customer, and between them go every way there is. */
export function ordersOf(products: readonly DemoProduct[], count: number): DemoOrder[] {
  const wares = products
    .filter(({ status }) => status === 'ACTIVE')
    .flatMap((product) => product.variants.map((variant) => ({ product, variant })));
  if (wares.length === 0) return [];
  return Array.from({ length: count }, (_, index) => orderAt(index, wares));
}

interface Ware {
  product: DemoProduct;
  variant: DemoVariant;
}

/** How many orders the demo customer has. */
const OWN_ORDERS = stories.length + 3;
const usualStories = stories.flatMap((story) => Array.from({ length: story.share }, () => story));

function orderAt(index: number, wares: readonly Ware[]): DemoOrder {
  const name = String(index);
  const random = randomFor(`order ${name}`);
  const story = stories[index] ?? random.pick(usualStories);
  const customer = customerOf(index, random);
  const placedAt = placingOf(story, customer, random);
  const bought = choose(wares, placedAt, random);
  const lines = bought.map(({ product, variant }, position) => ({
    id: demoId('OrderLine', placedAt, `${name} ${position}`),
    productId: product.id,
    variantId: variant.id,
    sku: variant.sku,
    title: fullTitle(product.title, variant.title),
    unitPriceMinor: variant.priceMinor,
    quantity: random.chance(75) ? 1 : random.integer(2, 3),
  }));
  const events = tell(story, { name, placedAt }, random);
  const status = events.at(-1)?.to ?? 'AWAITING_PAYMENT';
  return {
    id: demoId('Order', placedAt, name),
    number: numberOf(name),
    customer,
    address: random.pick(customer.addresses),
    currencyCode: bought[0]?.product.currencyCode ?? 'EUR',
    totalMinor: sum(lines.map((line) => times(line.unitPriceMinor, line.quantity))),
    lines,
    note: random.chance(12) ? random.pick(notes) : null,
    placedAt,
    events,
    status,
    cancelReason: story.steps.at(-1)?.cancelReason ?? null,
    paymentDueAt: status === 'AWAITING_PAYMENT' ? FAR_AWAY : null,
    payments: paymentsOf(name, events, random),
  };
}

const notes = [
  'Please leave it with the neighbour on the first floor.',
  'It is a present: no invoice in the parcel, please.',
  'Ring twice, the bell is shy.',
  '请工作日送货，谢谢。',
];

function customerOf(index: number, random: Random): DemoPerson {
  const [demoCustomer, ...others] = customers;
  return index < OWN_ORDERS && demoCustomer ? demoCustomer : random.pick(others);
}

function placingOf({ daysAgo: [fewest, most] }: Story, customer: DemoPerson, random: Random): Date {
  const day = after(LAST_DAY, -random.integer(fewest, most) * DAY_MS);
  // Nobody shops before they have signed up.
  const earliest = after(customer.createdAt, HOUR_MS);
  const placedAt = after(day, -random.integer(0, 10 * HOUR_MS));
  return placedAt > earliest ? placedAt : earliest;
}

/** How often to look for something else that goes into the same parcel. */
const MAX_LOOKS = 40;

/** One to four variants of different products in one currency, all on sale at that time; some products sell better than others. */
function choose(wares: readonly Ware[], at: Date, random: Random): Ware[] {
  const chosen: Ware[] = [];
  const wanted = random.pick([1, 1, 2, 2, 3, 4]);
  for (let looked = 0; chosen.length < wanted && (looked < MAX_LOOKS || chosen.length === 0); looked++) {
    const popular = random.integer(0, random.integer(0, wares.length - 1));
    const ware = wares[popular] as Ware;
    const [first] = chosen;
    const fits = !first || first.product.currencyCode === ware.product.currencyCode;
    const isNew = ware.product.createdAt < at && chosen.every(({ product }) => product !== ware.product);
    if (fits && isNew) chosen.push(ware);
  }
  return chosen;
}

const paidWith = '4242424242424242';
const declinedCards = Object.keys(testCards).filter((number) => testCards[number]?.failure);

/** Who pays does so at the moment the order is confirmed, some at the second try; who lets an order expire may have tried too. */
function paymentsOf(order: string, events: readonly DemoEvent[], random: Random): DemoPayment[] {
  const [placed] = events;
  const confirmed = events.find(({ to }) => to === 'CONFIRMED');
  const ended = events.find(({ to }) => to === 'CANCELED' || to === 'EXPIRED');
  const payments: DemoPayment[] = [];
  const charge = (cardNumber: string, startedAt: Date, refund: DemoPayment['refund'] = null) => {
    const name = `${order} ${payments.length}`;
    payments.push({
      id: demoId('Payment', startedAt, name),
      chargeId: `tc_${hash('sha256', `charge ${name}`).slice(0, 32)}`,
      cardNumber,
      startedAt,
      settledAt: after(startedAt, ANSWER_MS),
      failure: testCards[cardNumber]?.failure ?? null,
      refund,
    });
  };

  if (placed && random.chance(confirmed ? 12 : 30)) charge(random.pick(declinedCards), after(placed.at, 20_000));
  if (confirmed) {
    const refund = ended && {
      id: demoId('Refund', ended.at, order),
      grantedAt: ended.at,
      sentAt: after(ended.at, ANSWER_MS),
      reason: 'The order was canceled.',
    };
    charge(paidWith, after(confirmed.at, -ANSWER_MS), refund ?? null);
  }
  return payments;
}

/** How long the provider thinks about it. */
const ANSWER_MS = 400;

/** A number such as the order service draws. */
function numberOf(order: string): string {
  const bytes = hash('sha256', `order number ${order}`, 'buffer').subarray(0, 8);
  const letters = [...bytes].map((byte) => '0123456789ABCDEFGHJKMNPQRSTVWXYZ'[byte % 32]).join('');
  return `SK-${letters.slice(0, 4)}-${letters.slice(4)}`;
}
