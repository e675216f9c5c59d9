import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '@souk/dev/seed/random';
import { money, parseMoney } from '@souk/platform/money';
import { graphql } from '../generated/gql.ts';
import { type Client, untilKnown } from './client.ts';
import { isRefused, type Line, toldOf } from './history.ts';
import { adjust, callOff, cancel, pay, place, refund, type Wisher } from './wishes.ts';

/** What shoppers come for, each with how often of a hundred times. The choices are the seed's; what comes of them is the shop's. */
export interface Shopper extends Wisher {
  random: Random;
  shelf: Shelf;
  /** A member of staff, who has the same history. */
  clerk: Wisher;
}

/** What is on sale. */
export interface Shelf {
  /** As many as anybody wants. */
  plenty: Offer[];
  /** So few that there is not enough for all. */
  scarce: Offer;
}

export interface Offer {
  variantId: string;
  priceMinor: bigint;
}

/** See subgraphs/payment/test-provider/cards.ts. */
const approved = '4242424242424242';
const cards = [
  ...Array<string>(8).fill(approved),
  '4000000000000002', // declined
  '4000000000000119', // declined by a passing fault
  '4000000000000077', // approved with a delay
  '4000000000000077',
  '4000000000000341', // approved, but the answer never arrives
  '4000000000000259', // approved when everybody has given up
] as const;

const errands: readonly { share: number; run: (shopper: Shopper) => Promise<void> }[] = [
  { share: 33, run: buy },
  { share: 14, run: buyFromCart },
  { share: 9, run: buyScarce },
  { share: 8, run: changeOwnMind },
  { share: 8, run: callPaymentOff },
  { share: 7, run: seeOldPrice },
  { share: 7, run: renewSession },
  { share: 7, run: restock },
  { share: 7, run: giveBack },
];

/** Does one of them, whichever the seed says. */
export async function runErrand(shopper: Shopper): Promise<void> {
  let roll = shopper.random.integer(1, 100);
  for (const { share, run } of errands) {
    roll -= share;
    if (roll <= 0) return run(shopper);
  }
}

/** Orders and pays; now and then asks for the same once more, or thinks better of it. */
async function buy(shopper: Shopper): Promise<void> {
  const { random, shelf } = shopper;
  const lines = someLines(random, shelf);
  const placed = await place(shopper, lines, { expectedTotal: money(totalOf(shelf, lines), 'EUR') });
  if (!placed.told) return;
  await pay(shopper, placed.told.id, random.pick(cards));
  if (random.chance(15)) await placed.again();
  if (random.chance(25)) await cancel(shopper, placed.told.id);
}

const GuestFillsCart = graphql(`
  mutation GuestFillsCart($input: CartCreateInput!) {
    cartCreate(input: $input) { cart { id totalQuantity } userErrors { code } }
  }
`);

const ShopperClaimsCart = graphql(`
  mutation ShopperClaimsCart($cartId: ID!) {
    cartClaim(cartId: $cartId) {
      cart { id version cost { total { amount currencyCode } } lines(first: 100) { nodes { quantity variant { id } } } }
      userErrors { code }
    }
  }
`);

/** Fills a cart as a guest, takes it along, orders it and pays. */
async function buyFromCart(shopper: Shopper): Promise<void> {
  const { account, client, random, shelf } = shopper;
  const guestCartId = await fillCart(client, someLines(random, shelf));
  if (!guestCartId) throw new Error('Expected a cart for a guest.');
  if (random.chance(30)) await account.signIn(guestCartId);
  const { cartClaim } = await untilKnown(
    async () => client.send(ShopperClaimsCart, { cartId: guestCartId }, await account.token()),
    { patienceMs: PATIENCE_MS, renew: account.renew },
  );
  const { cart } = cartClaim ?? {};
  if (!cart?.version) throw new Error(`Expected the guest's cart, got ${JSON.stringify(cartClaim)}.`);
  const lines = cart.lines.nodes.flatMap(({ variant, quantity }) =>
    variant ? [{ variantId: variant.id, quantity }] : [],
  );
  // What a shopper ordered before leaves the cart when the event of its payment has arrived, so the cart may have changed or be empty.
  const placed = await place(shopper, lines, { cartId: cart.id, cartVersion: cart.version });
  if (placed.told) await pay(shopper, placed.told.id, approved);
}

