import { setTimeout as delay } from 'node:timers/promises';
import { type Random, randomFor } from '@souk/dev/seed/random';
import { processNames } from '@souk/dev/services';
import { graphql } from '../generated/gql.ts';
import { createProduct } from '../shopping.ts';
import { type Account, newAccount, staffAccount } from './account.ts';
import { type Client, openClient, type Reply, StillUnknown, untilKnown } from './client.ts';
import { knowsVariants, offerOf, runErrand, type Shelf, type Shopper } from './errands.ts';
import { faultsIn, type History, toldOf } from './history.ts';
import { readRows } from './history-rows.ts';
import type { Rig, RigOptions } from './rig.ts';
import { place, type Wisher } from './wishes.ts';

/** Several people who shop at the same time through the gateway, as real clients do, whatever breaks meanwhile. */
export interface Crowd {
  /** Everything they wanted and were told. */
  history: History;
  /** Every reply to any of them, the staff included. */
  replies: readonly Reply<unknown>[];
  /** Aborted when somebody could not go on: then there is no point in breaking any more. */
  gaveUp: AbortSignal;
  /** Wants something new again and again, each time once, until the first is told to be done. */
  firstSuccess(): Promise<void>;
}

/** What shoppers need of a shop: that an order which nobody pays is over soon, and that the latest payment comes after that. */
export const shoppersEnv = {
  order: { ORDER_PAYMENT_WINDOW: '8s' },
  'test-card': { APPROVAL_DELAY: '1s', LATE_APPROVAL: '10s' },
} as const satisfies RigOptions['env'];

/** Most of them wait for something that broke, so a few more keep the shop busy. */
const SHOPPERS = 12;

/**
 * Lets people shop while `breakThings` is at work. Then they come home, all settles, every invariant has to hold, and everything has to be on record as they were told.
 *
 * @throws what went wrong for the shoppers, or what is not as they were told
 */
export async function amidShoppers<Result>(
  rig: Rig,
  random: Random,
  breakThings: (crowd: Crowd) => Promise<Result>,
): Promise<{ result: Result; history: History }> {
  await everybodyIsBack(rig);
  const { gatewayUrl, adminUrl } = rig.shop;
  const replies: Reply<unknown>[] = [];
  const hear = (reply: Reply<unknown>) => void replies.push(reply);
  const client = openClient(gatewayUrl, { connections: SHOPPERS + 1, hear });
  const office = openClient(adminUrl, { connections: 2, hear });
  try {
    const history: History = { wishes: [] };
    const clerk: Wisher = { account: await staffAccount(office), client: office, history };
    const shelf = await fillShelf(rig, clerk.account, client);
    const accounts = await Promise.all(Array.from({ length: SHOPPERS + 1 }, () => newAccount(client)));
    const [watchman, ...others] = accounts as [Account, ...Account[]];
    const shoppers = others.map((account): Shopper => {
      return { account, client, history, clerk, shelf, random: randomFor(String(random.integer(0, 2 ** 31 - 1))) };
    });

    const stop = new AbortController();
    const gaveUp = new AbortController();
    const shopping = Promise.all(shoppers.map((shopper) => shopUntil(stop.signal, shopper)));
    shopping.catch((error: unknown) => gaveUp.abort(error));
    const result = await breakThings({
      history,
      replies,
      gaveUp: gaveUp.signal,
      firstSuccess: () => succeedOnce({ account: watchman, client, history, patienceMs: 0 }, shelf, gaveUp.signal),
    })
      // Whatever breaks off because somebody gave up is not the reason.
      .catch((error: unknown) => gaveUp.signal.throwIfAborted() ?? Promise.reject(error))
      .finally(() => stop.abort());
    await shopping;

    await everybodyIsBack(rig);
    await letLatePaymentsArrive(rig, history);
    await reconcile(clerk);
    await rig.settle();
    const variantIds = [...shelf.plenty, shelf.scarce].map(({ variantId }) => variantId);
    const rows = await readRows(rig, { userIds: accounts.map(({ userId }) => userId), variantIds });
    const faults = faultsIn(history, rows);
    if (faults.length > 0) throw new Error(`Not as ${faults.length} clients were told:\n${faults.join('\n')}`);
    return { result, history };
  } finally {
    await Promise.all([client.close(), office.close()]);
  }
}

