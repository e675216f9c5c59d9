import type { ProviderCharge } from '../invariants/provider-log.ts';

/**
 * What clients wanted and what they were told, held against what the shop and the outside world have on record.
 *
 *   wish     one thing a client wants done once, under one key, however often it has to ask
 *   try      one request for it, and how that ended: `told` that it is done, `refused`, or `unknown`: no answer, or one that leaves it open
 *
 * An unknown wish may have been granted or not, but not twice; everything else must be as the client was told.
 */
export interface History {
  wishes: Wish[];
}

export type Wish = Placing | Paying | CallingOff | Canceling | Refunding | Adjusting;

interface WishOf<Verb extends string, Facts, Told> {
  verb: Verb;
  /** Who wants it: the id of the user. */
  by: string;
  key: string;
  facts: Facts;
  tries: Try<Told>[];
}

export type Try<Told> = { startedAtMs: number; endedAtMs: number } & (
  | { outcome: 'told'; told: Told }
  | { outcome: 'refused'; codes: readonly string[] }
  | { outcome: 'unknown'; why: string }
);

export interface Line {
  variantId: string;
  quantity: number;
}

export interface ToldOrder {
  id: string;
  number: string;
  status: string;
  totalMinor: bigint;
}

export interface ToldPayment {
  id: string;
  status: string;
  amountMinor: bigint;
}

/** orderPlace. */
export type Placing = WishOf<'place', { lines: readonly Line[] }, ToldOrder>;
/** paymentStart. A payment that failed is told, too. */
export type Paying = WishOf<'pay', { orderId: string; cardLast4: string }, ToldPayment>;
/** paymentCancel. */
export type CallingOff = WishOf<'call off', { paymentId: string }, ToldPayment>;
/** orderCancel, which needs no key: it is told when the order is called off. */
export type Canceling = WishOf<'cancel', { orderId: string }, ToldOrder>;
/** paymentRefund by staff. The key is also given as the reason. */
export type Refunding = WishOf<'refund', { paymentId: string; amountMinor: bigint }, { id: string; status: string }>;
/** stockAdjust by staff. The key is also given as the reason. */
export type Adjusting = WishOf<'adjust', { variantId: string; delta: number }, { variantId: string }>;

/** What is on record about the clients of a history and what they had to do with, when all has settled. */
export interface Rows {
  orders: {
    id: string;
    number: string;
    userId: string;
    status: string;
    totalMinor: bigint;
    lines: readonly Line[];
  }[];
  /** Attempts to place an order that succeeded. */
  placed: { userId: string; key: string; orderId: string }[];
  payments: {
    id: string;
    orderId: string;
    userId: string;
    status: string;
    amountMinor: bigint;
    capturedMinor: bigint;
    refundedMinor: bigint;
  }[];
  /** Which payment was begun under which key. */
  begun: { userId: string; key: string; paymentId: string }[];
  /** Refunds of these payments that are not the shop's own doing. */
  refunds: { id: string; paymentId: string; amountMinor: bigint; status: string; reason: string }[];
  /** Corrections of these variants' stock. */
  adjustments: { variantId: string; quantity: number; reason: string }[];
  charges: readonly ProviderCharge[];
}

/** Every way in which the rows are not what the clients were told, in words. Nothing, when all is well. */
export function faultsIn({ wishes }: History, rows: Rows): string[] {
  const of = <Verb extends Wish['verb']>(verb: Verb) =>
    wishes.filter((wish): wish is Extract<Wish, { verb: Verb }> => wish.verb === verb);
  return [
    ...wishes.flatMap(contradictions),
    ...of('place').flatMap((wish) => placedOtherwise(wish, rows)),
    ...of('pay').flatMap((wish) => paidOtherwise(wish, rows)),
    ...of('call off').flatMap((wish) => calledOffOtherwise(wish, rows)),
    ...of('cancel').flatMap((wish) => canceledOtherwise(wish, rows)),
    ...of('refund').flatMap((wish) => refundedOtherwise(wish, rows)),
    ...of('adjust').flatMap((wish) => adjustedOtherwise(wish, rows)),
    ...wantedByNobody(wishes, rows),
  ];
}

/** Everything that a client was told about a wish, oldest first. */
export function toldOf<Told>({ tries }: { tries: readonly Try<Told>[] }): Told[] {
  return tries.flatMap((each) => (each.outcome === 'told' ? [each.told] : []));
}

export function isRefused({ tries }: Pick<Wish, 'tries'>): boolean {
  return tries.some(({ outcome }) => outcome === 'refused');
}