async function fillCart(client: Client, lines: Line[]): Promise<string | null> {
  const input = { currencyCode: 'EUR', lines };
  const { cartCreate } = await untilKnown(() => client.send(GuestFillsCart, { input }), { patienceMs: PATIENCE_MS });
  return cartCreate?.userErrors.length === 0 ? (cartCreate.cart?.id ?? null) : null;
}

/** Resolves when carts take these: what is new in the catalog reaches them by an event. */
export async function knowsVariants(client: Client, offers: readonly Offer[]): Promise<void> {
  const lines = offers.map(({ variantId }) => ({ variantId, quantity: 1 }));
  while (!(await fillCart(client, lines))) await delay(100);
}

/** Wants what there is too little of. */
async function buyScarce(shopper: Shopper): Promise<void> {
  const { random, shelf } = shopper;
  const lines = [{ variantId: shelf.scarce.variantId, quantity: random.integer(1, 3) }];
  const placed = await place(shopper, lines);
  if (placed.told) await pay(shopper, placed.told.id, random.pick(cards));
}

/** Orders, and calls it off or forgets about it. */
async function changeOwnMind(shopper: Shopper): Promise<void> {
  const placed = await place(shopper, someLines(shopper.random, shopper.shelf));
  if (placed.told && shopper.random.chance(60)) await cancel(shopper, placed.told.id);
}

/** Pays, calls the payment off before it is settled, and pays with another card. */
async function callPaymentOff(shopper: Shopper): Promise<void> {
  const { random, shelf } = shopper;
  const placed = await place(shopper, someLines(random, shelf));
  if (!placed.told) return;
  const paid = await pay(shopper, placed.told.id, random.pick(['4000000000000077', '4000000000000259']));
  if (!paid.told) return;
  await callOff(shopper, paid.told.id);
  if (random.chance(50)) await pay(shopper, placed.told.id, approved);
}

/** Orders at a price that is not today's, which is refused after the stock was held. */
async function seeOldPrice(shopper: Shopper): Promise<void> {
  const lines = someLines(shopper.random, shopper.shelf);
  const placed = await place(shopper, lines, { expectedTotal: money(1n, 'EUR') });
  if (placed.told) throw new Error(`Expected the price to be refused, got ${placed.told.id}.`);
}

async function renewSession({ account, random }: Shopper): Promise<void> {
  if (random.chance(70)) await account.renew();
  else await account.signIn();
}

async function restock({ clerk, random, shelf }: Shopper): Promise<void> {
  await adjust(clerk, shelf.scarce.variantId, random.integer(1, 3));
}

/** Staff give back a part of what somebody has paid. */
async function giveBack({ clerk, history, random }: Shopper): Promise<void> {
  const paid = history.wishes.flatMap((wish) => {
    const last = wish.verb === 'pay' && !isRefused(wish) ? toldOf(wish).at(-1) : undefined;
    return last?.status === 'CAPTURED' ? [last] : [];
  });
  if (paid.length > 0) await refund(clerk, random.pick(paid).id, BigInt(random.integer(1, 900)));
}

const PATIENCE_MS = 60_000;

function someLines(random: Random, { plenty }: Shelf): Line[] {
  return random
    .some(plenty, random.integer(1, 3))
    .map(({ variantId }) => ({ variantId, quantity: random.integer(1, 3) }));
}

function totalOf({ plenty }: Shelf, lines: readonly Line[]): bigint {
  const priceOf = (variantId: string) => plenty.find((offer) => offer.variantId === variantId)?.priceMinor ?? 0n;
  return lines.reduce((sum, { variantId, quantity }) => sum + priceOf(variantId) * BigInt(quantity), 0n);
}

/** What a product offers. */
export function offerOf({ id, price: shown }: { id: string; price: { amount: string; currencyCode: string } }): Offer {
  return { variantId: id, priceMinor: parseMoney(shown).amountMinor };
}