async function everybodyIsBack(rig: Rig): Promise<void> {
  await Promise.all(processNames.map((name) => rig.back(name)));
}

async function fillShelf(rig: Rig, clerk: Account, client: Client): Promise<Shelf> {
  const manager = { url: rig.shop.adminUrl, accessToken: await clerk.token() };
  const { variants } = await createProduct(manager, [...Array<number>(5).fill(1_000_000), 5]);
  const [scarce, ...plenty] = variants.nodes.map(offerOf).reverse();
  if (!scarce) throw new Error('Expected something to sell.');
  await knowsVariants(client, plenty);
  return { plenty, scarce };
}

/** People take a breath between two errands. */
const BREATH_MS = 150;

async function shopUntil(stop: AbortSignal, shopper: Shopper): Promise<void> {
  while (!stop.aborted) {
    await runErrand(shopper);
    await delay(shopper.random.integer(0, BREATH_MS));
  }
}

async function succeedOnce(watchman: Wisher, { plenty }: Shelf, gaveUp: AbortSignal): Promise<void> {
  const lines = plenty.slice(0, 1).map(({ variantId }) => ({ variantId, quantity: 1 }));
  for (;;) {
    try {
      const { told } = await place(watchman, lines);
      if (told) return;
    } catch (error) {
      if (!(error instanceof StillUnknown)) throw error;
    }
    await delay(50, undefined, { signal: gaveUp });
  }
}

const POLL_MS = 100;

/** Nothing shows that a card which is approved late still will be, after its order and its payment are over. */
async function letLatePaymentsArrive({ providerLog }: Rig, { wishes }: History): Promise<void> {
  const late = new Set(
    wishes.flatMap((wish) => {
      return wish.verb === 'pay' && wish.facts.cardLast4 === '0259' ? toldOf(wish).map(({ id }) => id) : [];
    }),
  );
  for (;;) {
    const charges = (await providerLog.charges()).filter(({ paymentId, chargeId }) => chargeId && late.has(paymentId));
    if (charges.every(({ status }) => status === 'SUCCEEDED')) return;
    await delay(POLL_MS);
  }
}

const StaffReconcile = graphql(`
  mutation StaffReconcile($day: String!) {
    reconciliationRun(provider: TEST_CARD, day: $day) {
      reconciliation { id mismatchCount startedAt finishedAt }
      userErrors { code }
    }
  }
`);

/** What the provider could not report, because it or the shop was dead just then, is found by comparing; the shop does so every night. */
async function reconcile({ account, client }: Wisher): Promise<void> {
  const since = new Date();
  for (;;) {
    const day = since.toISOString().slice(0, 10);
    const { reconciliationRun } = await untilKnown(
      async () => client.send(StaffReconcile, { day }, await account.token()),
      { patienceMs: 60_000, renew: account.renew },
    );
    const { reconciliation } = reconciliationRun ?? {};
    if (!reconciliation) throw new Error(`Expected a comparison, got ${JSON.stringify(reconciliationRun)}.`);
    const { startedAt, finishedAt, mismatchCount } = reconciliation;
    if (finishedAt && new Date(startedAt) >= since) {
      if (mismatchCount > 0) throw new Error(`Expected the provider’s record to be ours, got ${mismatchCount} others.`);
      return;
    }
    await delay(POLL_MS);
  }
}

/** In how many ways the wishes of a crowd were answered. */
export function summaryOf({ wishes }: History): string {
  const tries = wishes.flatMap((wish) => wish.tries as { outcome: string }[]);
  const count = (outcome: string) => tries.filter((each) => each.outcome === outcome).length;
  return `${wishes.length} wishes, ${count('told')} times told done, ${count('refused')} times refused, ${count('unknown')} times left open and asked again`;
}

/** For how long a client had to ask, at most, until it knew. */
export function longestWaitMs({ wishes }: History): number {
  const waits = wishes.map(({ tries }) => {
    const known = tries.find(({ outcome }) => outcome !== 'unknown');
    return known ? known.endedAtMs - (tries[0]?.startedAtMs ?? 0) : 0;
  });
  return Math.max(0, ...waits);
}