/** A key stands for one answer, however often it is sent: done, or refused, and always the same thing done. */
function contradictions(wish: Wish): string[] {
  // A cancellation has no key. One that was done without the client's knowledge is refused the next time, showing that it was done.
  if (wish.verb === 'cancel') return [];
  const answers = new Set<string>();
  for (const each of wish.tries) {
    if (each.outcome === 'told') answers.add(`done: ${identity(wish.verb, each.told)}`);
    // That a payment was done by the time somebody called it off is told as a refusal, and may be told after the wish was noted.
    if (each.outcome === 'refused' && wish.verb !== 'call off') answers.add('refused');
  }
  return answers.size > 1 ? [fault(wish, `was answered differently: ${[...answers].join('; ')}`)] : [];
}

/** What of an answer never changes; a status does. */
function identity(verb: Wish['verb'], told: object): string {
  const { status: _, ...rest } = told as { status?: string };
  return `${verb} ${Object.values(rest).join(' ')}`;
}

function placedOtherwise(wish: Placing, rows: Rows): string[] {
  const placed = rows.placed.filter(({ userId, key }) => userId === wish.by && key === wish.key);
  const faults: string[] = [];
  if (placed.length > 1) faults.push(fault(wish, `made ${placed.length} orders`));
  if (isRefused(wish) && placed.length > 0) faults.push(fault(wish, 'was refused and made an order'));
  for (const told of toldOf(wish)) {
    const order = rows.orders.find(({ id }) => id === told.id);
    if (!order) {
      faults.push(fault(wish, `was told ${told.id}, which does not exist`));
      continue;
    }
    if (!placed.some(({ orderId }) => orderId === told.id))
      faults.push(fault(wish, `was told ${told.id}, which was not placed under this key`));
    const asTold = { number: told.number, totalMinor: told.totalMinor, userId: wish.by, lines: linesOf(wish.facts) };
    for (const [name, expected] of Object.entries(asTold)) {
      const found = name === 'lines' ? linesOf(order) : order[name as 'number' | 'totalMinor' | 'userId'];
      if (found !== expected)
        faults.push(fault(wish, `was told ${name} ${expected} of ${told.id}, which has ${found}`));
    }
    faults.push(...notAsEnded(wish, told, rows));
  }
  return faults;
}

function linesOf({ lines }: { lines: readonly Line[] }): string {
  return lines
    .map(({ variantId, quantity }) => `${quantity} × ${variantId}`)
    .sort()
    .join(', ');
}

/** An order that was shown as over stays so. */
function notAsEnded(wish: Wish, told: ToldOrder, rows: Rows): string[] {
  const order = rows.orders.find(({ id }) => id === told.id);
  const isOver = told.status === 'CANCELED' || told.status === 'EXPIRED';
  if (!isOver || order?.status === told.status) return [];
  return [fault(wish, `was told that ${told.id} is ${told.status}, and it is ${order?.status ?? 'nowhere'}`)];
}

const captured = new Set(['CAPTURED', 'PARTIALLY_REFUNDED', 'REFUNDED']);
const moneyless = new Set(['FAILED', 'CANCELED', 'EXPIRED']);

function paidOtherwise(wish: Paying, rows: Rows): string[] {
  const begun = rows.begun.filter(({ userId, key }) => userId === wish.by && key === wish.key);
  const faults: string[] = [];
  if (isRefused(wish) && begun.length > 0) faults.push(fault(wish, 'was refused and began a payment'));
  for (const told of toldOf(wish)) {
    if (!begun.some(({ paymentId }) => paymentId === told.id))
      faults.push(fault(wish, `was told ${told.id}, which was not begun under this key`));
    const payment = rows.payments.find(({ id }) => id === told.id);
    if (payment && payment.orderId !== wish.facts.orderId)
      faults.push(fault(wish, `wanted to pay ${wish.facts.orderId}, and ${told.id} pays ${payment.orderId}`));
    faults.push(...moneyOtherwise(wish, told, rows));
  }
  return faults;
}

function calledOffOtherwise(wish: CallingOff, rows: Rows): string[] {
  return toldOf(wish).flatMap((told) => moneyOtherwise(wish, told, rows));
}

