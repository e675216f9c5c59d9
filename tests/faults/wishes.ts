import { randomUUID } from 'node:crypto';
import { money, parseMoney } from '@souk/platform/money';
import { graphql } from '../generated/gql.ts';
import type { OrderPlaceInput, TypedDocumentString } from '../generated/graphql.ts';
import { address } from '../shopping.ts';
import type { Account } from './account.ts';
import { type Client, untilKnown } from './client.ts';
import type { History, Line, ToldOrder, ToldPayment, Try, Wish } from './history.ts';

/** Somebody who wants things done, asks until they know whether they are, and has it all written down. */
export interface Wisher {
  account: Account;
  client: Client;
  history: History;
  /** How long to go on asking; longer than the longest lease, and what follows when it runs out, when absent. */
  patienceMs?: number;
}

/** What came of a wish: what was told, or null when it was refused. Asking again gives the present state of the same. */
export interface Granted<Told> {
  told: Told | null;
  again(): Promise<Granted<Told>>;
}

/** A request may be killed several times in a row, and each time its lease has to end. */
const PATIENCE_MS = 200_000;

const ShopperPlaces = graphql(`
  mutation ShopperPlaces($input: OrderPlaceInput!) {
    orderPlace(input: $input) { order { id number status total { amount currencyCode } } userErrors { code } }
  }
`);

/** Orders these lines, from nowhere or from the cart that `input` names. */
export function place(who: Wisher, lines: readonly Line[], input: Partial<OrderPlaceInput> = {}) {
  const wish = begin(who, { verb: 'place', facts: { lines } });
  const placing = { shippingAddress: address, idempotencyKey: wish.key, ...(input.cartId ? {} : { lines }), ...input };
  return grant(who, wish, ShopperPlaces, { input: placing as OrderPlaceInput }, ({ orderPlace }) =>
    answerOf(orderPlace?.order ? toldOrder(orderPlace.order) : null, orderPlace?.userErrors),
  );
}

const ShopperPays = graphql(`
  mutation ShopperPays($input: PaymentStartInput!) {
    paymentStart(input: $input) { payment { id status amount { amount currencyCode } } userErrors { code } }
  }
`);

export function pay(who: Wisher, orderId: string, card: string) {
  const wish = begin(who, { verb: 'pay', facts: { orderId, cardLast4: card.slice(-4) } });
  const testCard = { number: card, expiryMonth: 12, expiryYear: 2032, securityCode: '123' };
  const input = { orderId, provider: 'TEST_CARD', testCard, idempotencyKey: wish.key } as const;
  return grant(who, wish, ShopperPays, { input }, ({ paymentStart }) => {
    const { payment, userErrors } = paymentStart ?? {};
    // A payment that failed is shown together with why.
    const isShownFailed = userErrors?.every(({ code }) => code === 'DECLINED' || code === 'PROVIDER_UNAVAILABLE');
    return answerOf(payment ? toldPayment(payment) : null, isShownFailed ? [] : userErrors);
  });
}

const ShopperCallsOff = graphql(`
  mutation ShopperCallsOff($input: PaymentCancelInput!) {
    paymentCancel(input: $input) { payment { id status amount { amount currencyCode } } userErrors { code } }
  }
`);

export function callOff(who: Wisher, paymentId: string) {
  const wish = begin(who, { verb: 'call off', facts: { paymentId } });
  const input = { paymentId, idempotencyKey: wish.key };
  return grant(who, wish, ShopperCallsOff, { input }, ({ paymentCancel }) =>
    answerOf(paymentCancel?.payment ? toldPayment(paymentCancel.payment) : null, paymentCancel?.userErrors),
  );
}

const ShopperCancels = graphql(`
  mutation ShopperCancels($input: OrderCancelInput!) {
    orderCancel(input: $input) { order { id number status total { amount currencyCode } } userErrors { code } }
  }
`);

export function cancel(who: Wisher, orderId: string) {
  const wish = begin(who, { verb: 'cancel', facts: { orderId } });
  return grant(who, wish, ShopperCancels, { input: { orderId, reason: 'CUSTOMER_REQUEST' } }, ({ orderCancel }) => {
    const order = orderCancel?.order;
    // Canceled by a request whose answer was lost: the next one is refused and shows that it is done.
    return answerOf(order ? toldOrder(order) : null, order?.status === 'CANCELED' ? [] : orderCancel?.userErrors);
  });
}

