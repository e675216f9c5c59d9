import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '@souk/dev/seed/random';
import { idToBytes } from '@souk/platform/id';
import { ask, newCustomer, PASSWORD, type Person, patiently, send, signIn } from '../../client.ts';
import { graphql } from '../../generated/gql.ts';
import { cancelOrder, createProduct } from '../../shopping.ts';
import { atOnce } from '../at-once.ts';
import { orderOne, payOnce } from '../patiently.ts';
import { openRows, type Rows } from '../races/rows.ts';
import type { Rig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';

const ORDERS_PER_WIPE = 25;
const IN_FLIGHT = 16;
const PAUSE_MS = 300;
const BUYERS_WITHOUT = 10;
const TARGET_LATE_MS = 60_000;

/** Redis forgets everything, again and again, while orders are called off and run out of time; then it is not there at all, and people go on buying. */
export const redisWipes: Scenario = {
  fault: `Wipes of Redis with ${ORDERS_PER_WIPE} orders for each to be called off or to expire; then a Redis that is away`,
  mustHold:
    'all called off ≤ 60 s late; revocations and lock-outs hold at every look; checkout works without Redis, its events flow when it is back',
  rounds: { small: 2, full: 20 },

  async run(rig, { rounds, random }) {
    const count = rounds * ORDERS_PER_WIPE;
    // From a minute on, the shop looks for overdue orders as seldom as it usually does.
    const windowSeconds = Math.ceil(6 + 2.7 * rounds);
    await rig.restart('order', { ORDER_PAYMENT_WINDOW: `${windowSeconds}s` });
    const { variantIds } = await createProduct(rig.admin, [2 * count + BUYERS_WITHOUT]);
    const variantId = variantIds[0] as string;
    const customer = await newCustomer(rig.shop.gatewayUrl);
    await using outcasts = await shutOut(rig);

    const orders = await atOnce(IN_FLIGHT, count, () => orderOne(customer, variantId));
    const lookedAfter = await wipeAgainAndAgain(rig, { customer, orders, rounds, random, outcasts });
    await rig.settle();
    const rows = openRows(rig);
    const lateMs = await latestMs(rows, orders, windowSeconds);

    await rig.restart('order');
    const without = await buyWithoutRedis(rig, rows, variantId);
    await rows.close();
    const looks = outcasts.looks();
    return {
      figures: [
        `${rounds} wipes with ${count} orders pending: the last expired ${Math.round(lateMs.expiry)} ms late, the last stock came back ${Math.round(lateMs.release)} ms after its order had ended`,
        `${looks} looks of signed-out and suspended users and ${lookedAfter} of a locked-out account, none let in`,
        `${BUYERS_WITHOUT} of ${BUYERS_WITHOUT} bought and paid without Redis, the slowest in ${Math.round(without.slowestMs)} ms; all confirmed ${Math.round(without.confirmedMs)} ms after it was back`,
      ],
      missed: Object.entries(lateMs)
        .filter(([, ms]) => ms > TARGET_LATE_MS)
        .map(([what, ms]) => `${what} ${Math.round(ms / 1_000)} s late > 60 s`),
    };
  },
};

/** The first half of the wipes meets orders that are called off, the second half orders that run out of time. Returns how often the locked-out account was tried. */
async function wipeAgainAndAgain(
  rig: Rig,
  { customer, orders, rounds, random, outcasts }: Pending & { rounds: number; random: Random; outcasts: Outcasts },
): Promise<number> {
  const amidCancels = Math.ceil(rounds / 2);
  const perWipe = Math.floor(orders.length / 2 / amidCancels);
  const toCancel = random.some(orders, perWipe * amidCancels);
  let looked = 0;
  for (let wipe = 0; wipe < rounds; wipe++) {
    if (wipe === amidCancels) await firstExpiry(orders, toCancel);
    const locked = await outcasts.lock();
    const batch = toCancel.splice(0, perWipe);
    await Promise.all([
      atOnce(IN_FLIGHT, batch.length, (index) => callOff(customer, batch[index]?.id as string)),
      rig.wipeRedis(),
    ]);
    if (await locked.holds()) looked++;
    await delay(PAUSE_MS);
  }
  return looked;
}

interface Pending {
  customer: Person;
  orders: readonly Order[];
}
type Order = Awaited<ReturnType<typeof orderOne>>;

async function callOff(customer: Person, orderId: string): Promise<void> {
  const { userErrors } = await patiently(() => cancelOrder(customer, orderId));
  // Asked again after an answer that was lost, or too late: then it has ended already.
  if (userErrors.some(({ code }) => code !== 'NOT_CANCELABLE'))
    throw new Error(`Expected the order to be called off, got ${JSON.stringify(userErrors)}.`);
}

async function firstExpiry(orders: readonly Order[], canceled: readonly Order[]): Promise<void> {
  const left = orders.filter((order) => !canceled.includes(order));
  const first = Math.min(...left.map(({ paymentDueAt }) => Date.parse(paymentDueAt ?? '')));
  await delay(Math.max(0, first - Date.now()));
}

const RedisWipesSuspend = graphql(`
  mutation RedisWipesSuspend($input: UserSuspendInput!) { userSuspend(input: $input) { user { status } userErrors { code } } }
`);
const RedisWipesSignOut = graphql(`mutation RedisWipesSignOut { signOut { signedOutSessionIds } }`);
const RedisWipesSignIn = graphql(`
  mutation RedisWipesSignIn($input: SignInInput!) {
    signIn(input: $input) { tokens { accessToken } userErrors { code retryAfterMs } }
  }
`);

interface Outcasts extends AsyncDisposable {
  /** How often the door was tried with tokens that were revoked. */
  looks(): number;
  /** Makes sure that the account is locked, and gives what tries it again: whether it was still to be locked then. */
  lock(): Promise<{ holds(): Promise<boolean> }>;
}

const LOOK_EVERY_MS = 50;

/** Somebody who has signed out, somebody who is suspended and somebody whose password is being guessed, all of whom try to get in all the time. */
async function shutOut(rig: Rig): Promise<Outcasts> {
  const url = rig.shop.gatewayUrl;
  const [signedOut, suspended, guessed] = await Promise.all([newCustomer(url), newCustomer(url), newCustomer(url)]);
  await ask(signedOut, RedisWipesSignOut);
  await ask(rig.admin, RedisWipesSuspend, { input: { userId: suspended.userId, reason: 'fraud' } });
  await delay(1_000); // So long a gateway may take to hear of it.

  let looks = 0;
  let stopped = false;
  const look = async (person: Person) => {
    while (!stopped) {
      const { data, status } = await send(person, '{ viewer { id } }');
      if (status === 200) throw new Error(`Expected a revoked token to be refused, got ${JSON.stringify(data)}.`);
      looks++;
      await delay(LOOK_EVERY_MS);
    }
  };
  const looking = Promise.all([look(signedOut), look(suspended)]);
  looking.catch(() => {});

  async function tryPassword(password: string) {
    const input = { email: guessed.email, password };
    const { signIn } = await patiently(() => ask({ url }, RedisWipesSignIn, { input }));
    if (signIn?.tokens && password !== PASSWORD) throw new Error('Expected a wrong password to be refused.');
    return { tokens: signIn?.tokens, error: signIn?.userErrors[0] };
  }

  return {
    looks: () => looks,
    async lock() {
      for (;;) {
        const { error } = await tryPassword('a wrong guess');
        const untilMs = Date.now() + (error?.retryAfterMs ?? 0);
        if (error?.code !== 'RATE_LIMITED') continue;
        return {
          async holds() {
            const { tokens } = await tryPassword(PASSWORD);
            if (tokens && Date.now() < untilMs) throw new Error('Expected a locked-out account to stay locked out.');
            await expectSuspended(url, suspended);
            return tokens === null || tokens === undefined;
          },
        };
      }
    },
    async [Symbol.asyncDispose]() {
      stopped = true;
      await looking;
    },
  };
}

async function expectSuspended(url: string, { email }: Person): Promise<void> {
  const entered = await patiently(() => signIn(url, email, PASSWORD)).then(
    () => true,
    (error: Error) => {
      if (!error.message.includes('ACCOUNT_SUSPENDED')) throw error;
      return false;
    },
  );
  if (entered) throw new Error('Expected a suspended user not to get in.');
}

/** How late what waited for Redis was, by the clock of the database. */
async function latestMs(rows: Rows, orders: readonly Order[], windowSeconds: number) {
  const ids = orders.map(({ id }) => idToBytes('Order', id));
  const [expired] = await rows.ask<{ lateMs: string | null }>(
    `SELECT MAX(TIMESTAMPDIFF(MICROSECOND, o.placed_at, e.created_at)) / 1000 - ? * 1000 AS lateMs
     FROM souk_order.orders o JOIN souk_order.order_events e ON e.order_id = o.id AND e.to_status = 'EXPIRED' WHERE o.id IN (?)`,
    [windowSeconds, ids],
  );
  const [released] = await rows.ask<{ lateMs: string; count: string }>(
    `SELECT MAX(TIMESTAMPDIFF(MICROSECOND, e.created_at, m.created_at)) / 1000 AS lateMs, COUNT(*) AS count
     FROM souk_order.order_events e JOIN souk_catalog.stock_movements m ON m.order_id = e.order_id AND m.kind = 'RELEASED'
     WHERE e.to_status IN ('CANCELED', 'EXPIRED') AND e.order_id IN (?)`,
    [ids],
  );
  if (Number(released?.count) !== orders.length)
    throw new Error(`Expected ${orders.length} orders to end and their stock to come back, got ${released?.count}.`);
  return { expiry: Number(expired?.lateMs ?? 0), release: Number(released?.lateMs) };
}

async function buyWithoutRedis(rig: Rig, rows: Rows, variantId: string) {
  const customer = await newCustomer(rig.shop.gatewayUrl);
  await rig.network.redis.cut();
  const bought = await atOnce(2, BUYERS_WITHOUT, async () => {
    const startedAt = performance.now();
    const { id } = await orderOne(customer, variantId);
    const { payment, userErrors } = await payOnce(customer, id);
    if (payment?.status !== 'CAPTURED') throw new Error(`Expected to pay, got ${JSON.stringify(userErrors)}.`);
    return { id, ms: performance.now() - startedAt };
  }).finally(rig.network.redis.heal);

  const backAt = performance.now();
  await rows.until("SELECT 1 FROM souk_order.orders WHERE id IN (?) AND status = 'CONFIRMED' HAVING COUNT(*) = ?", [
    bought.map(({ id }) => idToBytes('Order', id)),
    BUYERS_WITHOUT,
  ]);
  return { slowestMs: Math.max(...bought.map(({ ms }) => ms)), confirmedMs: performance.now() - backAt };
}