/** Money that a client was told is taken is taken, here and at the provider; where they were told that it is not, none is kept. */
function moneyOtherwise(wish: Wish, told: ToldPayment, rows: Rows): string[] {
  const payment = rows.payments.find(({ id }) => id === told.id);
  if (!payment) return [fault(wish, `was told ${told.id}, which does not exist`)];
  const faults: string[] = [];
  if (payment.amountMinor !== told.amountMinor)
    faults.push(fault(wish, `was told ${told.amountMinor} of ${told.id}, which is about ${payment.amountMinor}`));
  if (captured.has(told.status)) {
    if (payment.capturedMinor !== told.amountMinor)
      faults.push(fault(wish, `was told that ${told.id} is ${told.status}, and it captured ${payment.capturedMinor}`));
    const charge = rows.charges.find(({ paymentId }) => paymentId === told.id);
    if (charge?.status !== 'SUCCEEDED' || BigInt(charge.amountMinor) !== told.amountMinor)
      faults.push(fault(wish, `was told that ${told.id} is ${told.status}, of which the provider does not know`));
  }
  if (moneyless.has(told.status) && payment.capturedMinor !== payment.refundedMinor)
    faults.push(fault(wish, `was told that ${told.id} is ${told.status}, and its money is kept`));
  return faults;
}

function canceledOtherwise(wish: Canceling, rows: Rows): string[] {
  return toldOf(wish).flatMap((told) => notAsEnded(wish, told, rows));
}

function refundedOtherwise(wish: Refunding, rows: Rows): string[] {
  const { paymentId, amountMinor } = wish.facts;
  const found = rows.refunds.filter(({ reason }) => reason === wish.key);
  const faults = doneOnceAsTold(wish, found.length);
  for (const refund of found) {
    if (refund.paymentId !== paymentId || refund.amountMinor !== amountMinor)
      faults.push(fault(wish, `gave back ${refund.amountMinor} of ${refund.paymentId}`));
    const wasTold = toldOf(wish).find(({ id }) => id !== refund.id);
    if (wasTold) faults.push(fault(wish, `was told ${wasTold.id} and made ${refund.id}`));
    if (refund.status !== 'SUCCEEDED') faults.push(fault(wish, `ended as ${refund.status}`));
  }
  return faults;
}

function adjustedOtherwise(wish: Adjusting, rows: Rows): string[] {
  const { variantId, delta } = wish.facts;
  const found = rows.adjustments.filter(({ reason }) => reason === wish.key);
  const other = found.filter((row) => row.variantId !== variantId || row.quantity !== delta);
  return [
    ...doneOnceAsTold(wish, found.length),
    ...other.map((row) => fault(wish, `changed ${row.variantId} by ${row.quantity}`)),
  ];
}

function doneOnceAsTold(wish: Wish, times: number): string[] {
  if (times > 1) return [fault(wish, `was done ${times} times`)];
  if (times === 1 && isRefused(wish)) return [fault(wish, 'was refused and done')];
  if (times === 0 && toldOf<unknown>(wish).length > 0) return [fault(wish, 'was told to be done, and is not')];
  return [];
}

/** Everything on record goes back to somebody's wish. */
function wantedByNobody(wishes: readonly Wish[], rows: Rows): string[] {
  const known = (verb: Wish['verb']) =>
    new Set(wishes.flatMap((wish) => (wish.verb === verb ? [`${wish.by} ${wish.key}`] : [])));
  const keys = (verb: Wish['verb']) => new Set(wishes.flatMap((wish) => (wish.verb === verb ? [wish.key] : [])));
  const placing = known('place');
  const paying = known('pay');
  const wantedOrders = new Set(
    rows.placed.flatMap(({ userId, key, orderId }) => (placing.has(`${userId} ${key}`) ? [orderId] : [])),
  );
  const wantedPayments = new Set(
    rows.begun.flatMap(({ userId, key, paymentId }) => (paying.has(`${userId} ${key}`) ? [paymentId] : [])),
  );
  return [
    ...rows.orders.filter(({ id }) => !wantedOrders.has(id)).map(({ id }) => `Nobody ordered ${id}.`),
    ...rows.payments.filter(({ id }) => !wantedPayments.has(id)).map(({ id }) => `Nobody began ${id}.`),
    ...rows.refunds.filter(({ reason }) => !keys('refund').has(reason)).map(({ id }) => `Nobody granted ${id}.`),
    ...rows.adjustments
      .filter(({ reason }) => !keys('adjust').has(reason))
      .map(({ variantId, quantity }) => `Nobody changed ${variantId} by ${quantity}.`),
  ];
}

function fault({ verb, by, key }: Wish, what: string): string {
  return `“${verb}” of ${by} with the key ${key} ${what}.`;
}