const StaffRefund = graphql(`
  mutation StaffRefund($input: PaymentRefundInput!) {
    paymentRefund(input: $input) { refund { id status } userErrors { code } }
  }
`);

export function refund(who: Wisher, paymentId: string, amountMinor: bigint) {
  const wish = begin(who, { verb: 'refund', facts: { paymentId, amountMinor } });
  const input = { paymentId, amount: money(amountMinor, 'EUR'), reason: wish.key, idempotencyKey: wish.key };
  return grant(who, wish, StaffRefund, { input }, ({ paymentRefund }) =>
    answerOf(paymentRefund?.refund ?? null, paymentRefund?.userErrors),
  );
}

const StaffAdjust = graphql(`
  mutation StaffAdjust($input: StockAdjustInput!) {
    stockAdjust(input: $input) { variant { id } userErrors { code } }
  }
`);

export function adjust(who: Wisher, variantId: string, delta: number) {
  const wish = begin(who, { verb: 'adjust', facts: { variantId, delta } });
  const input = { variantId, delta, reason: wish.key, idempotencyKey: wish.key };
  return grant(who, wish, StaffAdjust, { input }, ({ stockAdjust }) => {
    const { variant, userErrors } = stockAdjust ?? {};
    return answerOf(variant ? { variantId: variant.id } : null, userErrors);
  });
}

type Told<Of extends Wish> = Of['tries'][number] extends Try<infer Type> ? Type : never;

/** Writes a wish down before it is sent for the first time. */
function begin<Verb extends Wish['verb']>(
  { account, history }: Wisher,
  wanted: { verb: Verb; facts: Extract<Wish, { verb: Verb }>['facts'] },
): Extract<Wish, { verb: Verb }> {
  const wish = { ...wanted, by: account.userId, key: randomUUID(), tries: [] } as unknown as Extract<
    Wish,
    { verb: Verb }
  >;
  history.wishes.push(wish);
  return wish;
}

type Answered<Type> = { told: Type } | { codes: string[] };

/** Asks until it is known how the wish was answered, and writes down every try. */
async function grant<Of extends Wish, Data, Variables>(
  who: Wisher,
  wish: Of,
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
  read: (data: Data) => Answered<Told<Of>>,
): Promise<Granted<Told<Of>>> {
  const tries = wish.tries as Try<Told<Of>>[];
  let startedAtMs = 0;
  const data = await untilKnown(
    async () => {
      const token = await who.account.token();
      startedAtMs = Date.now();
      return who.client.send(document, variables, token);
    },
    {
      patienceMs: who.patienceMs ?? PATIENCE_MS,
      renew: who.account.renew,
      hear: (reply) => {
        const when = { startedAtMs, endedAtMs: Date.now() };
        if (reply.kind === 'unknown') tries.push({ ...when, outcome: 'unknown', why: reply.why });
        if (reply.kind !== 'answered') return;
        const answer = read(reply.data);
        if ('told' in answer) tries.push({ ...when, outcome: 'told', told: answer.told });
        else tries.push({ ...when, outcome: 'refused', codes: answer.codes });
      },
    },
  );
  const answer = read(data);
  return {
    told: 'told' in answer ? answer.told : null,
    again: () => grant(who, wish, document, variables, read),
  };
}

function answerOf<Type>(told: Type | null, userErrors: readonly { code: string }[] = []): Answered<Type> {
  if (userErrors.length > 0) return { codes: userErrors.map(({ code }) => code) };
  if (told === null) throw new Error('Expected something told or refused, got neither.');
  return { told };
}

interface Shown {
  id: string;
  status: string;
}
interface Price {
  amount: string;
  currencyCode: string;
}

function toldOrder({ id, number, status, total }: Shown & { number: string; total: Price }): ToldOrder {
  return { id, number, status, totalMinor: parseMoney(total).amountMinor };
}

function toldPayment({ id, status, amount }: Shown & { amount: Price }): ToldPayment {
  return { id, status, amountMinor: parseMoney(amount).amountMinor };
}
